"""Three environments in one partition: each has its key and its pace, and the partition keeps its promises."""

import logging
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.model import Call, Letter, Message, Skipped, Translation, Treatment, Unprocessable, WriteKey
from consumer.pipeline.partition_buffer import GOES_ON_FOR, Lane
from consumer.reasons import NO_WRITE_KEY
from consumer.request import Accepted, Limits, Misconfigured, Outcome, Part, Refused, Request, Retry
from tests.unit.pipeline.test_loop import EVENTS, World

KEYS = {name: WriteKey(name, f"secret of {name}") for name in ("production", "development", "staging")}
PRODUCTION, DEVELOPMENT, STAGING = KEYS.values()
MIXED = (b"production", b"development", b"staging")
LIMITS = Limits(events=10, size=10_000, unprocessable=3)

STALLS: dict[str, Outcome] = {
    "throttled": Retry("http_429", 300.0, throttled=True),
    "failing": Retry("http_500"),
    "holding": Misconfigured("http_401"),
}


class Mixed(World):
    """A loop over records whose value is their environment; Segment answers each key as `answers` says, or takes it."""

    def __init__(self, partitions: int = 1, held: int = 10_000_000) -> None:
        super().__init__(partitions, keys=list(KEYS.values()), held=held)
        self.answers: dict[WriteKey, Outcome] = {}
        self.accepted: list[tuple[WriteKey, int, int]] = []
        self.end: dict[int, int] = {}

    def translate(self, message: Message) -> Translation:
        assert message.value
        environment = message.value.decode()
        if environment == "anonymous":
            return Skipped("no_user_id")
        if environment not in KEYS:
            return Unprocessable(NO_WRITE_KEY, "mapping", "SEGMENT_WRITE_KEYS has none")
        return Call(message, KEYS[environment], b"{}")

    def produce(self, *environments: bytes, partition: int = 0) -> None:
        """Let the next turn read these."""
        start = self.end.get(partition, 0)
        self.group.give(partition, *environments, start=start)
        self.end[partition] = start + len(environments)

    def answer(self) -> None:
        """Answer everything that is under way."""
        while self.segment.under_way:
            request = self.segment.under_way[0]
            outcome = self.answers.get(request.key, Accepted())
            if outcome == Accepted():
                self.accepted += [
                    (request.key, part.partition, call.message.offset) for part in request.parts for call in part.calls
                ]
            self.segment.answer(outcome)

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(int(seconds / step)):
            self.turn(step)
            self.answer()
        self.turn()

    def offsets(self, key: WriteKey, partition: int = 0) -> list[int]:
        return [offset for accepted, number, offset in self.accepted if (accepted, number) == (key, partition)]


def message(offset: int, environment: bytes, read_at: float = 0.0) -> Message:
    return Message(0, offset, 0, None, environment, (), read_at, 100)


def treat(record: Message) -> Treatment:
    assert record.value
    key = KEYS.get(record.value.decode())
    return Call(record, key, b"x" * 10) if key else Letter(record, NO_WRITE_KEY, "mapping", "")


def taken(lane: Lane, *environments: bytes, start: int = 0) -> list[Part]:
    lane.add([message(start + number, environment) for number, environment in enumerate(environments)])
    return lane.take(treat, LIMITS).parts


# One lane


def test_a_batch_of_a_mixed_lane_is_a_part_for_each_key() -> None:
    parts = taken(Lane(0), *MIXED * 2)
    assert {part.key: [call.message.offset for call in part.calls] for part in parts} == {
        PRODUCTION: [0, 3],
        DEVELOPMENT: [1, 4],
        STAGING: [2, 5],
    }


def test_the_offset_waits_for_the_slowest_key() -> None:
    lane = Lane(0)
    production, development, staging = taken(lane, *MIXED * 2)
    lane.settle(production)
    lane.settle(staging)
    assert lane.frontier == 1
    lane.settle(development)
    assert lane.frontier == 6


def test_a_lane_goes_on_past_keys_that_stall_and_past_no_other() -> None:
    lane = Lane(0)
    production, development, _ = taken(lane, *MIXED)
    lane.add([message(3, b"production")])
    lane.settle(production)
    assert not lane.ready(0)
    assert not lane.ready(0, frozenset([DEVELOPMENT]))
    assert lane.ready(0, frozenset([DEVELOPMENT, STAGING]))
    lane.settle(development)
    assert lane.ready(0, frozenset([STAGING]))


def test_what_is_taken_past_a_key_waits_behind_it_in_full_parts() -> None:
    lane = Lane(0)
    (first,) = taken(lane, b"staging")
    for number in range(1, 13, 2):
        (passing,) = taken(lane, b"staging", b"production", start=number)
        assert passing.key == PRODUCTION
        lane.settle(passing)
    assert lane.frontier == 0
    queued = []
    while following := lane.settle(first):
        (first,) = following
        queued.append([call.message.offset for call in first.calls])
    assert queued == [[1, 3, 5, 7, 9, 11]]
    assert lane.frontier == 13


