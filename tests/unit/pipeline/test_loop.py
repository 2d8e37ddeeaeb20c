"""The loop with a simulated clock, group, Segment and dead-letter topic: what is committed, and who waits for whom."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from consumer.errors import ServiceError
from consumer.kafka.dead_letters import Reports
from consumer.kafka.read import Read
from consumer.kafka.start_offsets import Reset
from consumer.model import Call, Letter, Message, Pending, Skipped, Translation, Unprocessable, WriteKey
from consumer.pipeline.buffers import Lanes, Shares
from consumer.pipeline.dispatcher import Doors
from consumer.pipeline.loop import Loop
from consumer.pipeline.reject_policy import Policy, Treater
from consumer.pipeline.status_reporter import Status
from consumer.request import Accepted, Limits, Outcome, Refused, Request, Retry
from consumer.segment.send_queue import Capacity, Outbox

KEY = WriteKey("", "secret")
EVENTS = 10


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Group:
    """The source: hands out what a test puts in, and keeps what is committed."""

    joined = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = Read()
        self.commits = {"ok": 0, "failed": 0}
        self.commit_waits: list[bool] = []
        self.stored: dict[int, int] = {}
        self.committed: dict[int, int] = {}
        self.paused: set[int] = set()
        self.assign: Callable[[Sequence[int]], None]
        self.revoke: Callable[[Sequence[int]], None]

    def subscribe(self, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.assign, self.revoke = on_assign, on_revoke

    def give(self, partition: int, *values: bytes, start: int = 0) -> None:
        made = [
            Message(partition, start + i, 0, None, value, (), self._clock.now, 100) for i, value in enumerate(values)
        ]
        self._next = Read({**self._next.messages, partition: made}, self._next.ends, self._next.resets)

    def reach(self, partition: int, end: int) -> None:
        self._next = Read(self._next.messages, {**self._next.ends, partition: end}, self._next.resets)

    def reset(self, reset: Reset) -> None:
        self._next = Read(self._next.messages, self._next.ends, [reset])

    def fail_to_unpack(self, partition: int) -> None:
        self._next = replace(self._next, unreadable=[partition])

    def remake(self, partition: int) -> None:
        self._next = replace(self._next, remade=[partition])

    def read(self, limit: int, timeout: float) -> Read:
        read, self._next = self._next, Read()
        return read

    def store(self, offsets: Mapping[int, int]) -> None:
        self.stored |= offsets

    def commit(self, wait: bool = False) -> None:
        self.commit_waits.append(wait)
        self.committed |= self.stored

    def pause(self, partitions: Iterable[int]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Iterable[int]) -> None:
        self.paused -= set(partitions)

    def begin_again(self, partition: int) -> None:
        pass

    def end(self, partition: int) -> int:
        return -1


class Segment:
    """The workers: keeps requests under way until the test answers them, at once in a hand-over."""

    def __init__(self) -> None:
        self.under_way: list[Request] = []
        self._answered: list[tuple[Request, Outcome]] = []
        self.at_hand_over: Outcome = Accepted()
        self.most = 1000

    @property
    def free(self) -> bool:
        return len(self.under_way) < self.most

    @property
    def idle(self) -> bool:
        return not self.under_way

    def start(self, request: Request) -> None:
        self.under_way.append(request)

    def answer(self, outcome: Outcome) -> Request:
        request = self.under_way.pop(0)
        self._answered.append((request, outcome))
        return request

    def answered(self, timeout: float = 0) -> Sequence[tuple[Request, Outcome]]:
        while timeout and self.under_way:
            self.answer(self.at_hand_over)
        answered, self._answered = self._answered, []
        return answered

    def carries(self, partitions: set[int]) -> bool:
        return any(part.partition in partitions for request in self.under_way for part in request.parts)


class Letters:
    """The dead-letter topic, which confirms when the test says so."""

    def __init__(self) -> None:
        self.open: list[Letter] = []
        self.waits: list[float] = []
        self.confirms_when_waited_for = False
        self._reports = Reports()

    def put(self, letter: Letter) -> None:
        self.open.append(letter)

    def confirm(self) -> None:
        self._reports, self.open = Reports(confirmed=self.open), []

    def refuse(self) -> None:
        for letter in self.open:
            letter.stuck = True
        self._reports, self.open = Reports(refused=[(letter, "dead_letter_too_large") for letter in self.open]), []

    def advance(self, now: float, wait: float = 0) -> Reports:
        self.waits.append(wait)
        if wait and self.confirms_when_waited_for:
            self.confirm()
        reports, self._reports = self._reports, Reports()
        return reports


class Schemas:
    pending = True

    def is_pending(self, key: object) -> bool:
        return self.pending


class World:
    """One loop and everything around it."""

    def __init__(
        self,
        partitions: int = 1,
        policy: str = "dead-letter",
        unknown: str = "",
        keys: Sequence[WriteKey] = (KEY,),
        held: int = 10_000_000,
    ) -> None:
        self.clock, self.segment, self.letters, self.schemas = Clock(), Segment(), Letters(), Schemas()
        self.group = Group(self.clock)
        treater = Treater(self.translate, Policy(policy, unknown or policy))
        outbox = Outbox(keys, Capacity(EVENTS, 100_000, 20), random.Random(1))
        doors = cast(Any, Doors)(self.group, self.schemas, treater, outbox, self.segment, self.letters)
        lanes = Lanes(Shares(Limits(EVENTS, 50_000, 1000), held, linger=1.0))
        self.status = Status(0.0)
        self.loop = Loop(doors, lanes, self.status, 10.0, self.clock)
        self.group.subscribe(self.loop._open, self.loop._revoke, self.loop._lose)
        self.group.assign(range(partitions))

    def translate(self, message: Message) -> Translation:
        match message.value:
            case b"skip":
                return Skipped("no_user_id")
            case b"bad":
                return Unprocessable("undecodable", "decoding", "")
            case b"unknown schema" if self.schemas.pending:
                return Pending(7)
        return Call(message, KEY, b"{}")

    def turn(self, seconds: float = 0.0) -> None:
        self.clock.now += seconds
        self.loop.turn()
        assert self.status.latest().unaccounted == 0

    def settle(self) -> None:
        """Enough turns for what is due to leave, be accepted and be committed."""
        for _ in range(3):
            self.turn(2.0)
            while self.segment.under_way:
                self.segment.answer(Accepted())
            self.turn(2.0)


def test_an_offset_is_committed_only_when_it_is_settled() -> None:
    world = World()
    world.group.give(0, b"a", b"b", start=5)
    world.turn(0)
    world.turn(2)
    assert world.group.committed == {0: 5}
    world.segment.answer(Accepted())
    world.turn(2)
    assert world.group.committed == {0: 7}
    assert world.status.counts.delivered == 2


def test_nothing_leaves_before_its_linger_and_a_full_batch_leaves_at_once() -> None:
    world = World()
    world.group.give(0, *[b"a"] * (EVENTS - 1))
    world.turn(0.5)
    assert not world.segment.under_way
    world.group.give(0, b"a", start=EVENTS - 1)
    world.turn(0.1)
    assert len(world.segment.under_way) == 1


def test_lanes_that_are_full_of_bytes_share_a_request_as_well() -> None:
    world = World(partitions=2, held=2000)
    for partition in range(2):
        world.group.give(partition, *[b"a"] * (EVENTS // 2))
    world.turn(0)
    assert [len(request.bodies) for request in world.segment.under_way] == [EVENTS]


def test_quiet_partitions_cost_one_request_per_linger() -> None:
    world = World(partitions=96)
    for second in range(5):
        for partition in range(second % 2, 96, 12):
            world.group.give(partition, b"a", start=second)
        world.turn(0.4)
        world.turn(0.7)
        assert len(world.segment.under_way) == 1
        world.segment.answer(Accepted())
        world.turn(0)


def test_a_quiet_partition_gets_its_turn_while_more_are_backlogged_than_requests_may_be_under_way() -> None:
    world = World(partitions=4)
    world.segment.most = 2
    for partition in range(3):
        world.group.give(partition, *[b"a"] * (20 * EVENTS))
    world.group.give(3, b"quiet")
    world.turn(2)
    for _ in range(4):
        assert len(world.segment.under_way) == 2
        world.segment.answer(Accepted())
        world.turn(2)
    assert world.group.committed[3] == 1
    assert max(world.group.committed.values()) < 20 * EVENTS


def test_skips_need_no_request() -> None:
    world = World()
    world.group.give(0, b"skip", b"skip")
    world.settle()
    assert not world.segment.under_way
    assert world.group.committed == {0: 2}
    assert world.status.counts.skipped == {"no_user_id": 2}


def test_the_end_of_a_partition_is_committed_past_markers() -> None:
    world = World()
    world.group.give(0, b"a")
    world.group.reach(0, 3)
    world.settle()
    assert world.group.committed == {0: 3}


@pytest.mark.parametrize("again", [False, True], ids=["gone", "assigned again"])
def test_a_late_answer_after_a_revocation_counts_for_nothing(again: bool) -> None:
    world = World()
    world.group.give(0, b"a")
    world.turn(0)
    world.turn(2)
    late = world.segment.under_way.pop()
    world.loop._lose([0])
    if again:
        world.group.assign([0])
    world.segment.under_way.append(late)
    world.segment.answer(Accepted())
    world.turn(2)
    assert world.group.committed == {0: 0}
    assert world.status.counts.delivered == 0
    assert world.status.counts.handed_back == 1


def test_a_hand_over_waits_for_what_is_under_way_and_commits_it() -> None:
    world = World(partitions=2)
    world.group.give(0, b"a", b"b")
    world.turn(0)
    world.turn(2)
    world.group.give(0, b"c", start=2)
    world.turn(0)
    world.group.revoke([0])
    assert world.group.committed[0] == 2
    assert world.status.counts.handed_back == 1


def test_a_hand_over_starts_nothing_again() -> None:
    world = World()
    world.group.give(0, b"a")
    world.turn(0)
    world.turn(2)
    world.segment.at_hand_over = Retry("connect_error")
    world.group.revoke([0])
    assert not world.segment.under_way
    assert world.group.committed == {0: 0}


def test_an_offset_waits_for_its_dead_letter() -> None:
    world = World()
    world.group.give(0, b"a", b"bad", b"b")
    world.settle()
    assert world.group.committed == {0: 1}
    world.letters.confirm()
    world.turn(2)
    assert world.group.committed == {0: 3}
    assert world.status.counts.dead_lettered == {"undecodable": 1}


def test_a_dead_letter_that_is_too_large_holds_its_partition_alone() -> None:
    world = World(partitions=2)
    world.group.give(0, b"bad")
    world.settle()
    world.letters.refuse()
    world.group.give(0, b"a", start=1)
    world.group.give(1, b"a")
    world.settle()
    assert world.group.committed == {0: 0, 1: 1}
    assert world.status.latest().holding == {"dead_letter_too_large": 1}


def test_a_refused_event_is_found_in_its_company_and_set_aside_alone() -> None:
    world = World()
    world.group.give(0, *[b"a"] * EVENTS)
    world.turn(0)
    for _ in range(20):
        while world.segment.under_way:
            offsets = [call.message.offset for part in world.segment.under_way[0].parts for call in part.calls]
            world.segment.answer(Refused("http_400") if 6 in offsets else Accepted())
        world.turn(2)
    assert [letter.message.offset for letter in world.letters.open] == [6]
    assert world.status.counts.delivered == EVENTS - 1
    assert world.group.committed == {0: 6}
    world.letters.confirm()
    world.turn(2)
    assert world.group.committed == {0: EVENTS}


def test_the_policies_skip_and_hold() -> None:
    for policy, committed in (("skip", 3), ("block", 1)):
        world = World(policy=policy)
        world.group.give(0, b"a", b"bad", b"b")
        world.settle()
        assert world.group.committed == {0: committed}
        assert not world.letters.open


@pytest.mark.parametrize(("policy", "committed", "holding"), [("skip", 2, {}), ("block", 1, {"http_400": 1})])
def test_the_policies_skip_and_hold_what_segment_refuses(policy: str, committed: int, holding: Any) -> None:
    world = World(policy=policy)
    world.group.give(0, b"a", b"refused")
    world.turn()
    world.turn(2)
    for outcome in (Refused("http_400"), Accepted(), Refused("http_400")):  # the halves of a search
        world.segment.answer(outcome)
        world.turn(2)
    world.turn(2)
    assert not world.segment.under_way
    assert not world.letters.open
    assert world.group.committed == {0: committed}
    assert world.status.counts.skipped == ({"http_400": 1} if policy == "skip" else {})
    assert world.status.latest().holding == holding


def test_a_schema_that_is_looked_up_stops_its_lane_alone() -> None:
    world = World(partitions=2)
    world.group.give(0, b"a", b"unknown schema", b"b")
    world.group.give(1, b"a")
    world.settle()
    assert world.group.committed == {0: 1, 1: 1}
    assert not world.segment.under_way
    world.schemas.pending = False
    world.settle()
    assert world.group.committed == {0: 3, 1: 1}


def test_a_waiting_lane_does_not_make_the_others_leave_early() -> None:
    world = World(partitions=2)
    world.group.give(0, b"unknown schema")
    world.settle()
    world.group.give(1, b"a")
    world.turn(0.1)
    world.turn(0.1)
    assert not world.segment.under_way


def test_a_full_lane_is_not_read_until_it_has_room() -> None:
    world = World(partitions=2)
    world.group.give(0, *[b"a"] * 60)
    world.turn(0)
    assert world.group.paused == {0}
    while world.segment.under_way:
        world.segment.answer(Accepted())
        world.turn(0)
    world.turn(0)
    assert world.group.paused == set()
    world.settle()
    assert world.group.committed == {0: 60}


def test_records_lost_to_retention_are_counted() -> None:
    world = World()
    world.group.reset(Reset(0, expected=5, low=12, high=20, goes_on=True))
    world.turn()
    world.group.give(0, b"a", start=12)
    world.settle()
    assert world.status.counts.lost_to_retention == 7
    assert world.group.committed == {0: 13}


@pytest.mark.parametrize(("expected", "low", "lost"), [(-1, 5, 0), (0, 4, 4), (1, 4, 3), (4, 4, 0), (9, 4, 0)])
def test_how_many_are_lost_is_counted_and_said(
    expected: int, low: int, lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.group.reset(Reset(0, expected, low, high=20, goes_on=True))
    world.turn()
    said = [vars(it)["lost"] for it in caplog.records if "deleted before they were read" in it.message]
    assert (world.status.counts.lost_to_retention, said) == (lost, [lost] if lost else [])


@pytest.mark.parametrize(
    ("expected", "reason"), [(-1, "no_committed_offset"), (0, "offset_out_of_range"), (5, "offset_out_of_range")]
)
def test_with_the_policy_error_a_reset_holds_its_partition(expected: int, reason: str) -> None:
    world = World()
    world.group.reset(Reset(0, expected, low=12, high=20, goes_on=False))
    world.turn(0)
    assert world.status.latest().holding == {reason: 1}
    assert not world.group.committed


def test_commits_go_out_once_a_second_and_a_hand_over_waits_for_its_own() -> None:
    world = World()
    world.group.give(0, b"a")
    for expected in ([False], [False], [False, False], [False, False]):
        world.turn(0.5)
        assert world.group.commit_waits == expected
    assert not world.status.latest().handing_over
    world.group.revoke([0])
    assert world.group.commit_waits[-1]


@pytest.mark.parametrize(("start", "again"), [(2, False), (7, False), (1, True), (0, True)])
def test_offsets_that_go_back_are_those_of_a_topic_made_again_and_gaps_are_not(start: int, again: bool) -> None:
    world = World()
    world.group.give(0, b"a", b"b")
    world.turn(0)
    world.group.give(0, b"c", b"d", b"e", start=start)
    world.turn(0)
    assert world.status.counts.handed_back == (2 if again else 0)
    assert world.loop._lanes[0].waiting == (3 if again else 5)


def test_what_waits_of_a_topic_that_is_no_more_is_dropped() -> None:
    world = World()
    world.group.give(0, b"a", b"b")
    world.turn(0)
    world.group.remake(0)
    world.turn(0)
    assert world.status.counts.handed_back == 2
    world.settle()
    assert world.status.counts.delivered == 0


def test_a_hand_over_is_told_while_it_lasts_and_no_longer() -> None:
    world = World(partitions=2)
    world.group.give(0, b"a")
    world.turn(0)
    world.turn(2)
    told: list[bool] = []

    def answered(timeout: float = 0) -> Sequence[tuple[Request, Outcome]]:
        told.append(world.status.latest().handing_over)
        return Segment.answered(world.segment, timeout)

    world.segment.answered = answered  # type: ignore[method-assign]
    world.group.revoke([0])
    world.turn(2)
    assert told[0]
    assert not world.status.latest().handing_over


def test_a_turn_waits_for_no_letter_and_a_hand_over_for_it_alone() -> None:
    world = World()
    world.group.give(0, b"bad", b"a")
    world.turn(0)
    world.turn(2)
    world.turn(2)
    assert set(world.letters.waits) == {0}
    world.letters.confirms_when_waited_for = True
    world.group.revoke([0])
    assert world.letters.waits[-1] == 0.05
    assert world.status.counts.dead_lettered == {"undecodable": 1}


def test_a_batch_that_cannot_be_unpacked_is_a_hold_until_it_can(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.group.give(0, b"a", b"b")
    world.turn(0)
    for _ in range(3):
        world.group.fail_to_unpack(0)
        world.turn(0)
    assert world.status.latest().holding == {"unreadable_batch": 1}
    (said,) = [record for record in caplog.records if "partition blocked" in record.message]
    assert (vars(said)["partition"], vars(said)["offset"], vars(said)["reason"]) == (0, 2, "unreadable_batch")
    world.settle()
    assert world.group.committed == {0: 2}
    world.group.give(0, b"c", start=2)
    world.turn(0)
    assert not world.status.latest().holding
    world.group.fail_to_unpack(0)
    world.turn(0)
    world.group.reach(0, 9)
    world.turn(0)
    assert not world.status.latest().holding


def test_a_topic_made_again_is_read_from_its_start() -> None:
    world = World()
    world.group.give(0, b"a", b"b", start=100)
    world.settle()
    world.group.give(0, b"c", start=102)  # read, and of a topic that is no more
    world.group.remake(0)
    world.turn()
    world.group.give(0, b"a", start=0)
    world.settle()
    assert world.group.committed == {0: 1}
    assert world.status.counts.handed_back == 1


def test_an_offset_below_the_last_is_a_topic_made_again() -> None:
    """As told by a broker without topic ids."""
    world = World()
    world.group.give(0, b"a", b"b", start=100)
    world.settle()
    world.group.give(0, b"a", start=0)
    world.settle()
    assert world.group.committed == {0: 1}


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_reset_to_less_than_what_was_read_is_a_topic_made_again(goes_on: bool) -> None:
    """Else the old topic's last offset could be committed as the new one's, whose records would be passed over."""
    world = World()
    world.group.give(0, b"a", b"b", start=1000)
    world.turn(2)
    world.group.reset(Reset(0, expected=1000, low=0, high=0, goes_on=goes_on))
    world.turn(0)
    world.segment.answer(Accepted())
    world.group.reach(0, 0)
    world.turn(2)
    assert 1002 not in world.group.committed.values()
    assert world.status.counts.lost_to_retention == 0
    assert world.status.latest().holding == ({} if goes_on else {"offset_out_of_range": 1})


def test_nothing_is_kept_of_a_partition_that_is_lost() -> None:
    """While its key may not send, nobody looks at the parts that wait."""
    world = World()
    world.group.give(0, b"a", b"b")
    world.turn(2)
    world.segment.answer(Retry("http_429", 300.0, throttled=True))
    world.turn(0)
    world.loop._lose([0])
    (queue,) = world.loop._outbox._queues.values()
    assert not queue.parts


def test_records_of_a_partition_that_is_not_ours_are_nobodys_business() -> None:
    world = World()
    world.group.give(7, b"a")
    world.settle()
    assert not world.group.committed
    assert world.status.counts.consumed == 0


def test_a_hand_over_does_not_wait_for_a_letter_that_is_never_taken() -> None:
    world = World()
    world.group.give(0, b"bad")
    world.settle()
    world.letters.refuse()
    world.turn()
    world.group.revoke([0])  # with a clock that stands still, waiting would never end
    assert world.group.committed == {0: 0}


@pytest.mark.parametrize("high", [12, 20])
def test_what_was_read_before_a_reset_is_not_lost(high: int) -> None:
    world = World()
    world.group.give(0, b"a", b"b", start=10)
    world.group.reset(Reset(0, expected=5, low=12, high=high, goes_on=True))
    world.settle()
    assert world.status.counts.lost_to_retention == world.status.counts.handed_back == 0
    assert world.status.counts.delivered == 2


@pytest.mark.parametrize("again", [False, True], ids=["gone", "assigned again"])
def test_a_late_confirmation_after_a_revocation_counts_for_nothing(again: bool) -> None:
    world = World()
    world.group.give(0, b"bad")
    world.settle()
    world.loop._lose([0])
    if again:
        world.group.assign([0])
    world.letters.confirm()
    world.turn(2)
    assert world.status.counts.dead_lettered.total() == 0
    assert world.status.counts.handed_back == 1


def test_a_revocation_at_the_very_end_hands_nothing_over_again() -> None:
    world = World()
    world.group.give(0, b"a")
    world.turn(0)
    world.turn(2)
    world.loop._drop([0])
    world.group.revoke([0])
    assert len(world.segment.under_way) == 1  # nobody waited for it
    assert world.group.committed == {0: 0}


def test_a_hand_over_commits_even_if_the_dead_letters_cannot_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.group.give(0, b"a", b"bad")
    world.turn(0)
    world.turn(2)
    world.segment.answer(Accepted())

    def fail(now: float, wait: float = 0) -> Reports:
        raise ServiceError("the producer of dead letters cannot go on")

    monkeypatch.setattr(world.letters, "advance", fail)
    with pytest.raises(ServiceError):
        world.group.revoke([0])
    assert world.group.committed == {0: 1}
