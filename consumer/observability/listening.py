"""The socket on which the HTTP server listens: which addresses, and how much the kernel buffers for a connection."""

import errno
import fcntl
import socket
import struct
import sys
import termios
from typing import Any

BOTH_FAMILIES = "::"
"""The host that is every IPv6 and every IPv4 address of the machine."""

_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
# A connection inherits both, also while it waits to be accepted. The kernel doubles the values. Its own choice grows to
# megabytes for a client that sends without end or reads nothing, and counts for the memory limit of a pod.
_RECEIVE_BYTES = 8192
_SEND_BYTES = 16_384
_WAITING_CLIENTS = 512


def listening_socket(host: str, port: int) -> socket.socket:
    """
    A socket that listens on this address, port 0 for a free port. A name is its IPv4 address if it has one.

    Raises OSError, also for a name that cannot be resolved.
    """
    try:
        return _listening(*_address(host, port))
    except OSError as error:
        if host != BOTH_FAMILIES or error.errno not in _NO_IPV6:
            raise
        return _listening(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104 - as BOTH_FAMILIES says


def url(listening: socket.socket) -> str:
    """The URL of the front page, with the address on which the socket listens."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"


def is_acknowledged(connection: Any) -> bool:
    """Whether the client has confirmed everything that was sent to it. Only Linux says so; elsewhere always True."""
    if sys.platform != "linux":
        return True
    (unconfirmed,) = struct.unpack(
        "i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    )  # tcp(7), SIOCOUTQ
    return bool(unconfirmed <= 1)  # the end of the stream counts as a byte


def _address(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    ipv4 = [info for info in addresses if info[0] == socket.AF_INET]
    family, *_, address = (ipv4 or addresses)[0]
    return family, address


def _listening(family: socket.AddressFamily, address: Any) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
        listening.listen(_WAITING_CLIENTS)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
