"""The bytes of one connection: each wait on its socket ends at the deadline of the request under way."""

import select
import socket
import ssl
import time

from consumer.http_client.messages import HttpError, system_error

_READ_BYTES = 16384  # a TLS record


class SocketStream:
    """A connected socket. Its errors are HttpErrors. `ends_at` is the deadline, in monotonic seconds."""

    __slots__ = ("_socket", "ends_at")

    def __init__(self, connected: socket.socket, ends_at: float) -> None:
        self._socket = connected
        self.ends_at = ends_at

    def read(self) -> bytes:
        """The next bytes; b"" at their end."""
        try:
            self._limit_wait("read")
            return self._socket.recv(_READ_BYTES)
        except OSError as error:
            raise system_error("read", error) from error

    def write(self, content: bytes) -> None:
        rest = memoryview(content)
        try:
            while rest:
                self._limit_wait("write")
                rest = rest[self._socket.send(rest) :]
        except OSError as error:
            raise system_error("write", error) from error

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """The handshake as client. `host` is the name that the certificate must have."""
        try:
            self._limit_wait("connect")
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except OSError as error:
            raise system_error("connect", error, "no TLS handshake within the deadline of the request") from error

    def is_silent(self) -> bool:
        """Whether nothing arrived that no request asked for. An end of the connection counts as something."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def limit_acknowledgement(self, milliseconds: int) -> None:
        """End the connection if the peer's system does not confirm for so long what was sent; 0: never (Linux only)."""
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def close(self) -> None:
        self._socket.close()

    def _limit_wait(self, action: str) -> None:
        seconds = self.ends_at - time.monotonic()
        if seconds <= 0:
            raise HttpError(f"{action}_timeout", "the deadline of the request is over")
        self._socket.settimeout(seconds)
