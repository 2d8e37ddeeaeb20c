"""The outbox: which parts share a request, when the next may go, and what an answer does to each part."""

import random
from collections.abc import Sequence

import pytest

from consumer.model import Call, Message, WriteKey
from consumer.request import Accepted, Fate, Misconfigured, Outcome, Part, Refused, Request, Retry, Verdict
from consumer.segment.send_queue import STUCK_AFTER, Capacity, Outbox

KEY, OTHER = WriteKey("production", "k" * 32), WriteKey("development", "d" * 32)
CAPACITY = Capacity(events=10, size=1000, refusals=3)


def part(count: int, partition: int = 0, key: WriteKey = KEY, size: int = 10, start: int = 0) -> Part:
    calls = [Call(Message(partition, start + i, 0, None, b"", ()), key, b"x" * size) for i in range(count)]
    return Part(partition, key, tuple(calls))


def outbox(*parts: Part, capacity: Capacity = CAPACITY) -> Outbox:
    made = Outbox([KEY, OTHER], capacity, random.Random(1))
    for one in parts:
        made.put(one)
    return made


def sent(box: Outbox, now: float = 0.0) -> Request:
    request = box.next(now)
    assert request is not None
    return request


def answered(box: Outbox, outcome: Outcome, now: float = 0.0) -> Sequence[Verdict]:
    """Send the next request and judge its answer, both at `now`."""
    return list(box.judge(sent(box, now), outcome, now))


def next_at(box: Outbox, after: float, step: float = 0.01, within: float = 400.0) -> float:
    """When, after `after`, the outbox would send something again."""
    now = after
    while (request := box.next(now)) is None:
        now += step
        assert now < after + within
    list(box.judge(request, Retry("connect_error"), now))
    return now - after


def test_parts_of_one_key_share_a_request_as_far_as_they_fit() -> None:
    a, b, c = part(4, 0), part(5, 1), part(3, 2)
    box = outbox(a, b, c)
    assert sent(box).parts == (a, b)
    assert sent(box).parts == (c,)
    assert box.next(0) is None


def test_a_body_never_exceeds_its_bytes() -> None:
    a, b = part(1, 0, size=500), part(1, 1, size=450)
    assert sent(outbox(a, b)).parts == (a,)  # what surrounds the calls counts as well


def test_keys_never_share_a_request_and_take_turns() -> None:
    parts = [part(6, i, key) for i, key in enumerate([KEY, KEY, OTHER, OTHER])]
    box = outbox(*parts)
    assert [sent(box).key for _ in range(4)] == [KEY, OTHER, KEY, OTHER]


def test_only_full_requests_go_when_only_those_are_wanted() -> None:
    box = outbox(part(4, 0))
    assert box.next(0, full_only=True) is None
    box.put(part(7, 1))
    assert box.next(0, full_only=True) is not None
    assert box.next(0, full_only=True) is None


def test_revoked_parts_are_neither_sent_nor_judged() -> None:
    a, b = part(1, 0), part(1, 1)
    box = outbox(a, b)
    a.revoked = True
    box.forget_revoked()
    request = sent(box)
    assert request.parts == (b,)
    b.revoked = True
    assert list(box.judge(request, Accepted(), 0)) == []
    assert box.next(0) is None


def test_an_acceptance_settles_each_part() -> None:
    a, b = part(1, 0), part(1, 1)
    assert answered(outbox(a, b), Accepted()) == [Verdict(a, Fate.SETTLED), Verdict(b, Fate.SETTLED)]


def test_a_refusal_is_split_by_lane_then_in_halves_then_set_aside() -> None:
    a, b = part(2, 0), part(1, 1)
    box = outbox(a, b)
    assert answered(box, Refused("http_400")) == []
    assert answered(box, Refused("http_400")) == [Verdict(a, Fate.SPLIT)]
    assert answered(box, Refused("http_400")) == [Verdict(b, Fate.ASIDE, "http_400")]


def test_everything_refused_holds_and_sets_aside_no_more_than_the_limit() -> None:
    box = outbox(*(part(1, i) for i in range(5)))
    asides = 0
    now = 0.0
    for _ in range(40):
        now += 100
        if request := box.next(now):
            asides += len(list(box.judge(request, Refused("http_400"), now)))
    assert asides == CAPACITY.refusals
    assert box.paces[KEY].holding == "everything_refused"


def test_an_acceptance_between_refusals_starts_the_count_anew() -> None:
    box = outbox()
    for i in range(3 * CAPACITY.refusals):
        box.put(part(1, i))
        assert answered(box, Accepted() if i % 3 == 2 else Refused("http_400"))
    assert not box.paces[KEY].holding


