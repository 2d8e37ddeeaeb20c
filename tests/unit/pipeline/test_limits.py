"""The exact limits of lanes: where a batch ends, when a partition is not read, what may be held, and for how long."""

import pytest

from consumer.model import Call, Letter, Message, Skipped, Treatment, WriteKey
from consumer.pipeline.buffers import Lanes, Shares
from consumer.pipeline.partition_buffer import Lane
from consumer.request import Limits

PRODUCTION, DEVELOPMENT = KEYS = WriteKey("production", "a"), WriteKey("development", "b")
BATCH = Limits(events=10, size=1000, unprocessable=3)
NOTHING: frozenset[WriteKey] = frozenset()


def message(offset: int, weight: int = 1, read_at: float = 0.0, partition: int = 0) -> Message:
    return Message(partition, offset, 0, None, b"", (), read_at, weight)


def call(record: Message) -> Treatment:
    """99 bytes, which are 100 with what separates them."""
    return Call(record, PRODUCTION, b"x" * 99)


def lanes(partitions: int, held: int = 1000, linger: float = 1.0) -> Lanes:
    made = Lanes(Shares(BATCH, held, linger))
    made.open(range(partitions))
    return made


@pytest.mark.parametrize(("size", "taken"), [(200, 2), (299, 2), (300, 3), (99, 1)])
def test_a_batch_ends_before_the_call_that_is_too_much_but_has_one(size: int, taken: int) -> None:
    lane = Lane(0)
    lane.add([message(offset) for offset in range(3)])
    (part,) = lane.take(call, Limits(10, size, 3)).parts
    assert len(part.calls) == taken


@pytest.mark.parametrize(("waited", "ready"), [(43_199.0, True), (43_200.0, False), (50_000.0, False)])
def test_a_lane_goes_on_past_a_key_for_twelve_hours_from_its_oldest_event(waited: float, ready: bool) -> None:
    lane = Lane(0)
    lane.add([message(0, read_at=100.0), message(1, read_at=200.0)])
    for offset in (2, 3):  # of which one is behind the first part, and one waits
        lane.take(call, BATCH)
        lane.add([message(offset, read_at=5000.0)])
    assert lane.ready(100.0 + waited, frozenset([PRODUCTION])) is ready


def test_a_lane_with_nothing_open_is_ready_whatever_stalls() -> None:
    lane = Lane(0)
    assert not lane.ready(0.0)
    lane.add([message(0)])
    assert lane.ready(0.0)
    assert lane.ready(0.0, frozenset(KEYS))


def queued(lane: Lane) -> list[int]:
    """Events of each part that is open."""
    return [len(part.calls) for parts in lane._parts.values() for part in parts]


def test_what_waits_behind_a_stalled_key_joins_the_last_part_up_to_a_whole_batch() -> None:
    lane = Lane(0)
    offset = 0
    for count, parts in [(1, [1]), (4, [1, 4]), (3, [1, 7]), (7, [1, 7, 7]), (3, [1, 7, 10]), (1, [1, 7, 10, 1])]:
        lane.add([message(offset + number) for number in range(count)])
        lane.take(call, BATCH)
        assert queued(lane) == parts
        offset += count


def test_it_joins_the_last_part_up_to_the_bytes_of_a_batch() -> None:
    lane = Lane(0)
    limits = Limits(events=100, size=500, unprocessable=3)
    for offset, expected in enumerate([[1], [1, 3], [1, 5], [1, 5, 3]]):
        count = (1, 3, 2, 3)[offset]
        lane.add([message(100 * offset + number) for number in range(count)])
        lane.take(call, limits)
        assert queued(lane) == expected


