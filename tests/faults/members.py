"""Owns the members of a trial, by name: they join, leave in time or are killed, and their output is kept."""

import signal
import time
from contextlib import ExitStack
from typing import NamedTuple

from tests.faults.duplicates import DuplicateExplainer
from tests.support import Flow, Member, metric, wait_until

STOPS_WITHIN = 10.0  # seconds that a member has to end, while Segment answers


class EndingMember(NamedTuple):
    """A member that was asked to end, and when, in monotonic seconds."""

    member: Member
    asked_at: float


class Members:
    """
    Each name belongs to one running member at most.

    `members` are those that were not asked to end. A member that was asked to end must do so within `stops_within`.
    """

    def __init__(self, flow: Flow, duplicate_explainer: DuplicateExplainer, closing: ExitStack) -> None:
        self.flow, self.duplicate_explainer = flow, duplicate_explainer
        self.members: dict[str, Member] = {}
        self._ending: dict[str, EndingMember] = {}
        self._ended: list[Member] = []
        self._closing = closing
        self.stops_within = STOPS_WITHIN

    def join(self, name: str = "one", **settings: str) -> Member:
        self.members[name] = self._closing.enter_context(self.flow.member(**settings))
        return self.members[name]

    def replace(self, name: str, **settings: str) -> None:
        """
        Start a member as the platform does: start it again if it ends by itself.

        (With the new protocol, the broker refuses the id of a static member that was killed until its session ends.)
        """
        for _ in range(20):
            member = self.join(name, **settings)
            wait_until(lambda m=member: m.has_partitions or m.has_ended, f"{name} to have partitions")  # type: ignore[misc]
            if not member.has_ended:
                return
        raise AssertionError(f"{name} ended after each start")

    def ask_to_leave(self, name: str) -> None:
        """Do not wait for the end of the member; `collect_ended` checks that the end came in time."""
        self._ending[name] = EndingMember(self.members.pop(name), time.monotonic())
        self._ending[name].member.ask_to_end()

    def collect_ended(self) -> None:
        """Check the exit codes of the members that have ended since, and that no other member is late."""
        for name, (member, asked_at) in list(self._ending.items()):
            if member.has_ended:
                codes = {0} if member.has_started else {0, -signal.SIGTERM}
                assert member.end() in codes, f"exit code of {name}"
                self._ended.append(self._ending.pop(name).member)
            else:
                assert time.monotonic() - asked_at < self.stops_within, f"{name} does not end in time"

    def leave(self, name: str = "one") -> None:
        self.ask_to_leave(name)
        self.wait_for_ends()

    def wait_for_ends(self) -> None:
        def all_ended() -> bool:
            self.collect_ended()
            return not self._ending

        wait_until(all_ended, "the members to end that were asked to")

    def is_name_in_use(self, name: str) -> bool:
        """Whether a member of this name runs, as of the last `collect_ended`."""
        return name in self.members or name in self._ending

    def kill(self, name: str = "one") -> None:
        """Kill a member. Its records that were in flight, or settled and not committed, may be sent again."""
        member = self.members.pop(name)
        member.kill()
        self._ended.append(member)
        self.duplicate_explainer.note_kill(member)

    def count(self, name: str, **labels: str) -> float:
        """The sum of a metric over all running members, for the samples with these labels."""
        return sum(metric(member.url, name, **labels) for member in self.members.values() if not member.has_ended)

    def assignments(self) -> int:
        """How often any member got partitions."""
        return sum(member.times("assigned") for member in [*self._ended, *self.members.values()])

    def lost_partitions(self) -> int:
        """How often a member lost its partitions because the broker had removed it from the group."""
        return sum(member.times("lost") for member in [*self._ended, *self.members.values()])
