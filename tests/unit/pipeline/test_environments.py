"""Three environments in one partition: each has its key and its circuit breaker, and the partition's order is kept."""

import logging
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.model import (
    Accepted,
    BatchRequest,
    Chunk,
    DeadLetter,
    MappedRecord,
    Misconfigured,
    Outcome,
    Record,
    Refused,
    Rejected,
    Retry,
    Skipped,
    TrackEvent,
    WriteKey,
)
from consumer.pipeline.batch import BatchLimits
from consumer.pipeline.partition_buffer import MAX_BYPASS_SECONDS, PartitionBuffer
from consumer.pipeline.reject_policy import ProcessedRecord
from consumer.reasons import Reason
from tests.unit.pipeline.pipeline_world import EVENTS, PipelineWorld
from tests.unit.pipeline.records import THREE_IN_A_ROW, offsets_of, open_batch, record

KEYS = {name: WriteKey(name, f"secret of {name}") for name in ("production", "development", "staging")}
PRODUCTION, DEVELOPMENT, STAGING = KEYS.values()
MIXED = (b"production", b"development", b"staging")
LIMITS = BatchLimits(events=10, body_bytes=10_000, rejections=THREE_IN_A_ROW)

STALLS: dict[str, Outcome] = {
    "throttled": Retry("http_429", 300.0, throttled=True),
    "failing": Retry("http_500"),
    "blocked": Misconfigured("http_401"),
}


class MixedWorld(PipelineWorld):
    """
    A loop over records whose value is their environment.

    Segment responds to each key with its outcome in `outcomes`, and accepts the batches of all other keys.
    """

    def __init__(self, partitions: int = 1, memory_bytes: int = 10_000_000) -> None:
        super().__init__(partitions, keys=list(KEYS.values()), memory_bytes=memory_bytes)
        self.outcomes: dict[WriteKey, Outcome] = {}
        self.accepted: list[tuple[WriteKey, int, int]] = []
        self.end: dict[int, int] = {}

    def map(self, record: Record) -> MappedRecord:
        assert record.value
        environment = record.value.decode()
        if environment == "anonymous":
            return Skipped("no_user_id")
        if environment not in KEYS:
            return Rejected(Reason.NO_WRITE_KEY, "mapping", "SEGMENT_WRITE_KEYS has none")
        return TrackEvent(record, KEYS[environment], b"{}")

    def produce(self, *environments: bytes, partition: int = 0) -> None:
        """Let the next iteration read these."""
        start = self.end.get(partition, 0)
        self.group.give(partition, *environments, start=start)
        self.end[partition] = start + len(environments)

    def answer(self) -> None:
        """Answer everything that is in flight."""
        while self.workers.in_flight:
            request = self.workers.in_flight[0]
            outcome = self.outcomes.get(request.key, Accepted())
            if outcome == Accepted():
                self.accepted += [
                    (request.key, chunk.partition, offset) for chunk in request.chunks for offset in offsets_of(chunk)
                ]
            self.workers.answer(outcome)

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(int(seconds / step)):
            self.run_once(step)
            self.answer()
        self.run_once()

    def offsets(self, key: WriteKey, partition: int = 0) -> list[int]:
        return [offset for accepted, number, offset in self.accepted if (accepted, number) == (key, partition)]


def record_of(offset: int, environment: bytes) -> Record:
    return record(offset, environment, memory_bytes=100)


def process(record: Record) -> ProcessedRecord:
    assert record.value
    key = KEYS.get(record.value.decode())
    if key is None:
        return DeadLetter(record, Rejected(Reason.NO_WRITE_KEY, "mapping", ""))
    return TrackEvent(record, key, b"x" * 10)


def opened(buffer: PartitionBuffer, *environments: bytes, start: int = 0, now: float = 0.0) -> list[Chunk]:
    """The chunks that may be sent of a batch of these."""
    buffer.add([record_of(offset, environment) for offset, environment in enumerate(environments, start)])
    return open_batch(buffer, process, LIMITS, now).sendable


def settle_all(buffer: PartitionBuffer, chunk: Chunk) -> list[list[int]]:
    """Settle the open chunks of a key from this one on: the offsets of each that was behind it."""
    queued = []
    following = buffer.settle(chunk)
    while following is not None:
        queued.append(offsets_of(following))
        following = buffer.settle(following)
    return queued


# One partition buffer


