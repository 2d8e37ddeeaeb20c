"""The end of the components that have no timeout of their own."""

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0  # at most; a group waits for a session timeout if a member ends before it has left
MARGIN_SECONDS = 2.0


def close_in_time(close: Callable[[], object], seconds: float = CLOSE_SECONDS) -> bool:
    """
    Whether a component without a timeout of its own was closed after at most `seconds`. Else it ends with the process.

    A Kafka client whose brokers have stopped can close without end.
    """
    thread = threading.Thread(target=close, name="close", daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    return not thread.is_alive()


class BoundedCloser:
    """Waits for each component that is closed, and never beyond the deadline. One that hangs ends with the process."""

    def __init__(self, components: int) -> None:
        """`components` is how many share the time."""
        self.components = components  # that are still open
        self.deadline: Callable[[], float] = lambda: float("inf")
        """When the process must have ended, in monotonic seconds."""

    def close(self, name: str, close: Callable[[], None]) -> None:
        rest = self.deadline() - time.monotonic() - MARGIN_SECONDS
        seconds = min(CLOSE_SECONDS, rest / self.components)
        self.components = max(self.components - 1, 1)
        if not close_in_time(close, seconds):
            log.warning("component did not close in time", extra={"component": name})
