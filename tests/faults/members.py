"""The members of a trial by name: they join, leave in time, are killed, and what they said is kept."""

import signal
import time
from contextlib import ExitStack
from typing import NamedTuple

from tests.faults.duplicates import Risks
from tests.support import Flow, Member, metric, wait_until

STOPS_WITHIN = 10.0  # seconds, as long as Segment answers


class Ending(NamedTuple):
    """A member that was asked to end."""

    member: Member
    asked_at: float


class Crew:
    def __init__(self, flow: Flow, risks: Risks, closing: ExitStack) -> None:
        self.flow, self.risks = flow, risks
        self.members: dict[str, Member] = {}
        self._ending: dict[str, Ending] = {}
        self._past: list[Member] = []
        self._closing = closing
        self.stops_within = STOPS_WITHIN

    def join(self, name: str = "one", **settings: str) -> Member:
        self.members[name] = self._closing.enter_context(self.flow.member(**settings))
        return self.members[name]

    def replace(self, name: str, **settings: str) -> None:
        """
        Start a member anew, as the platform does, again and again if it ends by itself.

        (With the new protocol the broker refuses a static member's id while it waits for one that was killed.)
        """
        for _ in range(20):
            member = self.join(name, **settings)
            wait_until(lambda m=member: m.has_partitions or m.has_ended, f"{name} to have partitions")  # type: ignore[misc]
            if not member.has_ended:
                return
        raise AssertionError(f"{name} ended each time")

    def ask_to_leave(self, name: str) -> None:
        """Without waiting for its end; whether it came in time is seen at `gather`."""
        self._ending[name] = Ending(self.members.pop(name), time.monotonic())
        self._ending[name].member.ask_to_end()

    def gather(self) -> None:
        """Those that were asked to leave and have ended by now; none takes too long."""
        for name, (member, asked_at) in list(self._ending.items()):
            if member.has_ended:
                assert member.end() in ({0} if member.has_started else {0, -signal.SIGTERM}), f"{name}'s exit"
                self._past.append(self._ending.pop(name).member)
            else:
                assert time.monotonic() - asked_at < self.stops_within, f"{name} does not end"

    def leave(self, name: str = "one") -> None:
        self.ask_to_leave(name)
        self.wait_for_ends()

    def wait_for_ends(self) -> None:
        def all_ended() -> bool:
            self.gather()
            return not self._ending

        wait_until(all_ended, "those that leave to end")

    def is_here(self, name: str) -> bool:
        """Whether its process still runs, as far as was gathered."""
        return name in self.members or name in self._ending

    def kill(self, name: str = "one") -> None:
        """What was settled and not committed, or under way, of its partitions may come twice."""
        member = self.members.pop(name)
        member.kill()
        self._past.append(member)
        self.risks.killed(member)

    def count(self, name: str, **labels: str) -> float:
        """The sum of a metric over all members that run, of those samples that have these labels."""
        return sum(metric(member.url, name, **labels) for member in self.members.values() if not member.has_ended)

    def assignments(self) -> int:
        """How often any member was given partitions."""
        return sum(member.times("assigned") for member in [*self._past, *self.members.values()])

    def lost_partitions(self) -> int:
        """How often the broker had given a member up."""
        return sum(member.times("lost") for member in [*self._past, *self.members.values()])
