"""The bytes of one connection: each wait on its socket ends at the deadline of the request under way."""

import select
import socket
import ssl
import time

import httpcore

from consumer.http_client.messages import HttpError, system_error

_READ_BYTES = 16384  # a TLS record


class SocketStream(httpcore.NetworkStream):
    """
    A connected socket for httpcore, whose own has a timeout for each wait and no deadline for all of them.

    The errors are HttpErrors, except WriteError, after which httpcore still reads the response. `ends_at` is the
    deadline, in monotonic seconds. `has_received` and `has_ended` say what was read since `begin`: a byte, the end.
    """

    def __init__(self, connected: socket.socket, ends_at: float) -> None:
        self._socket = connected
        self._head_bytes: int | None = None
        self.ends_at = ends_at
        self.has_received = False
        self.has_ended = False

    def begin(self, ends_at: float, max_head_bytes: int) -> None:
        """A request begins. Until `end_head` so many bytes may be read."""
        self.ends_at = ends_at
        self._head_bytes = max_head_bytes
        self.has_received = self.has_ended = False

    def end_head(self) -> None:
        self._head_bytes = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """The next bytes; b"" at their end. The deadline holds in place of `timeout`, here and below."""
        received = self._receive(min(max_bytes, _READ_BYTES))
        if received:
            self.has_received = True
        else:
            self.has_ended = True
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        rest = memoryview(buffer)
        try:
            while rest:
                self._limit_wait("write")
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise system_error("write", error) from error
        except OSError as error:
            raise httpcore.WriteError from error

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """The handshake as client. `server_hostname` is the name that the certificate must have."""
        try:
            self._limit_wait("connect")
            self._socket = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except OSError as error:
            raise system_error("connect", error, "no TLS handshake within the deadline of the request") from error
        return self

    def get_extra_info(self, info: str) -> object:
        """`is_readable` of an idle connection: something arrived that no request asked for, or the end."""
        if info != "is_readable":
            return None
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def limit_acknowledgement(self, milliseconds: int) -> None:
        """End the connection if the peer's system does not confirm for so long what was sent; 0: never (Linux only)."""
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def close(self) -> None:
        self._socket.close()

    def _receive(self, max_bytes: int) -> bytes:
        if self._head_bytes is not None:
            max_bytes = min(max_bytes, self._head_bytes)
            if not max_bytes:
                raise HttpError(
                    "remote_protocol_error", "the response is not valid HTTP: too long headers or interim responses"
                )
        try:
            self._limit_wait("read")
            received = self._socket.recv(max_bytes)
        except OSError as error:
            raise system_error("read", error) from error
        if self._head_bytes is not None:
            self._head_bytes -= len(received)
        return received

    def _limit_wait(self, action: str) -> None:
        seconds = self.ends_at - time.monotonic()
        if seconds <= 0:
            raise HttpError(f"{action}_timeout", "the deadline of the request is over")
        self._socket.settimeout(seconds)