@pytest.mark.parametrize(("limits", "most"), [(Limits(4, 10_000, 3), 4), (Limits(10, 33, 3), 3)])
def test_a_part_that_waits_is_never_larger_than_a_batch(limits: Limits, most: int) -> None:
    """Segment answers 200 to a request of too many events, and drops them."""
    lane = Lane(0)
    (first,) = taken(lane, b"staging")
    for start in range(1, 16, 2):
        lane.add([message(start, b"staging"), message(start + 1, b"staging")])
        assert lane.take(treat, limits).parts == []
    queued = []
    while following := lane.settle(first):
        (first,) = following
        queued.append([call.message.offset for call in first.calls])
    assert [offset for part in queued for offset in part] == list(range(1, 17))
    assert max(map(len, queued)) <= most


def test_nothing_joins_a_part_that_is_searched_for_a_refused_call() -> None:
    lane = Lane(0)
    (first,) = taken(lane, b"staging", b"staging")
    (half,) = lane.split(first)
    assert taken(lane, b"staging", start=2) == []
    queued = []
    while following := lane.settle(half):
        (half,) = following
        queued.append([call.message.offset for call in half.calls])
    assert queued == [[1], [2]]


def test_a_part_that_may_be_under_way_does_not_change() -> None:
    lane = Lane(0)
    (first,) = taken(lane, b"staging")
    assert taken(lane, b"staging", start=1) == []
    assert len(first.calls) == 1


def test_a_lane_does_not_go_on_for_longer_than_segment_knows_repeats() -> None:
    lane = Lane(0)
    taken(lane, b"staging")
    lane.add([message(1, b"production", read_at=GOES_ON_FOR)])
    assert lane.ready(GOES_ON_FOR - 1, frozenset([STAGING]))
    assert not lane.ready(GOES_ON_FOR, frozenset([STAGING]))


def test_a_lane_does_not_go_on_past_a_dead_letter() -> None:
    lane = Lane(0)
    taken(lane, b"staging", b"sandbox")
    lane.add([message(2, b"production")])
    assert not lane.ready(0, frozenset([STAGING]))


def test_missing_keys_do_not_count_towards_the_limit_of_dead_letters() -> None:
    lane = Lane(0)
    lane.add([message(number, b"sandbox") for number in range(LIMITS.unprocessable * 2)])
    assert len(lane.take(treat, LIMITS).letters) == LIMITS.unprocessable * 2
    assert lane.blocked is None


# The loop


def test_a_batch_of_a_mixed_lane_is_several_requests_and_is_committed_whole() -> None:
    world = Mixed()
    world.produce(*MIXED * 2)
    world.pass_time(2)
    assert sorted(key.environment for key, _, _ in world.accepted) == sorted([*KEYS] * 2)
    assert world.status.counts.requests["accepted"] == 3
    assert world.group.committed == {0: 6}


@pytest.mark.parametrize("trouble", STALLS)
def test_a_key_that_stalls_stops_nobody_else_in_its_partition(trouble: str) -> None:
    world = Mixed()
    world.answers[STAGING] = STALLS[trouble]
    world.produce(b"production", *MIXED * (2 * EVENTS))
    world.pass_time(100)
    assert len(world.offsets(PRODUCTION)) == 2 * EVENTS + 1
    assert len(world.offsets(DEVELOPMENT)) == 2 * EVENTS
    assert world.group.committed == {0: 3}  # that of the first staging record: production, production, development
    world.produce(*MIXED)
    world.pass_time(10)
    assert len(world.offsets(PRODUCTION)) == 2 * EVENTS + 2
    assert world.status.latest().holding == ({"http_401": 1} if trouble == "holding" else {})
    world.answers.clear()
    world.pass_time(400)
    assert world.group.committed == {0: 6 * EVENTS + 4}
    assert all(world.offsets(key) == sorted(world.offsets(key)) for key in KEYS.values())
    assert len(world.accepted) == 6 * EVENTS + 4


def test_a_key_that_refuses_everything_holds_and_stops_nobody_else() -> None:
    world = Mixed()
    world.answers[STAGING] = Refused("http_400")
    world.produce(*MIXED * (2 * EVENTS))
    for _ in range(40):  # each event by itself, to find the one that is refused
        world.pass_time(3)
        world.letters.confirm()
        if world.status.latest().holding:
            break
        world.produce(*MIXED)
    assert world.status.latest().holding == {"everything_refused": 1}
    world.produce(*MIXED * EVENTS)
    world.pass_time(200)
    assert len(world.offsets(PRODUCTION)) == world.end[0] // 3
    assert world.status.counts.dead_lettered == {"http_400": 20}


