"""Owns the check that each member is alive by its own account, from its start until it was asked to end."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpx

from tests.support import Member

INTERVAL = 0.25  # seconds
TIMEOUT = 10.0  # seconds for an answer of a member on a busy machine


class LivezWatcher:
    """Asks all running members for /livez; `failures` has what a platform would restart a member for."""

    def __init__(self, members: Callable[[], Iterable[Member]]) -> None:
        self._members = members
        self._stop_requested = threading.Event()
        self.answers = 0
        self.failures: list[str] = []

    @contextmanager
    def running(self) -> Iterator["LivezWatcher"]:
        thread = threading.Thread(target=self._run, name="livez", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop_requested.set()
            thread.join(30)

    def _run(self) -> None:
        while not self._stop_requested.wait(INTERVAL):
            for member in list(self._members()):
                if member.has_started and not member.has_ended:
                    self._ask(member)

    def _ask(self, member: Member) -> None:
        restarts = member.restarts
        try:
            status = str(httpx.get(f"{member.url}/livez", timeout=TIMEOUT, trust_env=False).status_code)
        except httpx.TransportError as error:
            if self._ends(member, restarts):
                return
            status = type(error).__name__
        self.answers += 1
        if status != "200":
            self.failures.append(status)

    def _ends(self, member: Member, restarts: int) -> bool:
        """Whether it was killed or asked to end meanwhile, or ends or starts again by itself."""
        ends_at = time.monotonic() + TIMEOUT
        while member in self._members() and not member.has_ended and member.restarts == restarts:
            if time.monotonic() > ends_at:
                return False
            time.sleep(0.1)  # the end of another process is polled
        return True
