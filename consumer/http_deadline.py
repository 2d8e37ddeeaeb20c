"""One deadline for a whole HTTP attempt: each wait on its socket ends there, however slowly the peer sends."""

import threading
import time
from dataclasses import dataclass
from typing import Any

_attempt = threading.local()


def start_deadline(seconds: float) -> None:
    """Give this thread's attempt `seconds` from now."""
    _attempt.ends_at = time.monotonic() + seconds


def with_deadline(backend: Any, late: type[Exception]) -> Any:
    """
    A network backend of httpcore (or of a library with the same interface) whose waits end at the thread's deadline.

    `backend` opens the connections. `late` is raised if the deadline is over before a wait begins.
    """
    return _Backend(backend, late)


@dataclass(frozen=True, slots=True)
class _Backend:
    """Opens streams that keep the deadline."""

    backend: Any
    late: type[Exception]

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> "_Stream":
        return _Stream(self.backend.connect_tcp(host, port, _remaining_seconds(self.late), **options), self.late)


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stream that ignores the timeouts of its caller, and waits until the deadline instead."""

    stream: Any
    late: type[Exception]

    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        return self.stream.read(max_bytes, _remaining_seconds(self.late))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces, because the wrapped stream starts its timeout anew whenever the peer accepts a byte.
        pieces = memoryview(buffer)
        for begin in range(0, len(buffer), 65536):
            self.stream.write(pieces[begin : begin + 65536], _remaining_seconds(self.late))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> "_Stream":
        return _Stream(self.stream.start_tls(ssl_context, server_hostname, _remaining_seconds(self.late)), self.late)

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _remaining_seconds(late: type[Exception]) -> float:
    seconds: float = _attempt.ends_at - time.monotonic()
    if seconds <= 0:
        raise late("deadline of the attempt")
    return seconds
