"""One deadline for a whole attempt: each wait on its socket ends there, however the peer dribbles."""

import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

_attempt = threading.local()


def start(seconds: float) -> None:
    """Start the clock of this thread's attempt."""
    _attempt.ends_at = time.monotonic() + seconds


def _left(error: type[Exception]) -> float:
    left: float = _attempt.ends_at - time.monotonic()
    if left <= 0:
        raise error("deadline of the attempt")
    return left


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every wait is cut at the deadline of the attempt that uses it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces, as the stream below starts its timeout anew whenever the peer takes a byte.
        for start in range(0, len(buffer), 65536):
            self._stream.write(buffer[start : start + 65536], _left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, _left(httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections that keep to the deadline."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(httpcore.ConnectTimeout)
        return DeadlineStream(self._backend.connect_tcp(host, port, left, local_address, socket_options))
