"""Owns one trial: records keep coming, members run, a fault takes place, and the ledger must be even at the end."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from consumer.demo import fault_scripts
from consumer.demo.ledger import Ledger, address_of
from tests.faults.duplicates import ONE_BATCH, DuplicateExplainer
from tests.faults.fault_scripts import send_and_close
from tests.faults.livez import LivezWatcher
from tests.faults.members import Members
from tests.faults.offset_watcher import OffsetWatcher
from tests.faults.producer import SampleProducer
from tests.support import Flow, is_refused, wait_until

MIN_SAMPLES = 10  # of the committed offsets


@dataclass(frozen=True, slots=True)
class FaultResult:
    """The cost of one fault. `recovery`: seconds from the end of the fault until every record was settled."""

    fault: str
    records: int
    lost: int
    duplicates: int
    recovery: float


Report = Callable[[FaultResult], None]
"""Adds a row to the table at the end of the test run."""


class Scenario(Members):
    """`accepted_without_response` counts the events that Segment accepted while the fault kept its response back."""

    def __init__(self, flow: Flow, producer: SampleProducer, watcher: OffsetWatcher, closing: ExitStack) -> None:
        super().__init__(flow, DuplicateExplainer(flow, watcher), closing)
        self.livez = closing.enter_context(LivezWatcher(lambda: list(self.members.values())).running())
        self.producer, self.watcher = producer, watcher
        self.accepted_without_response = 0
        self._fault_ended_at = time.monotonic()
        self._recovery: float | None = None

    def respond_with(self, script: fault_scripts.Script) -> None:
        """Set how Segment responds from now on. The event that is to be refused is refused with any script."""
        with_refusal = fault_scripts.first(fault_scripts.refuse(is_refused), script)

        def counted(received: fault_scripts.ReceivedBatch) -> fault_scripts.ScriptedResponse | None:
            response = with_refusal(received)
            if response and response.accepts_events and response.wire not in (fault_scripts.whole, send_and_close):
                self.accepted_without_response += len(received.events)
            return response

        self.flow.segment.script = counted

    def progress(self, events: int = 100, seconds: float = 60) -> None:
        """Wait until Segment has accepted that many more events."""
        target = len(self.flow.segment.accepted) + events
        assert self.flow.segment.wait_until(lambda segment: len(segment.accepted) >= target, seconds), "no progress"

    @contextmanager
    def topic_recreation(self) -> Iterator[None]:
        """A block that recreates the topic: after it, the records of the old topic no longer count."""
        with self.watcher.topic_recreation():
            yield
            self.flow.produced.clear()
            self.flow.ends.clear()
            self.flow.segment.accepted.clear()

    @contextmanager
    def log_truncation(self, ends: Mapping[int, int]) -> Iterator[None]:
        """A block in which the partitions lose all records behind `ends`: after it, these records no longer count."""
        with self.watcher.log_truncation(ends):
            yield
            lost = {address for address in self.flow.produced if address.offset >= ends[address.partition]}
            for address in lost:
                del self.flow.produced[address]
            self.flow.ends = Counter(ends)
            accepted = self.flow.segment.accepted
            accepted[:] = [event for event in accepted if address_of(str(event.event["messageId"])) not in lost]

    @contextmanager
    def broker_outage(self) -> Iterator[None]:
        """A block in which the broker stops and starts. It ends when the broker knows the group's offsets again."""
        with self.watcher.broker_outage():
            yield

    def fault_ended(self) -> None:
        """Note that the fault is over. The recovery is measured from here."""
        self._fault_ended_at = time.monotonic()

    @property
    def possible_duplicates(self) -> int:
        """How many events are sent again at most if the broker removes all members from the group once."""
        return self.watcher.most_settled_ahead + ONE_BATCH * self.flow.partitions

    @property
    def is_settled(self) -> bool:
        """Whether the committed offset of each partition was its end offset in the last sample."""
        return self.watcher.committed == {number: self.flow.ends[number] for number in range(self.flow.partitions)}

    def show(self) -> None:
        """Print the state of the trial, for the report of a test that failed."""
        ending = {name: ending.member for name, ending in self._ending.items()}
        ended = {f"ended {number}": member for number, member in enumerate(self._ended)}
        for name, member in {**self.members, **ending, **ended}.items():
            print(f"--- {name}\n{member.output[-5000:]}")  # noqa: T201
        print(f"committed {self.flow.committed()}, ends {self.flow.ends}, watcher: {vars(self.watcher)}"[:3000])  # noqa: T201

    def settle_all(self, seconds: float = 100) -> None:
        """Stop the producer, and wait until every record is settled."""
        self.producer.stop()
        wait_until(lambda: self.is_settled, "every record to be settled", seconds)
        if self._recovery is None:
            self._recovery = time.monotonic() - self._fault_ended_at

    def finish(
        self,
        fault: str,
        min_delivered: int,
        max_duplicates: int | None = None,
        seconds: float = 100,
        explain_all: bool = False,
        in_order: bool = True,
    ) -> FaultResult:
        """
        Deliver every record, end the members, and check the ledger.

        At most `max_duplicates` records were sent twice. Without this limit, each duplicate must be explained by a
        killed member, or by a removal that a member has logged. In both cases, as many as were ever settled ahead are
        added for each such removal, because the broker of a busy machine may remove a member without a fault. With
        `explain_all` nothing is added.
        """
        if self.producer.is_producing:
            self.progress(min_delivered - len(self.flow.segment.accepted))
        self.settle_all(seconds)
        wait_until(lambda: self.watcher.samples >= MIN_SAMPLES, f"{MIN_SAMPLES} samples of the committed offsets")
        for name in list(self.members):
            self.ask_to_leave(name)
        self.wait_for_ends()
        assert not self.livez.failures, f"{self.livez.failures} of {self.livez.answers} answers to /livez"
        ledger = self.flow.ledger()
        self._check_ledger(ledger, min_delivered, in_order)
        duplicates = self.flow.segment.duplicates + len(ledger.duplicates)
        if max_duplicates is None:
            self._check_duplicates_are_explained(ledger, explain_all)
        else:
            allowed = max_duplicates + self._duplicates_of_removals()
            assert duplicates <= allowed, f"{duplicates} duplicates, at most {allowed} are allowed"
        recovery = round(self._recovery or 0, 1)
        return FaultResult(fault, len(self.flow.produced), len(ledger.lost), duplicates, recovery)

    def _check_ledger(self, ledger: Ledger, min_delivered: int, in_order: bool) -> None:
        """Assert that no record is lost or unexpected, and that no offset was committed too early."""
        segment, watcher = self.flow.segment, self.watcher
        assert not ledger.lost, ledger.lost
        assert not ledger.unexpected, ledger.unexpected
        assert not watcher.passed, f"an offset was committed past {watcher.passed}"
        assert not watcher.steps_back, "a committed offset went back"
        assert watcher.failed_samples * 5 <= watcher.samples, f"{watcher.failed_samples} of {watcher.samples} failed"
        assert not segment.breaches, segment.breaches
        assert {reason for reason, _ in segment.dropped} <= {"duplicate"}
        assert ledger.delivered >= min_delivered, ledger.delivered
        assert not (in_order and ledger.out_of_order), ledger.out_of_order

    def _check_duplicates_are_explained(self, ledger: Ledger, explain_all: bool) -> None:
        self.duplicate_explainer.note_removals(self._ended)
        unexplained = self.duplicate_explainer.unexplained(list(ledger.duplicates))
        allowed = 0
        if not explain_all:
            allowed = self._duplicates_of_removals()
        assert len(unexplained) <= allowed, unexplained

    def _duplicates_of_removals(self) -> int:
        """How many events are sent again at most because the broker removed members from the group."""
        return self.watcher.most_settled_ahead * self.lost_partitions()


@contextmanager
def scenario(flow: Flow, rate: int = 150, script: fault_scripts.Script = fault_scripts.calm) -> Iterator[Scenario]:
    """A trial with a producer of `rate` records a second, and with Segment responding as the script says."""
    with ExitStack() as closing:
        producer = closing.enter_context(SampleProducer(flow, rate).running())
        watcher = closing.enter_context(OffsetWatcher(flow).running())
        trial = Scenario(flow, producer, watcher, closing)
        trial.respond_with(script)
        try:
            yield trial
        except BaseException:
            trial.show()
            raise


def reporter(record_property: Callable[[str, object], None]) -> Report:
    """A function that adds each result to the report of its test, from which the table is made."""
    return lambda result: record_property("fault", asdict(result))
