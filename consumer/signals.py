"""SIGTERM and Ctrl-C: the first one asks the service to stop, the second one ends the process, as a timeout does."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
DEFAULT_SECONDS = 25.0


class StopSignals:
    """
    A thread of its own learns of the signals, and ends the process when its time is over.

    Python runs a handler in the main thread, and not while the main thread is inside a call of a library. But it writes
    the number of each signal to a socket at once (signal.set_wakeup_fd).
    """

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.seconds = DEFAULT_SECONDS
        """How long the process may take to end after the first signal."""
        self._received, self._wakeup = socket.socketpair()
        self._wakeup.setblocking(False)
        self._thread = threading.Thread(target=self._wait, name="signals", daemon=True)

    def take(self) -> None:
        """Only the main thread may call this."""
        signal.set_wakeup_fd(self._wakeup.fileno())
        self._previous = {number: signal.signal(number, _ignore) for number in STOP_SIGNALS}
        self._thread.start()

    def release(self) -> None:
        """Let the signals have the effect that they had before. A process that was asked to end still has to."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        self._wakeup.close()
        self._thread.join()
        self._received.close()

    def _wait(self) -> None:
        if not self._is_signalled():
            return
        watchdog = threading.Timer(self.seconds, _end_process)
        watchdog.daemon = True
        watchdog.start()
        self.requested.set()
        if self._is_signalled():
            os._exit(1)

    def _is_signalled(self) -> bool:
        """Wait for the next signal; False when the signals are released."""
        while True:
            number = self._received.recv(1)
            if not number or number[0] in STOP_SIGNALS:
                return bool(number)


_of_process: StopSignals | None = None


def take_for_process() -> None:
    """Take the signals from here to the end of the process. `stop_requests` uses them."""
    global _of_process  # noqa: PLW0603 - the signals of a process are global
    _of_process = StopSignals()
    _of_process.take()


@contextmanager
def stop_requests(seconds: float) -> Iterator[threading.Event]:
    """The event that the first signal sets. From then on the process has `seconds` to end."""
    if _of_process is not None:
        _of_process.seconds = seconds
        yield _of_process.requested
        return
    signals = StopSignals()
    signals.seconds = seconds
    signals.take()
    try:
        yield signals.requested
    finally:
        signals.release()


def _end_process() -> None:
    log.critical("not stopped in time: the next owner reads again what is not committed")
    os._exit(1)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Python writes to the socket of a signal only if the signal has a handler."""
