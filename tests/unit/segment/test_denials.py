"""A 403 and its like: whether the key or the content is denied, which event it is, and when nothing is rejected."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import pytest

from consumer.model import Accepted, BatchRequest, Chunk, Misconfigured, Outcome, Refused, Retry
from consumer.pipeline.batch import BatchLimits
from consumer.pipeline.open_chunks import OpenChunks
from consumer.pipeline.rejections import RejectionLimits
from consumer.segment.bisection import ChunkPassed, ChunkRejected, ChunkReturned, ChunkSettled, ChunkSplit
from consumer.segment.denials import CONFIRMATIONS
from consumer.segment.send_queue import SendQueue
from tests.unit.segment.queues import KEY, LIMITS, answered, breaker_of, chunk_of, denied, history_of, queue_of, sent

DENIED = Misconfigured("http_403")
BATCH_LIMITS = BatchLimits(10, 1000, RejectionLimits(1000))
Peer = Callable[[BatchRequest], Outcome]


class Partitions:
    """The chunks of some partitions, sent through a queue as the dispatcher does it; time passes while nothing is."""

    def __init__(self, *chunks: Chunk) -> None:
        self.queue, self.chunks = queue_of(), defaultdict[int, OpenChunks](OpenChunks)
        self.now = 0.0
        self.accepted: list[tuple[int, int]] = []
        self.rejected: list[tuple[int, int]] = []
        self.reasons: set[str] = set()
        self.returned = 0
        for chunk in chunks:
            self.add(chunk)

    def add(self, chunk: Chunk) -> None:
        if self.chunks[chunk.partition].append(chunk, BATCH_LIMITS):
            self.queue.put(chunk)

    def run(self, peer: Peer, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            request = self.queue.next_request(self.now)
            if request is None:
                self.now += 0.05
                continue
            self.now += 0.02
            outcome = peer(request)
            if outcome == Accepted():
                self.accepted += [tuple(event.record.address) for chunk in request.chunks for event in chunk.events]  # type: ignore[misc]
            for decision in self.queue.decide(request, outcome, self.now):
                self._apply(decision)

    def _apply(self, decision: object) -> None:
        following = None
        match decision:
            case ChunkSettled(chunk):
                following = self.chunks[chunk.partition].remove(chunk)
            case ChunkSplit(chunk, halves):
                self.chunks[chunk.partition].split(chunk, halves)
                following = halves[0]
            case ChunkPassed(chunk):
                following = self.chunks[chunk.partition].pass_over(chunk)
            case ChunkReturned(chunk):
                self.returned += 1
                following = self.chunks[chunk.partition].return_passed(chunk.key)
            case ChunkRejected(chunk, reason, _):
                self.rejected.append(tuple(chunk.events[0].record.address))  # type: ignore[arg-type]
                self.reasons.add(reason)
                following = self.chunks[chunk.partition].remove(chunk)
        if following is not None:
            self.queue.put(following)


def firewall(*addresses: tuple[int, int], denial: Outcome = DENIED) -> Peer:
    """Denies these events, and passes everything else."""

    def respond(request: BatchRequest) -> Outcome:
        sent_addresses = {tuple(event.record.address) for chunk in request.chunks for event in chunk.events}
        return denial if sent_addresses & {*addresses} else Accepted()

    return respond


def key_is_wrong(_request: BatchRequest) -> Outcome:
    return DENIED


def events_are_denied(request: BatchRequest) -> Outcome:
    return DENIED if request.chunks else Accepted()


def all_of(partitions: Iterable[int], count: int) -> set[tuple[int, int]]:
    return {(partition, offset) for partition in partitions for offset in range(count)}


@pytest.mark.parametrize("status", [401, 403, 404, 406, 302, 451])
@pytest.mark.parametrize("place", [0, 3, 9])
@pytest.mark.parametrize("partitions", [1, 4])
def test_one_denied_event_is_found_within_seconds_and_the_others_are_delivered_in_order(
    partitions: int, place: int, status: int
) -> None:
    world = Partitions(*(chunk_of(10, partition) for partition in range(partitions)))
    world.run(firewall((0, place), denial=Misconfigured(f"http_{status}")), 10)
    assert world.rejected == [(0, place)]
    assert world.reasons == {f"denied_http_{status}"}
    assert len(world.accepted) == len({*world.accepted})
    assert {*world.accepted} == all_of(range(partitions), 10) - {(0, place)}
    assert [offset for partition, offset in world.accepted if not partition] == [n for n in range(10) if n != place]
    assert not breaker_of(world.queue).block_reason


@pytest.mark.parametrize("places", [{(0, 0), (0, 1)}, {(0, 4), (0, 5)}, {(0, 0), (1, 0)}, {(0, 2), (1, 7)}], ids=str)
def test_two_denied_events_are_found(places: set[tuple[int, int]]) -> None:
    world = Partitions(chunk_of(10, 0), chunk_of(10, 1))
    world.run(firewall(*places), 20)
    assert {*world.rejected} == places
    assert {*world.accepted} == all_of(range(2), 10) - places


def test_a_wrong_key_blocks_rejects_nothing_and_splits_nothing() -> None:
    world = Partitions(chunk_of(10, 0), chunk_of(10, 1))
    world.run(key_is_wrong, 600)
    assert (world.accepted, world.rejected) == ([], [])
    assert breaker_of(world.queue).block_reason == "http_403"
    assert world.queue.statuses[KEY].records == [(0, 0), (1, 0)]
    world.run(firewall(), 70)
    assert {*world.accepted} == all_of(range(2), 10)
    assert len([*world.chunks[0]]) == len([*world.chunks[1]]) == 0


def test_if_all_events_are_denied_nothing_is_rejected_and_all_are_delivered_in_order_later() -> None:
    """A request without events passes, so the key is right; but no event shows that others are accepted."""
    world = Partitions(chunk_of(10, 0))
    world.run(events_are_denied, 300)
    assert (world.accepted, world.rejected) == ([], [])
    assert breaker_of(world.queue).block_reason == "http_403"
    assert (0, 0) in world.queue.statuses[KEY].records
    world.run(firewall(), 30)
    assert world.accepted == [(0, offset) for offset in range(10)]
    assert not world.rejected


def test_a_denied_event_with_nothing_else_to_send_is_named_and_decided_when_another_arrives() -> None:
    world = Partitions(chunk_of(1, 0))
    world.run(firewall((0, 0)), 300)
    assert (world.accepted, world.rejected) == ([], [])
    assert breaker_of(world.queue).block_reason == "http_403"
    assert world.queue.statuses[KEY].records == [(0, 0)]
    assert world.queue.stalled(world.now) == {KEY}  # so that the next batch is opened behind it
    world.add(chunk_of(1, 0, start=1))
    world.run(firewall((0, 0)), 10)
    assert (world.accepted, world.rejected) == ([(0, 1)], [(0, 0)])
    assert not breaker_of(world.queue).block_reason


def test_an_event_of_another_partition_decides_as_well() -> None:
    world = Partitions(chunk_of(1, 0))
    world.run(firewall((0, 0)), 20)
    assert not world.rejected
    world.add(chunk_of(1, 1))
    world.run(firewall((0, 0)), 10)
    assert (world.accepted, world.rejected) == ([(1, 0)], [(0, 0)])


def test_the_key_stays_blocked_while_a_denied_event_is_passed_and_what_is_behind_it_is_refused() -> None:
    """The chunk behind it is denied once, then refused: nothing is left to send, and nothing was accepted."""
    world = Partitions(chunk_of(1, 0), chunk_of(1, 0, start=1))
    denials_behind = [DENIED]

    def respond(request: BatchRequest) -> Outcome:
        if not request.chunks:
            return Accepted()
        if request.chunks[0].events[0].record.offset == 0:
            return DENIED
        return denials_behind.pop() if denials_behind else Refused("http_400")

    world.run(respond, 60)
    assert (world.accepted, world.rejected) == ([], [(0, 1)])
    assert breaker_of(world.queue).block_reason == "http_403"
    assert world.queue.statuses[KEY].records == [(0, 0)]
    assert world.queue.stalled(world.now) == {KEY}  # so that the next batch is opened behind it
    world.run(firewall(), 70)
    assert (world.accepted, world.rejected) == ([(0, 0)], [(0, 1)]), "the rule is gone, and the event is tried again"
    assert not breaker_of(world.queue).block_reason


def test_a_denied_event_is_not_sent_again_when_the_event_behind_it_is_accepted() -> None:
    world = Partitions(chunk_of(1, 0), chunk_of(1, 0, start=1))
    world.run(firewall((0, 0)), 60)
    assert (world.accepted, world.rejected) == ([(0, 1)], [(0, 0)])
    assert not [*world.chunks[0]]
    assert not world.queue._deliveries


def test_a_partition_of_denied_events_does_not_end_the_search_in_another() -> None:
    """All that is accepted is behind a denied event, in a partition that comes when the other one is searched."""
    world = Partitions(chunk_of(10, 0))
    world.run(events_are_denied, 300)
    world.add(chunk_of(2, 1))
    world.run(lambda request: firewall((1, 0), *all_of([0], 10))(request) if request.chunks else Accepted(), 120)
    assert world.accepted == [(1, 1)]
    assert (1, 0) in world.rejected


def test_a_partition_that_comes_back_is_searched_again() -> None:
    world = Partitions(chunk_of(10, 0))
    world.run(events_are_denied, 300)
    world.queue.forget({0})
    del world.chunks[0]
    world.add(chunk_of(2, 0, start=10))
    world.run(firewall((0, 10)), 30)
    assert (world.accepted, world.rejected) == ([(0, 11)], [(0, 10)])


def test_events_that_were_passed_in_vain_are_confirmed_anew_before_one_is_rejected() -> None:
    """Nothing is accepted in the search of a partition. When it ended, events of another partition are."""
    world = Partitions(chunk_of(10, 0))
    while not world.returned:
        world.run(events_are_denied, 0.01)
    denied_offsets: list[int] = []

    def respond(request: BatchRequest) -> Outcome:
        if not request.chunks or request.chunks[0].partition:
            return Accepted()
        denied_offsets.append(request.chunks[0].events[0].record.offset)
        return DENIED

    for start in range(60):
        world.add(chunk_of(1, 1, start=start))
        if not world.rejected:
            world.run(respond, 0.2)
    assert world.rejected == [(0, 0)]
    assert denied_offsets.count(0) == CONFIRMATIONS


def test_a_chunk_that_was_returned_is_forgotten_when_it_grows() -> None:
    world = Partitions(chunk_of(1, 0))
    for start in range(1, 6):
        world.add(chunk_of(1, 0, start=start))
        world.run(events_are_denied, 20)
    assert world.returned
    for start in range(6, 9):
        world.add(chunk_of(1, 0, start=start))
    assert {*world.queue._deliveries} <= {*world.chunks[0]}


def test_a_denied_event_that_is_accepted_later_is_delivered_and_not_rejected() -> None:
    """A rule that came and went."""
    world = Partitions(chunk_of(10, 0))
    world.run(firewall((0, 5)), 0.3)
    world.run(firewall(), 10)
    assert world.accepted == [(0, offset) for offset in range(10)]
    assert not world.rejected


def test_if_a_tenth_is_denied_the_rest_is_delivered() -> None:
    places = {(partition, offset) for partition in range(4) for offset in range(0, 100, 10)}
    world = Partitions(*(chunk_of(10, partition) for partition in range(4)))
    for start in range(10, 100, 10):
        for partition in range(4):
            world.add(chunk_of(10, partition, start=start))
    world.run(firewall(*places), 200)
    assert {*world.rejected} == places
    assert {*world.accepted} == all_of(range(4), 100) - places


def test_all_events_of_one_partition_are_rejected_while_others_pass() -> None:
    world = Partitions(chunk_of(10, 0))

    def respond(request: BatchRequest) -> Outcome:
        return DENIED if any(chunk.partition == 0 for chunk in request.chunks) else Accepted()

    for start in range(60):
        world.add(chunk_of(1, 1, start=start))
        world.run(respond, 1)
    assert world.rejected == [(0, offset) for offset in range(10)]


def test_an_event_that_a_part_of_the_path_denies_a_few_times_is_delivered() -> None:
    """One of two nodes denies everything, and the event meets it four times in a row, within seconds."""
    world = Partitions(chunk_of(1, 0))
    denials = [DENIED] * 4

    def respond(request: BatchRequest) -> Outcome:
        return denials.pop() if request.chunks and not request.chunks[0].partition and denials else Accepted()

    for start in range(30):
        world.add(chunk_of(1, 1, start=start))
        world.run(respond, 0.2)
    assert (0, 0) in world.accepted
    assert not world.rejected


def test_a_firewall_that_denies_large_requests_gets_small_ones() -> None:
    world = Partitions(chunk_of(10, 0))
    world.run(lambda request: DENIED if sum(len(chunk.events) for chunk in request.chunks) > 3 else Accepted(), 10)
    assert world.accepted == [(0, offset) for offset in range(10)]


SAYS_NOTHING = [Retry("http_503"), Retry("http_429", 1.0, throttled=True), Retry("timeout")]


@pytest.mark.parametrize("outcome", SAYS_NOTHING)
def test_an_answer_that_says_nothing_leaves_the_question_open(outcome: Outcome) -> None:
    queue = queue_of(chunk_of(2))
    assert answered(queue, DENIED) == []
    control = sent(queue)
    assert not control.chunks
    assert queue.decide(control, outcome, 0) == []
    assert len(sent(queue, 5).chunks) == 1


@pytest.mark.parametrize("outcome", SAYS_NOTHING)
def test_a_key_whose_denial_is_never_explained_is_blocked_and_tried_until_it_is_right(outcome: Outcome) -> None:
    world = Partitions(chunk_of(2))
    world.run(lambda request: DENIED if request.chunks else outcome, 600)
    assert (world.accepted, world.rejected) == ([], [])
    assert breaker_of(world.queue).block_reason == "http_403"
    assert world.queue.statuses[KEY].records == [(0, 0)]
    world.run(firewall(), 70)
    assert world.accepted == [(0, 0), (0, 1)]
    assert not breaker_of(world.queue).block_reason


@pytest.mark.parametrize("control", [Accepted(), Refused("http_400")])
def test_a_request_without_events_that_is_not_denied_shows_that_the_key_is_right(control: Outcome) -> None:
    queue = queue_of(chunk_of(2))
    answered(queue, DENIED)
    (split,) = answered(queue, control)
    assert isinstance(split, ChunkSplit)
    assert not breaker_of(queue).block_reason


def test_a_denied_chunk_that_is_forgotten_is_asked_about_no_more() -> None:
    queue = queue_of(chunk_of(2))
    answered(queue, DENIED)
    queue.forget({0})
    assert queue.next_request(100) is None
    queue.put(chunk_of(1, 0, start=5))
    assert len(sent(queue, 100).chunks) == 1


def test_a_chunk_that_is_forgotten_while_it_is_asked_about_is_neither_sent_nor_decided() -> None:
    queue: SendQueue = queue_of(chunk_of(2))
    answered(queue, DENIED)
    control = sent(queue)
    queue.forget({0})
    assert queue.decide(control, Accepted(), 0) == []
    assert queue.next_request(100) is None


def test_denied_events_in_a_row_block_the_key_at_the_limit() -> None:
    """Events were accepted in the search, and then all are denied: a rule that came meanwhile."""
    queue = queue_of(chunk_of(1))
    breaker_of(queue).consecutive_refusals = LIMITS.consecutive_refusals
    chunk = next(iter(queue._deliveries))
    history = history_of(queue, chunk)
    history.denials, history.denied_since, history.is_alone = CONFIRMATIONS - 1, -5.0, True
    breaker_of(queue).accepted_at = -1.0
    assert answered(queue, DENIED) == []
    assert answered(queue, Accepted()) == []
    assert breaker_of(queue).block_reason == "everything_refused"


def test_a_key_that_was_revoked_is_not_taken_for_content() -> None:
    queue = queue_of(chunk_of(3))
    assert answered(queue, Accepted())
    queue.put(chunk_of(3, start=3))
    assert denied(queue, "http_401", 10) == []
    assert breaker_of(queue).block_reason == "http_401"