def test_failures_back_off_from_half_a_second_to_a_minute() -> None:
    box = outbox(part(1))
    answered(box, Retry("connect_error"))
    waits, now = [], 0.0
    for _ in range(10):
        waits.append(next_at(box, now))
        now += waits[-1]
    assert 0.5 <= waits[0] <= 0.76
    assert 1.0 <= waits[1] <= 1.51
    assert all(wait <= 60.01 for wait in waits)
    assert waits[-1] > 59


def test_requests_that_fail_together_count_as_one_failure() -> None:
    box = outbox(*(part(10, i) for i in range(8)))
    requests = [sent(box) for _ in range(8)]
    for request in requests:
        list(box.judge(request, Retry("connect_error"), 1.0))
    assert box.paces[KEY].failures == 1


def test_while_a_key_fails_one_request_at_a_time_finds_out() -> None:
    box = outbox(*(part(10, i) for i in range(3)))
    answered(box, Retry("http_500"))
    probe = sent(box, 10)
    assert box.next(10) is None
    list(box.judge(probe, Accepted(), 10))
    assert box.next(10) is not None


def test_a_throttle_is_obeyed_by_all_requests_of_its_key_and_by_no_other() -> None:
    box = outbox(part(10, 0), part(10, 1), part(10, 2, OTHER))
    answered(box, Retry("http_429", 30.0, throttled=True))
    assert sent(box).key == OTHER
    assert box.next(29.9) is None
    assert sent(box, 30).key == KEY
    assert sent(box, 30).key == KEY


def test_throttles_without_a_wait_are_waited_out_longer_each_time_until_one_is_accepted() -> None:
    box, throttle = outbox(part(1, 0)), Retry("http_429", throttled=True)
    waits, now = [], 0.0
    for _ in range(9):
        answered(box, throttle, now)
        waits.append(box.paces[KEY].waits_until - now)
        now += waits[-1]
    assert all(0.5 * 2**i <= wait <= 0.75 * 2**i for i, wait in enumerate(waits[:7]))
    assert waits[7:] == [60, 60]
    answered(box, Accepted(), now)
    box.put(part(1, 0))
    answered(box, throttle, now)
    assert box.paces[KEY].waits_until - now <= 0.75


def test_throttles_of_requests_under_way_together_count_as_one() -> None:
    box = outbox(part(10, 0), part(10, 1), part(10, 2))
    for request in [sent(box), sent(box), sent(box)]:
        list(box.judge(request, Retry("http_429", throttled=True), 1))
    assert box.paces[KEY].waits_until <= 1.75


def test_a_throttle_that_began_before_an_acceptance_is_waited_out_as_well() -> None:
    box = outbox(part(10, 0), part(10, 1), part(10, 2))
    requests = [sent(box), sent(box), sent(box)]
    list(box.judge(requests[0], Retry("http_429", throttled=True), 1))
    list(box.judge(requests[1], Accepted(), 1))
    list(box.judge(requests[2], Retry("http_429", throttled=True), 1))
    assert box.paces[KEY].throttles == 1
    assert box.paces[KEY].waits_until >= 1.5


def test_a_part_that_failed_often_makes_no_throttle_longer_for_its_key() -> None:
    worn = part(1, 0)
    worn.attempts = 9
    box = outbox(worn, part(1, 1))
    answered(box, Retry("http_429", throttled=True))
    assert box.paces[KEY].waits_until <= 0.75


def test_an_acceptance_does_not_cut_a_throttle_short() -> None:
    box = outbox(part(10, 0), part(10, 1), part(10, 2))
    first, second = sent(box), sent(box)
    list(box.judge(first, Retry("http_429", 30.0, throttled=True), 0))
    list(box.judge(second, Accepted(), 0))
    assert box.next(29) is None


def test_a_hold_probes_with_one_part_of_alternating_lanes() -> None:
    a, b = part(1, 0), part(1, 1)
    box = outbox(a, b)
    assert answered(box, Misconfigured("http_401")) == []
    assert box.paces[KEY].holding == "http_401"
    assert sent_parts(box, 100, Misconfigured("http_401")) == (a,)
    assert sent_parts(box, 200, Misconfigured("http_401")) == (b,)
    assert sent_parts(box, 300, Accepted()) == (a,)
    assert not box.paces[KEY].holding


def sent_parts(box: Outbox, now: float, outcome: Outcome) -> tuple[Part, ...]:
    request = sent(box, now)
    list(box.judge(request, outcome, now))
    return request.parts


def test_a_key_that_holds_does_not_stop_the_other() -> None:
    box = outbox(part(1, 0), part(1, 1, OTHER))
    answered(box, Misconfigured("http_401"))
    assert sent(box).key == OTHER


