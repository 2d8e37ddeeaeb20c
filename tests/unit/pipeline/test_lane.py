"""The lane: whatever happens, an offset is committable only when every record below it is settled."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.model import Call, Held, Letter, Message, Pending, Skipped, Treatment, WriteKey
from consumer.pipeline.partition_buffer import Lane
from consumer.request import Limits, Part

KEYS = WriteKey("production", "a"), WriteKey("development", "b")
LIMITS = Limits(events=4, size=100, unprocessable=3)
KINDS = st.sampled_from(["call", "call", "call", "other key", "large", "skip", "letter", "uncounted"])


def message(offset: int, kind: str = "call", weight: int = 10) -> Message:
    return Message(0, offset, 0, None, kind.encode(), (), read_at=float(offset), weight=weight)


def treat(record: Message) -> Treatment:
    match record.value:
        case b"call":
            return Call(record, KEYS[0], b"x" * 10)
        case b"other key":
            return Call(record, KEYS[1], b"x" * 10)
        case b"large":
            return Call(record, KEYS[0], b"x" * 150)
        case b"skip":
            return Skipped("no_user_id")
        case b"pending":
            return Pending(7)
        case b"hold":
            return Held("undecodable")
        case b"uncounted":
            return Letter(record, "no_write_key", "mapping", "")
    return Letter(record, "undecodable", "decoding", "")


class LaneMachine(RuleBasedStateMachine):
    """A lane under every schedule of reading, taking, splitting, setting aside and settling, and of keys that stall."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane(0)
        self.end = 0
        self.unsettled: set[int] = set()
        self.stalled: frozenset[WriteKey] = frozenset()
        self.sendable: list[Part] = []
        self.letters: list[Letter] = []
        self.accepted: dict[WriteKey, list[int]] = {key: [] for key in KEYS}

    @rule(kinds=st.lists(KINDS, min_size=1, max_size=9), gap=st.integers(0, 3))
    def read(self, kinds: list[str], gap: int) -> None:
        start = self.end + gap  # compaction and transaction markers leave gaps
        self.lane.add([message(start + i, kind) for i, kind in enumerate(kinds)])
        self.end = start + len(kinds)
        self.unsettled.update(range(start, self.end))

    @rule(gap=st.integers(0, 3))
    def reach_the_end(self, gap: int) -> None:
        self.end += gap
        self.lane.advance(self.end)

    @rule(keys=st.frozensets(st.sampled_from(KEYS), max_size=1))
    def stall(self, keys: frozenset[WriteKey]) -> None:
        self.stalled = keys

    @precondition(lambda self: self.lane.ready(0.0, self.stalled))
    @rule()
    def take(self) -> None:
        waiting, before = [message.offset for message in self.lane._waiting], self.lane._parts.keys() | ()
        made = self.made()
        taken = self.lane.take(treat, LIMITS)
        calls = self.made() - made
        kept = calls | {letter.message.offset for letter in taken.letters}
        gone = set(waiting[: len(waiting) - self.lane.waiting])
        assert kept <= gone
        assert len(gone) == len(kept) + taken.skipped.total()
        assert len(calls) <= LIMITS.events
        assert {part.key for part in taken.parts} == self.lane._parts.keys() - before
        self.unsettled -= gone - kept
        self.sendable += taken.parts
        self.letters += taken.letters

    @precondition(lambda self: self.sendable)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        part = self._any(data)
        self._accept(part)
        self.sendable += self.lane.settle(part)

    @precondition(lambda self: any(len(part.calls) > 1 for part in self.sendable))
    @rule()
    def split(self) -> None:
        part = next(part for part in self.sendable if len(part.calls) > 1)
        self.sendable.remove(part)
        self.sendable += self.lane.split(part)

    @precondition(lambda self: any(len(part.calls) == 1 for part in self.sendable))
    @rule()
    def set_aside(self) -> None:
        part = next(part for part in self.sendable if len(part.calls) == 1)
        self.sendable.remove(part)
        letter = Letter(part.calls[0].message, "http_400", "delivery", "")
        self.letters.append(letter)
        self.sendable += self.lane.set_aside(part, letter)

    @precondition(lambda self: self.letters)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        letter = self.letters.pop(data.draw(st.integers(0, len(self.letters) - 1)))
        self.lane.confirm(letter)
        self.unsettled.remove(letter.message.offset)

    @invariant()
    def nothing_unsettled_is_below_the_frontier(self) -> None:
        if self.lane.frontier is not None:
            assert all(offset >= self.lane.frontier for offset in self.unsettled)
        if not self.unsettled and self.lane.position is not None:
            assert self.lane.frontier == self.lane.position == self.end

    @invariant()
    def every_record_is_in_one_place(self) -> None:
        assert self.lane.waiting + self.lane.in_flight == len(self.unsettled)
        assert self.lane.weight == 10 * self.lane.waiting
        assert self.lane.made == sum(part.weight for part in self.parts())

    @invariant()
    def a_part_fits_into_a_request(self) -> None:
        for part in self.parts():
            assert len(part.calls) <= LIMITS.events
            assert part.size <= LIMITS.size or len(part.calls) == 1

    @invariant()
    def order_is_kept_for_each_key(self) -> None:
        for offsets in self.accepted.values():
            assert offsets == sorted(offsets)
        assert len({part.key for part in self.sendable}) == len(self.sendable)

    def parts(self) -> list[Part]:
        return [part for parts in self.lane._parts.values() for part in parts]

    def made(self) -> set[int]:
        return {call.message.offset for part in self.parts() for call in part.calls}

    def _any(self, data: st.DataObject) -> Part:
        return self.sendable.pop(data.draw(st.integers(0, len(self.sendable) - 1)))

    def _accept(self, part: Part) -> None:
        offsets = [call.message.offset for call in part.calls]
        self.accepted[part.key] += offsets
        self.unsettled -= set(offsets)


TestLane = LaneMachine.TestCase


def test_a_record_that_blocks_stays_where_it_is() -> None:
    for kind, blocked in (("pending", Pending(7)), ("hold", Held("undecodable"))):
        lane = Lane(0)
        lane.add([message(0), message(1, kind), message(2)])
        (part,) = lane.take(treat, LIMITS).parts
        lane.settle(part)
        assert (lane.blocked, lane.frontier, lane.waiting, lane.ready(0)) == (blocked, 1, 2, False)


@given(st.lists(st.sampled_from(["skip", "uncounted"]), max_size=3))
def test_unprocessable_records_in_a_row_hold_at_the_limit(between: list[str]) -> None:
    lane = Lane(0)
    kinds = ["letter", "letter", *between, "letter", "letter", "call"]
    lane.add([message(offset, kind) for offset, kind in enumerate(kinds)])
    taken = lane.take(treat, LIMITS)
    assert lane.blocked == Held("dead_letter_limit")
    assert [letter.reason for letter in taken.letters].count("undecodable") == LIMITS.unprocessable
    assert lane.waiting == 2


def test_a_call_ends_the_row_of_unprocessable_records() -> None:
    lane = Lane(0)
    lane.add([message(i, kind) for i, kind in enumerate(["letter", "letter", "call"] * 2)])
    assert len(lane.take(treat, LIMITS).letters) == 4
    assert lane.blocked is None


def test_a_dropped_lane_marks_all_that_was_under_way() -> None:
    lane = Lane(0)
    lane.add([message(0), message(1, "letter"), message(2), message(3), message(4), message(5), message(6)])
    taken = lane.take(treat, LIMITS)
    assert lane.drop() == 7
    assert all(part.revoked for part in taken.parts)
    assert all(letter.revoked for letter in taken.letters)
