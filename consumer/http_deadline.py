"""One deadline for a whole HTTP attempt: each wait on its socket ends there, however the peer dribbles."""

import threading
import time
from dataclasses import dataclass
from typing import Any

_attempt = threading.local()


def start(seconds: float) -> None:
    """Start the clock of this thread's attempt."""
    _attempt.ends_at = time.monotonic() + seconds


def keep(backend: Any, late: type[Exception]) -> Any:
    """
    A network backend of httpcore (or of its namesakes) whose connections keep to their thread's attempt's deadline.

    `backend`: the one that they are opened with. `late` is raised where the deadline is over before a wait begins.
    """
    return _Backend(backend, late)


@dataclass(frozen=True, slots=True)
class _Backend:
    backend: Any
    late: type[Exception]

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> "_Stream":
        return _Stream(self.backend.connect_tcp(host, port, _left(self.late), **options), self.late)


@dataclass(frozen=True, slots=True)
class _Stream:
    stream: Any
    late: type[Exception]

    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        return self.stream.read(max_bytes, _left(self.late))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces, as the stream below starts its timeout anew whenever the peer takes a byte.
        pieces = memoryview(buffer)
        for begin in range(0, len(buffer), 65536):
            self.stream.write(pieces[begin : begin + 65536], _left(self.late))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> "_Stream":
        return _Stream(self.stream.start_tls(ssl_context, server_hostname, _left(self.late)), self.late)

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _left(late: type[Exception]) -> float:
    left: float = _attempt.ends_at - time.monotonic()
    if left <= 0:
        raise late("deadline of the attempt")
    return left
