"""One trial: answers keep coming, members run, something goes wrong, and the account at the end must be even."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from consumer.demo import fault_scripts
from tests.faults.duplicates import ONE_BATCH, Risks
from tests.faults.fault_scripts import said_and_closed
from tests.faults.members import Crew
from tests.faults.offset_watcher import Watch
from tests.faults.producer import Load
from tests.support import Flow, is_refused, wait_until

LOOKS = 10  # at the committed offsets, at least


@dataclass(frozen=True, slots=True)
class Row:
    """What one trial showed. `recovery`: seconds from the end of the fault until everything was settled."""

    fault: str
    records: int
    lost: int
    duplicates: int
    recovery: float


class Trial(Crew):
    """`unanswered` is how many events Segment took while its answer was kept from whoever waited for it."""

    def __init__(self, flow: Flow, load: Load, watch: Watch, closing: ExitStack) -> None:
        super().__init__(flow, Risks(flow, watch), closing)
        self.load, self.watch = load, watch
        self.unanswered = 0
        self._over_at = time.monotonic()
        self._recovery: float | None = None

    def answers(self, script: fault_scripts.Script) -> None:
        """How Segment answers from now on; what is to be refused is refused all the same."""
        chosen = fault_scripts.first(fault_scripts.refuse(is_refused), script)

        def counted(received: fault_scripts.Received) -> fault_scripts.Answer | None:
            answer = chosen(received)
            if answer and answer.takes and answer.wire not in (fault_scripts.whole, said_and_closed):
                self.unanswered += len(received.events)
            return answer

        self.flow.segment.script = counted

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

    @contextmanager
    def no_broker(self) -> Iterator[None]:
        """A block in which the broker goes away and comes back: nobody can look until it knows the group again."""
        with self.watch.blind():
            yield

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

    def show(self) -> None:
        """For the report of a test that failed."""
        for name, member in {**self.members, **{name: ending.member for name, ending in self._ending.items()}}.items():
            print(f"--- {name}\n{member.output[-5000:]}")  # noqa: T201
        print(f"committed {self.flow.committed()}, ends {self.flow.ends}, watched: {vars(self.watch)}"[:3000])  # noqa: T201

    def drain(self, seconds: float = 100) -> None:
        """Nothing more is produced, and all is settled."""
        self.load.stop()
        wait_until(lambda: self.is_settled, "everything to be settled", seconds)
        if self._recovery is None:
            self._recovery = time.monotonic() - self._over_at

    def settle(
        self, fault: str, floor: int, duplicates: int | None = None, seconds: float = 100, explained: bool = False
    ) -> Row:
        """
        Everything is delivered, the members end, and the account is made.

        At most `duplicates` records came twice, by default those that were at risk in members that were killed, and
        for each time that the broker gave a member up as many as were ever settled ahead; with `explained` none of the
        latter.
        """
        if self.load.goes_on:
            self.progress(floor - len(self.flow.segment.accepted))
        self.drain(seconds)
        wait_until(lambda: self.watch.samples >= LOOKS, "the committed offsets to be looked at")
        for name in list(self.members):
            self.ask_to_leave(name)
        self.wait_for_ends()
        row = Row(fault, len(self.flow.produced), 0, 0, round(self._recovery or 0, 1))
        return self._account(row, floor, duplicates, explained)

    def _account(self, row: Row, floor: int, allowed: int | None, explained: bool) -> Row:
        account, segment = self.flow.account(), self.flow.segment
        repeated = segment.duplicates + len(account.duplicates)
        assert not account.lost, account.lost
        assert not account.unexpected, account.unexpected
        assert not account.out_of_order, account.out_of_order
        assert not self.watch.passed, f"an offset was committed past {self.watch.passed}"
        assert not self.watch.steps_back
        assert self.watch.missed * 5 <= self.watch.samples, f"{self.watch.missed} of {self.watch.samples} looks failed"
        assert not segment.breaches, segment.breaches
        assert {reason for reason, _ in segment.dropped} <= {"duplicate"}
        assert account.delivered >= floor, account.delivered
        if allowed is None:
            unexplained = self.risks.unexplained(list(account.duplicates))
            assert len(unexplained) <= (0 if explained else self.watch.widest * self.lost_partitions()), unexplained
        else:
            assert repeated <= allowed, f"{repeated} came twice, {allowed} at most may"
        return Row(row.fault, row.records, len(account.lost), repeated, row.recovery)


@contextmanager
def trial(flow: Flow, rate: int = 150, script: fault_scripts.Script = fault_scripts.calm) -> Iterator[Trial]:
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
