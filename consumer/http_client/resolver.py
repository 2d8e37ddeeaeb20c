"""The addresses of a host, looked up on a thread, because the system's look-up has no timeout."""

import errno
import ipaddress
import socket
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from consumer.http_client.messages import HttpError, system_error


class Address(NamedTuple):
    """What a socket is made for, and what it connects to."""

    family: int
    sockaddr: tuple[object, ...]


class Resolver:
    """At most one look-up of a host and port is under way, whatever the number of callers. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], _NameLookup] = {}

    def addresses(self, host: str, port: int, ends_at: float) -> Sequence[Address]:
        """All addresses, in the order of the system. Raises HttpError, at the latest at `ends_at`."""
        lookup = _NameLookup(host, port)
        if _is_address(host):
            lookup.run()
        else:
            lookup = self._share(lookup)
            if not lookup.ended.wait(max(0.0, ends_at - time.monotonic())):
                raise HttpError("connect_timeout", "the name of the host was not resolved within the deadline")
        if lookup.error:
            raise system_error("connect", lookup.error) from lookup.error
        return lookup.addresses

    def _share(self, lookup: "_NameLookup") -> "_NameLookup":
        """The look-up of the same host that is under way, or else this one, which is started."""
        name = lookup.host, lookup.port
        with self._lock:
            if name in self._under_way:
                return self._under_way[name]
            self._under_way[name] = lookup
        try:
            threading.Thread(target=self._run, args=(lookup,), name="resolve", daemon=True).start()
        except RuntimeError:  # the system has no room for a thread
            lookup.error = OSError(errno.EAGAIN, "no thread can be started to resolve the name of the host")
            self._end(lookup)
        return lookup

    def _run(self, lookup: "_NameLookup") -> None:
        try:
            lookup.run()
        finally:
            self._end(lookup)

    def _end(self, lookup: "_NameLookup") -> None:
        """The next caller starts another look-up; those that wait for this one go on."""
        with self._lock:
            del self._under_way[lookup.host, lookup.port]
        lookup.ended.set()


class _NameLookup:
    """One look-up. When `ended` is set, there are `addresses` or there is an `error`."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.ended = threading.Event()
        self.addresses: Sequence[Address] = ()
        self.error: OSError | None = OSError(errno.EAGAIN, "the look-up of the name of the host ended by a defect")

    def run(self) -> None:
        try:
            rows = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            self.addresses = [Address(family, sockaddr) for family, _, _, _, sockaddr in rows]
            self.error = None
        except OSError as error:
            self.error = error
        except UnicodeError:  # a label of the name is empty or longer than 63 bytes
            self.error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
