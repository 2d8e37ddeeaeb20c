"""Owns the account of a scenario: which records were lost, which came twice, and how long the slowest one took."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from consumer.demo.ledger import address_of
from consumer.demo.segment_server import SegmentStandIn
from consumer.model import RecordAddress
from tests.cluster.container_ends import ContainerEnd, PodWatcher
from tests.cluster.stream import RecordStream

AFTERMATH_SECONDS = 2
RECENT_RECORDS = 2000  # a scenario begins when these have arrived


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """The row of a scenario. `took`: seconds of the action. `worst`: the longest delay of a record, in seconds."""

    scenario: str
    took: float
    records: int
    lost: int
    repeats: int
    median: float
    worst: float
    ends: str


@dataclass
class Observed:
    """What a scenario may look at after its block."""

    ends: list[ContainerEnd] = field(default_factory=list)
    repeats: Counter[RecordAddress] = field(default_factory=Counter)
    worst: float = 0.0


class Accounts:
    """Compares what the broker confirmed with what Segment accepted."""

    def __init__(self, segment: SegmentStandIn, stream: RecordStream, watcher: PodWatcher) -> None:
        self._segment, self._stream, self._watcher = segment, stream, watcher
        self._accepted: dict[RecordAddress, float] = {}
        self._repeats: Counter[RecordAddress] = Counter()

    @contextmanager
    def account(
        self,
        scenario: str,
        record: Callable[[str, Any], None],
        *,
        repeats_of: Collection[int] = (),
        max_worst: float = 60,
        settle: float = 90,
    ) -> Iterator[Observed]:
        """
        A block in which something happens while records go on. After it, no record is missing.

        A record may come twice only if its partition is in `repeats_of`, whose content may change in the block.
        """
        self._wait_until_accepted(list(self._stream.confirmed)[-RECENT_RECORDS:], settle)
        first, began_at, wall = len(self._stream.confirmed), time.monotonic(), time.time()
        self._repeats.clear()
        observed = Observed()
        yield observed
        took = time.monotonic() - began_at
        time.sleep(AFTERMATH_SECONDS)  # a scenario includes the time right after it
        self._stream.settle()
        addresses = list(self._stream.confirmed)[first:]
        lost = self._wait_until_accepted(addresses, settle)
        delays = sorted(
            self._accepted[address] - self._stream.confirmed[address]
            for address in addresses
            if address in self._accepted
        )
        observed.ends = self._watcher.ends_since(wall)
        observed.repeats = Counter(self._repeats)
        observed.worst = delays[-1]
        result = ScenarioResult(
            scenario,
            round(took, 1),
            len(addresses),
            len(lost),
            sum(self._repeats.values()),
            round(delays[len(delays) // 2], 2),
            round(delays[-1], 1),
            " ".join(end.summary for end in observed.ends),
        )
        record("scenario", asdict(result))
        assert not lost, f"lost: {sorted(lost)[:10]}"
        assert not self._segment.breaches, self._segment.breaches[:5]
        unexplained = [address for address in self._repeats if address.partition not in repeats_of]
        assert not unexplained, f"sent twice: {unexplained[:10]} of {sum(self._repeats.values())}"
        assert observed.worst <= max_worst, f"the worst delay is {observed.worst:.1f} s"

    def _wait_until_accepted(self, addresses: Collection[RecordAddress], seconds: float) -> set[RecordAddress]:
        """The records that Segment has not accepted within `seconds`."""
        ends_at = time.monotonic() + seconds
        while True:
            self._take()
            missing = {address for address in addresses if address not in self._accepted}
            if not missing or time.monotonic() > ends_at:
                return missing
            time.sleep(0.1)  # the stand-in runs in this process, and must get the CPU

    def _take(self) -> None:
        """Take over what the stand-in has accepted and dropped, so that its lists do not grow for the whole run."""
        accepted, dropped = self._segment.accepted, self._segment.dropped
        count, dropped_count = len(accepted), len(dropped)
        for event in accepted[:count]:
            address = address_of(str(event.event["messageId"]))
            if address:  # else it is the test event of `check --send-test`
                self._accepted[address] = event.received_at
        for reason, message_id in dropped[:dropped_count]:
            address = address_of(message_id)
            assert reason == "duplicate", (reason, message_id)
            assert address, message_id
            self._repeats[address] += 1
        del accepted[:count], dropped[:dropped_count]