def test_a_batch_of_mixed_environments_is_a_chunk_for_each_key() -> None:
    chunks = opened(PartitionBuffer(0), *MIXED * 2)
    assert {chunk.key: offsets_of(chunk) for chunk in chunks} == {
        PRODUCTION: [0, 3],
        DEVELOPMENT: [1, 4],
        STAGING: [2, 5],
    }


def test_the_offset_waits_for_the_slowest_key() -> None:
    buffer = PartitionBuffer(0)
    production, development, staging = opened(buffer, *MIXED * 2)
    buffer.settle(production)
    buffer.settle(staging)
    assert buffer.committable_offset == 1
    buffer.settle(development)
    assert buffer.committable_offset == 6


def test_a_buffer_bypasses_keys_that_stall_and_no_other() -> None:
    buffer = PartitionBuffer(0)
    production, development, _ = opened(buffer, *MIXED)
    buffer.add([record_of(3, b"production")])
    buffer.settle(production)
    assert not buffer.is_ready(0)
    assert not buffer.is_ready(0, frozenset([DEVELOPMENT]))
    assert buffer.is_ready(0, frozenset([DEVELOPMENT, STAGING]))
    buffer.settle(development)
    assert buffer.is_ready(0, frozenset([STAGING]))


def test_events_of_a_bypassed_key_wait_behind_it_in_full_chunks() -> None:
    buffer = PartitionBuffer(0)
    (first,) = opened(buffer, b"staging")
    for number in range(1, 13, 2):
        (passing,) = opened(buffer, b"staging", b"production", start=number)
        assert passing.key == PRODUCTION
        buffer.settle(passing)
    assert buffer.committable_offset == 0
    assert settle_all(buffer, first) == [[1, 3, 5, 7, 9, 11]]
    assert buffer.committable_offset == 13


@pytest.mark.parametrize(
    ("limits", "most"), [(BatchLimits(4, 10_000, THREE_IN_A_ROW), 4), (BatchLimits(10, 33, THREE_IN_A_ROW), 3)]
)
def test_a_chunk_that_waits_is_never_larger_than_a_batch(limits: BatchLimits, most: int) -> None:
    """Segment answers 200 to a request of too many events, and drops them."""
    buffer = PartitionBuffer(0)
    (first,) = opened(buffer, b"staging")
    for start in range(1, 16, 2):
        buffer.add([record_of(start, b"staging"), record_of(start + 1, b"staging")])
        assert open_batch(buffer, process, limits).sendable == []
    queued = settle_all(buffer, first)
    assert [offset for offsets in queued for offset in offsets] == list(range(1, 17))
    assert max(map(len, queued)) <= most


def test_nothing_is_appended_to_a_chunk_that_is_searched_for_a_refused_event() -> None:
    buffer = PartitionBuffer(0)
    (first,) = opened(buffer, b"staging", b"staging")
    halves = first.halves()
    buffer.split(first, halves)
    assert opened(buffer, b"staging", start=2) == []
    assert settle_all(buffer, halves[0]) == [[1], [2]]


def test_a_chunk_that_may_be_in_flight_does_not_change() -> None:
    buffer = PartitionBuffer(0)
    (first,) = opened(buffer, b"staging")
    assert opened(buffer, b"staging", start=1) == []
    assert len(first.events) == 1


def test_a_buffer_does_not_bypass_for_longer_than_segment_knows_repeats() -> None:
    """The time counts from the first event that is delivered past a stalled one, until nothing is open."""
    buffer, stalled = PartitionBuffer(0), frozenset([STAGING])
    (staging,) = opened(buffer, b"staging")
    for offset, now in enumerate([1000.0, 2000.0], 1):
        (production,) = opened(buffer, b"production", start=offset, now=now)
        buffer.settle(production)
    buffer.add([record_of(3, b"production")])
    assert buffer.is_ready(1000 + MAX_BYPASS_SECONDS - 1, stalled)
    assert not buffer.is_ready(1000 + MAX_BYPASS_SECONDS, stalled)
    buffer.settle(staging)
    assert buffer.is_ready(1000 + MAX_BYPASS_SECONDS, stalled)


@pytest.mark.parametrize("behind", [[], [b"staging"], [b"staging", b"staging"]], ids=len)
def test_an_event_that_nothing_was_delivered_past_is_passed_at_any_age(behind: list[bytes]) -> None:
    """Otherwise a denied event would never be decided if the next event of its key comes late."""
    buffer = PartitionBuffer(0)
    opened(buffer, b"staging")
    if behind:
        opened(buffer, *behind, start=1, now=1.0)
    buffer.add([record_of(1 + len(behind), b"staging")])
    assert buffer.is_ready(10 * MAX_BYPASS_SECONDS, frozenset([STAGING]))