@pytest.mark.parametrize(
    "outcome", [Retry("http_429", 30.0, throttled=True), Retry("read_error"), Misconfigured("http_401")]
)
def test_a_key_stalls_until_it_is_accepted_or_may_go_again(outcome: Outcome) -> None:
    box = outbox(part(1, 0))
    assert box.stalled(0) == frozenset()
    answered(box, outcome)
    assert box.stalled(1) == {KEY}
    answered(box, Accepted(), 100)
    assert box.stalled(100) == frozenset()


def test_there_is_nothing_to_go_on_with_once_all_keys_stall() -> None:
    box = outbox(part(1, 0), part(1, 0, OTHER))
    answered(box, Retry("read_error"))
    answered(box, Retry("read_error"))
    assert box.stalled(0) == frozenset()


def test_repeats_say_how_often() -> None:
    box = outbox(part(1))
    assert sent_parts(box, 0, Retry("http_500"))
    assert sent(box, 10).attempts == 1


def test_a_rate_is_kept() -> None:
    box = outbox(*(part(10, i) for i in range(3)), capacity=Capacity(10, 1000, 3, rate=5))
    assert box.next(0) is not None
    assert box.next(1.9) is None
    assert box.next(2.0) is not None
    assert box.next(3.9) is None


@pytest.mark.parametrize(
    "outcome", [Retry("http_500"), Misconfigured("http_403"), Retry("read_error")], ids=["500", "403", "reset"]
)
def test_a_fault_that_sticks_to_one_part_is_taken_for_its_own_after_its_time(outcome: Outcome) -> None:
    bad = part(2, 0)
    box = outbox(bad)
    verdicts: list[Verdict] = []
    now, tries = 0.0, 0
    while not verdicts:
        now += 0.25
        box.put(part(1, 1, start=int(now * 4)))
        while request := box.next(now):
            if bad in request.parts:
                tries += 1
                verdicts = list(box.judge(request, outcome, now))
            else:
                assert all(verdict.fate is Fate.SETTLED for verdict in box.judge(request, Accepted(), now))
        assert now < 2 * STUCK_AFTER
    assert verdicts == [Verdict(bad, Fate.SPLIT)]
    assert STUCK_AFTER <= now <= STUCK_AFTER + 70
    assert tries < 40
    assert not box.paces[KEY].holding


def test_a_part_that_fails_alone_waits_twice_as_long_each_time_from_half_a_second() -> None:
    bad = part(2, 0)
    box, now, waits = outbox(bad), 0.0, list[float]()
    while len(waits) < 4:
        now += 0.01
        box.put(part(1, 1))
        while request := box.next(now):
            struck = bad in request.parts
            list(box.judge(request, Retry("http_500") if struck else Accepted(), now))
            if struck and bad.strikes:
                waits.append(bad.not_before - now)
    assert all(0.5 * 2**number <= wait <= 0.75 * 2**number for number, wait in enumerate(waits))


def test_the_time_of_an_outage_counts_for_no_part() -> None:
    """Two failures among successes, with an outage in between, are not a quarter of an hour of them."""
    bad, good = part(1, 0), part(1, 1)
    box = outbox(bad)
    first = sent(box)
    box.put(good)
    other = sent(box)
    assert list(box.judge(first, Retry("http_503"), 10)) == []
    assert len(list(box.judge(other, Accepted(), 10.1))) == 1
    assert answered(box, Retry("http_503"), 20) == []
    assert (bad.strikes, bad.stuck_for) == (1, 10)
    now = 20.0
    while now < 20 + 2 * STUCK_AFTER:
        now += 60
        assert answered(box, Retry("connect_error"), now) == []
    box.put(part(1, 1))
    for _ in range(3):
        now += 100
        request = sent(box, now)
        verdicts = list(box.judge(request, Retry("http_503") if bad in request.parts else Accepted(), now))
        assert bad not in [verdict.part for verdict in verdicts]
    assert bad.strikes == 2
    assert bad.stuck_for <= 120


def test_an_outage_is_nobodys_own_fault() -> None:
    box = outbox(part(1, 0), part(1, 1))
    now = 0.0
    while now < 3 * STUCK_AFTER:
        now += 1
        if request := box.next(now):
            assert list(box.judge(request, Retry("connect_error"), now)) == []
    assert [len(answered(box, Accepted(), now + 61)) for _ in range(2)] == [1, 1]


def test_a_key_that_goes_on_failing_is_probed_with_one_lane_at_a_time() -> None:
    """Else an event with a fault of its own would always find the others in its request."""
    a, b = part(1, 0), part(1, 1)
    box = outbox(a, b)
    assert sent_parts(box, 0, Retry("http_500")) == (a, b)
    assert [sent_parts(box, now, Retry("http_500")) for now in (10, 100, 200, 300)] == [(a, b), (a,), (b,), (a,)]