@pytest.mark.parametrize(
    ("count", "weight", "crowded", "relaxed"),
    [
        (19, 1, False, True),
        (20, 1, False, False),
        (39, 1, False, False),
        (40, 1, True, False),
        (1, 124, False, True),
        (1, 125, False, False),
        (1, 249, False, False),
        (1, 250, True, False),
        (1, 251, True, False),
    ],
)
def test_a_lane_is_not_read_with_four_batches_or_half_its_share_and_read_again_with_half_of_that(
    count: int, weight: int, crowded: bool, relaxed: bool
) -> None:
    both = lanes(2)  # 500 bytes each, half of them waiting
    both[0].add([message(offset, weight) for offset in range(count)])
    assert (0 in both.crowded()) is crowded
    assert (0 in both.relaxed()) is relaxed
    assert 1 in both.relaxed()


@pytest.mark.parametrize(
    ("count", "weight", "full"), [(9, 1, False), (10, 1, True), (1, 249, False), (1, 250, True), (1, 251, True)]
)
def test_a_lane_is_full_with_a_batch_or_half_its_share(count: int, weight: int, full: bool) -> None:
    both = lanes(2)
    both[0].add([message(offset, weight) for offset in range(count)])
    assert [lane.partition for lane in both.full(0.0, NOTHING)] == ([0] if full else [])


@pytest.mark.parametrize(("linger", "due"), [(0.9, []), (1.0, [0, 1])])
def test_lanes_are_due_together_when_one_has_lingered(linger: float, due: list[int]) -> None:
    both = lanes(3)
    both[0].add([message(0)])
    both[1].add([message(0, read_at=linger, partition=1)])
    assert [lane.partition for lane in both.due(linger, NOTHING)] == due


def test_a_lane_lingers_from_the_oldest_record_that_waits() -> None:
    one = lanes(1)
    one[0].add([message(0), message(1, read_at=5.0)])
    assert one.due(1.0, NOTHING)


@pytest.mark.parametrize("reason", ["empty_value", "undecodable"])
def test_a_call_ends_the_row_of_records_set_aside_and_whatever_the_reason_they_count(reason: str) -> None:
    lane = Lane(0)
    kinds = [reason, reason, "call", reason, reason, reason, reason]
    lane.add([message(offset) for offset in range(len(kinds))])

    def treat(record: Message) -> Treatment:
        kind = kinds[record.offset]
        return call(record) if kind == "call" else Letter(record, kind, "decoding", "")

    assert len(lane.take(treat, BATCH).letters) == 5
    assert lane.holds == "dead_letter_limit"
    assert lane.waiting == 1


def test_what_is_made_into_calls_is_taken_from_what_a_batch_may_take() -> None:
    one = lanes(1, held=1200)
    assert one.batch(one[0]) == Limits(10, 600, 3)
    one[0].add([message(0), message(1)])
    one[0].take(call, BATCH)
    assert one[0].made == 2 * (99 + 1)
    assert one.batch(one[0]) == Limits(10, 400, 3)


@pytest.mark.parametrize(("held", "ready"), [(200, False), (202, True)])
def test_no_batch_is_opened_when_half_the_share_is_made_into_calls(held: int, ready: bool) -> None:
    one = lanes(1, held)
    one[0].add([message(0)])
    one[0].take(call, BATCH)
    assert one[0].made == 100
    one[0].add([message(offset, weight=200) for offset in range(1, 3)])
    assert [lane.partition for lane in one.full(0.0, frozenset([PRODUCTION]))] == ([0] if ready else [])


def test_an_offset_is_to_be_stored_once_and_again_in_a_new_assignment() -> None:
    one = lanes(1)
    assert one.to_store([0]) == {}
    one[0].advance(7)
    assert one.to_store([0, 5]) == {0: 7}
    assert one.to_store([0]) == {}
    one.drop([0])
    one.open([0])
    one[0].advance(7)
    assert one.to_store([0]) == {0: 7}


def test_a_lane_that_took_its_turn_comes_last() -> None:
    three = lanes(3)
    three.last(three[0])
    assert three.partitions == [1, 2, 0]


def test_skips_do_not_count_as_events() -> None:
    lane = Lane(0)
    lane.add([message(offset) for offset in range(30)])
    taken = lane.take(lambda record: Skipped("it") if record.offset < 20 else call(record), BATCH)
    assert (taken.skipped["it"], len(taken.parts[0].calls), lane.waiting) == (20, 10, 0)