def test_a_buffer_does_not_go_on_past_a_dead_letter() -> None:
    buffer = PartitionBuffer(0)
    opened(buffer, b"staging", b"sandbox")
    buffer.add([record_of(2, b"production")])
    assert not buffer.is_ready(0, frozenset([STAGING]))


def test_missing_keys_do_not_count_towards_the_limit_of_dead_letters() -> None:
    buffer = PartitionBuffer(0)
    count = LIMITS.rejections.in_partition * 2
    buffer.add([record_of(offset, b"sandbox") for offset in range(count)])
    assert len(open_batch(buffer, process, LIMITS).batch.dead_letters) == count
    assert buffer.blocked is None


# The loop


def test_a_batch_of_mixed_environments_is_several_requests_and_is_committed_whole() -> None:
    world = MixedWorld()
    world.produce(*MIXED * 2)
    world.pass_time(2)
    assert sorted(key.environment for key, _, _ in world.accepted) == sorted([*KEYS] * 2)
    assert world.reporter.counters.requests["accepted"] == 3
    assert world.group.committed == {0: 6}


@pytest.mark.parametrize("stall", STALLS)
def test_a_key_that_stalls_stops_no_other_key_of_its_partition(stall: str) -> None:
    world = MixedWorld()
    world.outcomes[STAGING] = STALLS[stall]
    world.produce(b"production", *MIXED * (2 * EVENTS))
    world.pass_time(100)
    assert len(world.offsets(PRODUCTION)) == 2 * EVENTS + 1
    assert len(world.offsets(DEVELOPMENT)) == 2 * EVENTS
    assert world.group.committed == {0: 3}  # that of the first staging record: production, production, development
    world.produce(*MIXED)
    world.pass_time(10)
    assert len(world.offsets(PRODUCTION)) == 2 * EVENTS + 2
    assert world.reporter.latest().blocked == ({"http_401": 1} if stall == "blocked" else {})
    world.outcomes.clear()
    world.pass_time(400)
    assert world.group.committed == {0: 6 * EVENTS + 4}
    assert all(world.offsets(key) == sorted(world.offsets(key)) for key in KEYS.values())
    assert len(world.accepted) == 6 * EVENTS + 4


def test_a_key_that_refuses_everything_is_blocked_and_stops_no_other_key() -> None:
    world = MixedWorld()
    world.outcomes[STAGING] = Refused("http_400")
    world.produce(*MIXED * (2 * EVENTS))
    for _ in range(40):  # each event by itself, to find the one that is refused
        world.pass_time(3)
        world.dead_letters.confirm()
        if world.reporter.latest().blocked:
            break
        world.produce(*MIXED)
    assert world.reporter.latest().blocked == {"everything_refused": 1}
    world.produce(*MIXED * EVENTS)
    world.pass_time(200)
    assert len(world.offsets(PRODUCTION)) == world.end[0] // 3
    assert world.reporter.counters.dead_lettered == {"http_400": 20}


def test_one_refused_event_is_rejected_and_its_key_goes_on() -> None:
    world = MixedWorld()
    world.produce(*MIXED * 3)
    world.run_once(0)
    world.run_once(2)
    for _ in range(10):
        while world.workers.in_flight:
            request = world.workers.in_flight[0]
            offsets = [offset for chunk in request.chunks for offset in offsets_of(chunk)]
            world.workers.answer(Refused("http_400") if 5 in offsets else Accepted())
        world.run_once(1)
    assert [dead_letter.record.offset for dead_letter in world.dead_letters.open] == [5]
    assert world.group.committed == {0: 5}
    world.dead_letters.confirm()
    world.run_once(2)
    assert world.group.committed == {0: 9}


def test_a_record_without_a_key_is_rejected_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    world = MixedWorld()
    with caplog.at_level(logging.WARNING):
        world.produce(b"production", b"sandbox", b"staging", b"anonymous")
        world.pass_time(2)
    assert world.group.committed == {0: 1}
    world.dead_letters.confirm()
    world.pass_time(2)
    assert world.group.committed == {0: 4}
    assert world.reporter.counters.delivered == 2
    assert world.reporter.counters.dead_lettered == {Reason.NO_WRITE_KEY: 1}
    assert world.reporter.counters.skipped == {"no_user_id": 1}
    (line,) = caplog.records
    assert (line.levelname, vars(line)["reason"], vars(line)["offset"]) == ("ERROR", Reason.NO_WRITE_KEY, 1)
    assert "SEGMENT_WRITE_KEYS" in vars(line)["detail"]