def test_one_refused_event_is_set_aside_and_its_key_goes_on() -> None:
    world = Mixed()
    world.produce(*MIXED * 3)
    world.turn(0)
    world.turn(2)
    for _ in range(10):
        while world.segment.under_way:
            request = world.segment.under_way[0]
            offsets = [call.message.offset for part in request.parts for call in part.calls]
            world.segment.answer(Refused("http_400") if 5 in offsets else Accepted())
        world.turn(1)
    assert [letter.message.offset for letter in world.letters.open] == [5]
    assert world.group.committed == {0: 5}
    world.letters.confirm()
    world.turn(2)
    assert world.group.committed == {0: 9}


def test_a_record_without_a_key_is_set_aside_and_the_others_flow_on(caplog: pytest.LogCaptureFixture) -> None:
    world = Mixed()
    with caplog.at_level(logging.WARNING):
        world.produce(b"production", b"sandbox", b"staging", b"anonymous")
        world.pass_time(2)
    assert world.group.committed == {0: 1}
    world.letters.confirm()
    world.pass_time(2)
    assert world.group.committed == {0: 4}
    assert world.status.counts.delivered == 2
    assert world.status.counts.dead_lettered == {NO_WRITE_KEY: 1}
    assert world.status.counts.skipped == {"no_user_id": 1}
    (said,) = caplog.records
    assert (said.levelname, vars(said)["reason"], vars(said)["offset"]) == ("ERROR", NO_WRITE_KEY, 1)
    assert "SEGMENT_WRITE_KEYS" in vars(said)["detail"]


def test_a_hold_says_which_environments_key_it_is(caplog: pytest.LogCaptureFixture) -> None:
    world = Mixed()
    world.answers = dict.fromkeys((STAGING, DEVELOPMENT), Misconfigured("http_401"))
    world.produce(*MIXED)
    world.pass_time(3)
    said = {
        vars(r)["environment"] for r in caplog.records if r.levelname == "ERROR" and "delivery blocked" in r.message
    }
    assert said == {"staging", "development"}
    assert world.status.latest().holding == {"http_401": 2}
    assert "secret" not in caplog.text


def test_what_is_taken_past_a_key_stays_within_its_share() -> None:
    world = Mixed(held=40_000)
    world.answers[STAGING] = STALLS["holding"]
    most = 0
    for _ in range(100):
        if 0 not in world.group.paused:
            world.produce(*MIXED * 20)
        world.pass_time(5)
        most = max(most, world.status.latest().partitions[0].size)
    assert world.group.paused == {0}
    assert 20_000 < most <= 40_000
    assert len(world.offsets(PRODUCTION)) > 100


def test_when_every_key_stalls_nothing_more_is_made_into_calls() -> None:
    world = Mixed()
    world.answers = dict.fromkeys(KEYS.values(), STALLS["failing"])
    world.produce(*MIXED * EVENTS)
    world.pass_time(600)
    assert world.status.latest().in_flight <= 2 * EVENTS
    assert world.group.committed == {0: 0}


def test_a_revocation_in_a_stall_commits_exactly_what_is_settled() -> None:
    world = Mixed(partitions=2)
    world.answers[STAGING] = STALLS["throttled"]
    world.produce(b"production", *MIXED * EVENTS)
    world.produce(b"production", b"development", partition=1)
    world.pass_time(20)
    world.group.revoke([0, 1])
    assert world.group.committed == {0: 3, 1: 2}
    assert world.status.counts.delivered == 2 * EVENTS + 1 + 2
    assert world.status.counts.handed_back == EVENTS
    assert world.status.latest().unaccounted == 0


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
    world = Mixed(held=12_000)
    settled: set[int] = set()

    def go_on(seconds: float) -> None:
        world.pass_time(seconds, step=seconds / 5)
        if chance.random() < 0.5:
            settled.update(letter.message.offset for letter in world.letters.open)
            world.letters.confirm()
        settled.update(offset for _, _, offset in world.accepted)
        unsettled = set(range(world.end[0])) - settled
        assert world.group.committed.get(0, 0) <= min(unsettled, default=world.end[0])

    for environments in reads:
        settled |= {i for i, value in enumerate(environments, world.end.get(0, 0)) if value == b"anonymous"}
        world.produce(*environments)
        for _ in range(chance.randrange(1, 6)):
            world.answers = {key: chance.choice([*STALLS.values(), Accepted()]) for key in KEYS.values()}
            go_on(chance.choice([1, 5, 70]))
    world.answers.clear()
    while world.group.committed != {0: world.end[0]}:
        assert world.clock.now < 100_000
        go_on(300)
    every = [value for environments in reads for value in environments]
    for key in KEYS.values():
        assert world.offsets(key) == [i for i, value in enumerate(every) if value.decode() == key.environment]


def test_a_request_carries_one_key_alone() -> None:
    world = Mixed(partitions=3)
    for partition in range(3):
        world.produce(*MIXED, partition=partition)
    world.turn(0)
    world.turn(2)
    sent: list[Request] = list(world.segment.under_way)
    assert sorted(request.key.environment for request in sent) == sorted(KEYS)
    for request in sent:
        assert {call.key for part in request.parts for call in part.calls} == {request.key}
