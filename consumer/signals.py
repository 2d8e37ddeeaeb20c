"""SIGTERM and Ctrl-C: the first one drains, the second one ends the process, and a watchdog bounds the drain."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopped_by_signals(stop: threading.Event, seconds: float) -> Iterator[None]:
    """
    The first signal sets `stop`; the second one ends the process at once.

    A watchdog ends the process `seconds` after the first signal, whatever it does by then: a thread that resolves a
    name cannot be interrupted.
    """

    def end_process() -> None:
        log.critical("not stopped in time: the next owner reads again what is not committed")
        os._exit(1)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if watchdog.ident is not None:
            os._exit(1)
        watchdog.start()  # before `stop` is set, because the main thread may hold its lock
        stop.set()

    watchdog = threading.Timer(seconds, end_process)
    watchdog.daemon = True
    previous = {number: signal.signal(number, on_signal) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