def test_a_block_names_the_environment_of_its_key(caplog: pytest.LogCaptureFixture) -> None:
    world = MixedWorld()
    world.outcomes = dict.fromkeys((STAGING, DEVELOPMENT), Misconfigured("http_401"))
    world.produce(*MIXED)
    world.pass_time(3)
    logged = {
        vars(line)["environment"]
        for line in caplog.records
        if line.levelname == "ERROR" and "delivery blocked" in line.message
    }
    assert logged == {"staging", "development"}
    assert world.reporter.latest().blocked == {"http_401": 2}
    assert "secret" not in caplog.text


def test_what_is_open_behind_a_bypassed_key_stays_within_its_share() -> None:
    world = MixedWorld(memory_bytes=40_000)
    world.outcomes[STAGING] = STALLS["blocked"]
    most = 0
    for _ in range(100):
        if 0 not in world.group.paused:
            world.produce(*MIXED * 20)
        world.pass_time(5)
        most = max(most, world.reporter.latest().partitions[0].memory_bytes)
    assert world.group.paused == {0}
    assert 20_000 < most <= 40_000
    assert len(world.offsets(PRODUCTION)) > 100


def test_when_every_key_stalls_no_more_batches_are_opened() -> None:
    world = MixedWorld()
    world.outcomes = dict.fromkeys(KEYS.values(), STALLS["failing"])
    world.produce(*MIXED * EVENTS)
    world.pass_time(600)
    assert world.reporter.latest().in_flight <= 2 * EVENTS
    assert world.group.committed == {0: 0}


def test_a_revocation_in_a_stall_commits_exactly_what_is_settled() -> None:
    world = MixedWorld(partitions=2)
    world.outcomes[STAGING] = STALLS["throttled"]
    world.produce(b"production", *MIXED * EVENTS)
    world.produce(b"production", b"development", partition=1)
    world.pass_time(20)
    world.group.revoke([0, 1])
    assert world.group.committed == {0: 3, 1: 2}
    assert world.reporter.counters.delivered == 2 * EVENTS + 1 + 2
    assert world.reporter.counters.released == EVENTS
    assert world.reporter.latest().unaccounted == 0


READS = st.lists(
    st.lists(st.sampled_from([*MIXED, *MIXED, b"sandbox", b"anonymous"]), min_size=1, max_size=20),
    min_size=1,
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(reads=READS, chance=st.randoms(use_true_random=False))
def test_whatever_happens_order_is_kept_by_key_and_no_offset_is_committed_too_early(
    reads: list[list[bytes]], chance: random.Random
) -> None:
    world = MixedWorld(memory_bytes=12_000)
    settled: set[int] = set()

    def go_on(seconds: float) -> None:
        world.pass_time(seconds, step=seconds / 5)
        if chance.random() < 0.5:
            settled.update(dead_letter.record.offset for dead_letter in world.dead_letters.open)
            world.dead_letters.confirm()
        settled.update(offset for _, _, offset in world.accepted)
        unsettled = set(range(world.end[0])) - settled
        assert world.group.committed.get(0, 0) <= min(unsettled, default=world.end[0])

    for environments in reads:
        settled |= {offset for offset, value in enumerate(environments, world.end.get(0, 0)) if value == b"anonymous"}
        world.produce(*environments)
        for _ in range(chance.randrange(1, 6)):
            world.outcomes = {key: chance.choice([*STALLS.values(), Accepted()]) for key in KEYS.values()}
            go_on(chance.choice([1, 5, 70]))
    world.outcomes.clear()
    while world.group.committed != {0: world.end[0]}:
        assert world.clock.now < 100_000
        go_on(300)
    values = [value for environments in reads for value in environments]
    for key in KEYS.values():
        assert world.offsets(key) == [
            offset for offset, value in enumerate(values) if value.decode() == key.environment
        ]


def test_a_request_carries_one_key_alone() -> None:
    world = MixedWorld(partitions=3)
    for partition in range(3):
        world.produce(*MIXED, partition=partition)
    world.run_once(0)
    world.run_once(2)
    sent: list[BatchRequest] = list(world.workers.in_flight)
    assert sorted(request.key.environment for request in sent) == sorted(KEYS)
    for request in sent:
        assert {event.key for chunk in request.chunks for event in chunk.events} == {request.key}
