"""The race between the addresses of a host, so that an address without an answer costs a moment (RFC 8305)."""

import errno
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable, Sequence

from consumer.http_client.messages import HttpError, system_error
from consumer.http_client.resolver import Address

MAX_ADDRESSES = 20  # each can take a socket for the length of a request
_HEAD_START_SECONDS = 0.25


def connect_first(addresses: Sequence[Address], ends_at: float) -> socket.socket:
    """The first connection that one of the addresses gives. Raises HttpError, at the latest at `ends_at`."""
    with _Race(_alternating(addresses), ends_at) as race:
        connected = race.run()
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


class _Race:
    """
    The attempts under way. An attempt gets a head start before the next one begins, or ends it with its failure.

    With many addresses or little time the head start is shorter, so that each address begins in the first half.
    """

    def __init__(self, addresses: Sequence[Address], ends_at: float) -> None:
        self._waiting = deque(addresses[:MAX_ADDRESSES])
        self._ends_at = ends_at
        share = (ends_at - time.monotonic()) / 2 / (len(self._waiting) or 1)
        self._head_start = min(_HEAD_START_SECONDS, share)
        self._selector = selectors.PollSelector()  # the default one has a descriptor of its own
        self._error: OSError | None = None

    def __enter__(self) -> "_Race":
        return self

    def __exit__(self, *_: object) -> None:
        """Close the attempts that did not win."""
        for key in self._selector.get_map().values():
            _socket(key).close()
        self._selector.close()

    def run(self) -> socket.socket:
        while self._waiting or self._selector.get_map():
            connected = self._begin_next() or self._await_first()
            if connected:
                return connected
        error = self._error or OSError("the name of the host has no address")
        raise system_error("connect", error) from error

    def _begin_next(self) -> socket.socket | None:
        """Begin with the next address. Its connection if there is one at once."""
        if not self._waiting:
            return None
        family, sockaddr = self._waiting.popleft()
        attempt = None
        try:
            attempt = socket.socket(family, socket.SOCK_STREAM)
            attempt.setblocking(False)
            number = attempt.connect_ex(sockaddr)
        except OSError as error:  # the system has no such family, or no more descriptors
            number = error.errno or errno.EINVAL
        if attempt is None or number not in (0, errno.EINPROGRESS):
            self._note_failure(attempt, number)
            return None
        if not number:
            return attempt
        self._selector.register(attempt, selectors.EVENT_WRITE)
        return None

    def _await_first(self) -> socket.socket | None:
        """Wait for an end of an attempt, at most until the next one may begin."""
        now = time.monotonic()
        if now >= self._ends_at:
            raise HttpError("connect_timeout", "no address of the host answers within the deadline")
        if not self._selector.get_map():
            return None
        until = min(self._ends_at, now + self._head_start) if self._waiting else self._ends_at
        for key, _ in self._selector.select(until - now):
            attempt = _socket(key)
            self._selector.unregister(attempt)
            number = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not number:
                return attempt
            self._note_failure(attempt, number)
        return None

    def _note_failure(self, attempt: socket.socket | None, number: int) -> None:
        """The first failure is the one to report, because the system names the best address first."""
        if attempt:
            attempt.close()
        self._error = self._error or OSError(number, os.strerror(number))


def _alternating(addresses: Iterable[Address]) -> list[Address]:
    """The addresses of both families in turn, beginning with the family of the first."""
    addresses = list(addresses)
    if not addresses:
        return []
    first = [address for address in addresses if address.family == addresses[0].family]
    second = [address for address in addresses if address.family != addresses[0].family]
    both = min(len(first), len(second))
    pairs = [address for pair in zip(first, second, strict=False) for address in pair]
    return [*pairs, *first[both:], *second[both:]]


def _socket(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj
