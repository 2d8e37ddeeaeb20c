"""What is known of the whole group, read again in the background while somebody looks at it."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Protocol

from consumer.internal_errors import describe
from consumer.outside_text import outside_value

REFRESH_SECONDS = 10.0
WANTED_SECONDS = 30.0
"""How long after the last look the group is read on."""

GroupReport = Mapping[str, Any]
"""The group as JSON can hold it."""

OLD_SECONDS = 45.0
"""Above REFRESH_SECONDS and the longest read."""


def is_old(report: GroupReport, now: float) -> bool:
    """Whether nothing of the report says how the group is now. `now` is in seconds since 1970."""
    read_at: int = report.get("read_at", 0)
    return bool(read_at) and now - read_at / 1000 > OLD_SECONDS


class ReportReader(Protocol):
    """Reads the group within a bounded time. It has connections of its own until it is closed."""

    def read(self) -> GroupReport: ...
    def close(self) -> None: ...


class GroupWatch:
    """
    `latest` never waits. A thread reads the group at most every REFRESH_SECONDS, and makes its texts safe to show.

    The thread and its connections exist only while somebody looks: from the first look until WANTED_SECONDS after the
    last one. At most one thread exists.
    """

    def __init__(
        self,
        open_reader: Callable[[], ReportReader],
        unread: GroupReport,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`unread`: the report before the first read."""
        self._open_reader, self._unread, self._clock = open_reader, unread, clock
        self._latest = unread
        self._looked_at = float("-inf")
        self._lock = threading.Lock()
        self._is_running = False
        self._stop = threading.Event()

    def latest(self) -> GroupReport:
        """The last report. Any thread may call this."""
        with self._lock:
            self._looked_at = self._clock()
            if not self._is_running and not self._stop.is_set():
                threading.Thread(target=self._run, name="group", daemon=True).start()
                self._is_running = True  # not before: a thread that cannot start would never be started again
        return self._latest

    def close(self) -> None:
        """Read no more. It does not wait for a read that has begun, because the process may end meanwhile."""
        self._stop.set()

    def _run(self) -> None:
        while self._goes_on():
            try:
                with closing(self._open_reader()) as reader:
                    while self._is_wanted:
                        self._latest = outside_value(reader.read())
                        self._stop.wait(REFRESH_SECONDS)
                        if not self._latest["partitions"]:  # its client may have forgotten all brokers
                            break
            except Exception as error:  # noqa: BLE001 - a defect of ours: the page shows it, and delivery goes on
                self._latest = {**self._unread, "problems": [f"internal error: {describe(error)}"]}
                self._stop.wait(REFRESH_SECONDS)

    @property
    def _is_wanted(self) -> bool:
        return not self._stop.is_set() and self._clock() - self._looked_at <= WANTED_SECONDS

    def _goes_on(self) -> bool:
        """Whether the thread goes on. If it does not, the next look starts another one."""
        with self._lock:
            self._is_running = self._is_wanted
            return self._is_running
