"""One trial: answers keep coming, members run, something goes wrong, and the account at the end must be even."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from consumer.demo import faults
from tests.faults.load import Load
from tests.faults.watch import Watch
from tests.support import Flow, Member, is_refused, wait_until

STOPS_WITHIN = 10.0  # seconds, as long as Segment answers
ONE_BATCH = 50  # BATCH_MAX_EVENTS of `Flow`


@dataclass(frozen=True, slots=True)
class Row:
    """What one trial showed. `recovery`: seconds from the end of the fault until everything was settled."""

    fault: str
    records: int
    lost: int
    duplicates: int
    recovery: float


class Trial:
    """Members by name; `risked` is how many records may come twice by what was done so far."""

    def __init__(self, flow: Flow, load: Load, watch: Watch, closing: ExitStack) -> None:
        self.flow, self.load, self.watch = flow, load, watch
        self.members: dict[str, Member] = {}
        self.output: list[str] = []
        self.risked = 0
        self._closing = closing
        self._over_at = time.monotonic()

    def answers(self, script: faults.Script) -> None:
        """How Segment answers from now on; what is to be refused is refused all the same."""
        self.flow.segment.script = faults.first(faults.refuse(is_refused), script)

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

    def leave(self, name: str = "one") -> None:
        member, began = self.members.pop(name), time.monotonic()
        assert member.terminate() in ({0} if member.has_started else {0, -signal.SIGTERM})
        assert time.monotonic() - began < STOPS_WITHIN
        self.output.append(member.output)

    def kill(self, name: str = "one") -> None:
        """What was settled and not committed, and a batch of each partition that was under way, may come twice."""
        member = self.members.pop(name)
        member.kill()
        self.output.append(member.output)
        self.watch.look()
        self.risked += self.watch.beyond + ONE_BATCH * self.flow.partitions

    def progress(self, events: int = 100, seconds: float = 60) -> None:
        """Until that many more events were accepted."""
        wanted = len(self.flow.segment.accepted) + events
        assert self.flow.segment.wait_until(lambda it: len(it.accepted) >= wanted, seconds), "no progress"

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """Around a topic's end: what was settled before is of a topic that is no more."""
        with self.watch.forgetting():
            yield
            self.flow.produced.clear()
            self.flow.ends.clear()
            self.flow.segment.accepted.clear()

    def over(self) -> None:
        """Whatever was wrong is well again."""
        self._over_at = time.monotonic()

    @property
    def at_stake(self) -> int:
        """What may come twice if the broker gave all members up just now: as much as was ever settled ahead."""
        return self.watch.widest + ONE_BATCH * self.flow.partitions

    @property
    def is_settled(self) -> bool:
        """Whether the committed offsets were the partitions' ends at the last look."""
        return self.watch.committed == {number: self.flow.ends[number] for number in range(self.flow.partitions)}

    def lost_partitions(self) -> int:
        """How often the broker had given a member up."""
        outputs = [*self.output, *(member.output for member in self.members.values())]
        return sum(output.count('"event": "partitions lost"') for output in outputs)

    def show(self) -> None:
        """For the report of a test that failed."""
        for name, member in self.members.items():
            print(f"--- {name}\n{member.output[-5000:]}")  # noqa: T201
        print(f"committed {self.flow.committed()}, ends {self.flow.ends}, watched: {vars(self.watch)}"[:3000])  # noqa: T201

    def settle(self, fault: str, floor: int, duplicates: int | None = None, seconds: float = 100) -> Row:
        """
        Everything is delivered, the members end, and the account is made.

        At most `duplicates` records came twice, by default those of members that were killed or given up.
        """
        self.load.stop()
        wait_until(lambda: self.is_settled, "everything to be settled", seconds)
        recovery = time.monotonic() - self._over_at
        for name in list(self.members):
            self.leave(name)
        allowed = self.risked + self.watch.widest * self.lost_partitions() if duplicates is None else duplicates
        return self._account(Row(fault, len(self.flow.produced), 0, 0, recovery), floor, allowed)

    def _account(self, row: Row, floor: int, allowed: int) -> Row:
        account, segment = self.flow.account(), self.flow.segment
        repeated = segment.duplicates + len(account.duplicates)
        assert not account.lost, account.lost
        assert not account.unexpected, account.unexpected
        assert not account.out_of_order, account.out_of_order
        assert not self.watch.passed, f"an offset was committed past {self.watch.passed}"
        assert not self.watch.steps_back
        assert self.watch.samples > 10, "the offsets were watched"
        assert not segment.breaches, segment.breaches
        assert {reason for reason, _ in segment.dropped} <= {"duplicate"}
        assert account.delivered >= floor, account.delivered
        assert repeated <= allowed, f"{repeated} came twice, {allowed} at most may"
        return Row(row.fault, row.records, len(account.lost), repeated, round(row.recovery, 1))


@contextmanager
def trial(flow: Flow, rate: int = 150, script: faults.Script = faults.calm) -> Iterator[Trial]:
    with ExitStack() as closing:
        load = closing.enter_context(Load(flow, rate).running())
        watch = closing.enter_context(Watch(flow).running())
        it = Trial(flow, load, watch, closing)
        it.answers(script)
        try:
            yield it
        except BaseException:
            it.show()
            raise


def recorder(record_property: Callable[[str, object], None]) -> Callable[[Row], None]:
    """Puts a row into the table at the end of the test run."""
    return lambda row: record_property("fault", asdict(row))
