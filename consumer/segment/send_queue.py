"""The parts that wait to be sent, by write key: which go together, when, and what an answer means for each."""

import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from consumer.model import WriteKey
from consumer.request import Accepted, Fate, Misconfigured, Outcome, Part, Refused, Request, Retry, Verdict
from consumer.segment.body import overhead
from consumer.segment.circuit_breaker import LONGEST_WAIT, Pace, backoff

STUCK_AFTER = 900.0  # seconds that a part fails among others that do not, until the fault is taken for its own


@dataclass(frozen=True, slots=True)
class Capacity:
    """Of one request: events and bytes of body. `refusals` in a row are believed; `rate` in events a second or None."""

    events: int
    size: int
    refusals: int
    rate: float | None = None


@dataclass(slots=True)
class _Queue:
    pace: Pace
    room: int
    parts: deque[Part] = field(default_factory=deque)


class Outbox:
    """
    Every part that was put in and is not under way waits here; who revokes some lets those be forgotten.

    Of a lane and a key at most one part is here or under way (its lane sees to that), so any choice keeps the order.
    """

    def __init__(self, keys: Sequence[WriteKey], capacity: Capacity, jitter: random.Random) -> None:
        self._capacity = capacity
        self._jitter = jitter
        self._queues = {key: _Queue(Pace(jitter), capacity.size - overhead(key)) for key in keys}
        self._send_at = float("-inf")

    @property
    def paces(self) -> Mapping[WriteKey, Pace]:
        return {key: queue.pace for key, queue in self._queues.items()}

    def stalled(self, now: float) -> frozenset[WriteKey]:
        """Keys that lanes may go on past, as nothing is sent with them; none when no key is left to go on with."""
        stalled = frozenset(key for key, queue in self._queues.items() if queue.pace.stalls(now))
        return stalled if len(stalled) < len(self._queues) else frozenset()

    def put(self, part: Part) -> None:
        self._queues[part.key].parts.append(part)

    def forget_revoked(self) -> None:
        """Keep nothing of lanes that are gone."""
        for queue in self._queues.values():
            queue.parts = deque(part for part in queue.parts if not part.revoked)

    def next(self, now: float, full_only: bool = False) -> Request | None:
        """The next request that may go now, if any; with `full_only`, if no more would fit into it."""
        if now < self._send_at:
            return None
        for key, queue in self._queues.items():
            if queue.pace.may_send(now) and (parts := self._pick(queue, now, full_only)):
                self._queues[key] = self._queues.pop(key)  # the other keys come first next time
                return self._request(key, queue, parts, now)
        return None

    def could_send(self, partitions: set[int], now: float) -> bool:
        """Whether parts of these partitions wait for nothing but a free worker and the rate."""
        return any(
            part.partition in partitions and part.not_before <= now
            for queue in self._queues.values()
            if queue.pace.may_send(now)
            for part in queue.parts
        )

    def judge(self, request: Request, outcome: Outcome, now: float) -> Iterator[Verdict]:
        """The verdict on each part of an answered request; those without one are put back, or were revoked."""
        pace = self._queues[request.key].pace
        pace.under_way -= 1
        match outcome:
            case Accepted():
                pace.accepted(now)
                fates = [Verdict(part, Fate.SETTLED) for part in request.parts]
            case Refused(reason):
                fates = self._refused(request, pace, reason, now)
            case Retry(throttled=True, wait=wait):
                pace.throttled(wait, request.started_at, now)
                fates = []
            case Retry(reason) | Misconfigured(reason):
                fates = self._failed(request, outcome, reason, now)
        for part in request.parts:
            part.attempts += 1
        decided = {verdict.part for verdict in fates}
        self._queues[request.key].parts.extend(
            part for part in request.parts if part not in decided and not part.revoked
        )
        return (verdict for verdict in fates if not verdict.part.revoked)

    def _pick(self, queue: _Queue, now: float, full_only: bool) -> Sequence[Part]:
        """Parts that share a request: as many as fit, one alone where it is to be alone or the key is in doubt."""
        picked: list[Part] = []
        events = size = 0
        full = False
        for part in queue.parts:
            if part.not_before > now:
                continue
            if part.alone and not picked:
                return [part]
            fits = events + len(part.calls) <= self._capacity.events and size + part.size <= queue.room
            if part.alone or (picked and not fits):
                full = True
                continue
            picked.append(part)
            events += len(part.calls)
            size += part.size
            if queue.pace.is_in_doubt or events >= self._capacity.events:
                return picked
        return picked if full or not full_only else []

    def _request(self, key: WriteKey, queue: _Queue, parts: Sequence[Part], now: float) -> Request:
        chosen = set(parts)
        queue.parts = deque(part for part in queue.parts if part not in chosen)
        queue.pace.under_way += 1
        if self._capacity.rate:
            events = sum(len(part.calls) for part in parts)
            self._send_at = max(now, self._send_at) + events / self._capacity.rate
        return Request(key, tuple(parts), now)

    def _refused(self, request: Request, pace: Pace, reason: str, now: float) -> list[Verdict]:
        if len(request.parts) > 1:
            for part in request.parts:
                part.alone = True
            return []
        (part,) = request.parts
        if len(part.calls) > 1:
            return [Verdict(part, Fate.SPLIT)]
        if pace.refused_in_a_row >= self._capacity.refusals:
            pace.hold("everything_refused", request.started_at, now)
            return []
        pace.refused_in_a_row += 1
        return [Verdict(part, Fate.ASIDE, reason)]

    def _failed(self, request: Request, outcome: Outcome, reason: str, now: float) -> list[Verdict]:
        pace = self._queues[request.key].pace
        own = [part for part in request.parts if self._strike(part, pace, now)]
        if request.parts[1:] or not own:
            if isinstance(outcome, Misconfigured):
                pace.hold(reason, request.started_at, now)
            else:
                pace.failed(request.started_at, now)
            return []
        (part,) = own
        if part.stuck_for < STUCK_AFTER:
            return []
        return [Verdict(part, Fate.SPLIT) if len(part.calls) > 1 else Verdict(part, Fate.ASIDE, f"stuck_{reason}")]

    def _strike(self, part: Part, pace: Pace, now: float) -> bool:
        """Whether others with this key were accepted since this part failed last, so that the fault may be its own."""
        failed_at, part.failed_at = part.failed_at, now
        if failed_at is None or pace.accepted_at <= failed_at:
            return False
        part.alone = True
        part.strikes += 1
        before = failed_at if part.struck_at is None else part.struck_at
        part.stuck_for += min(now - before, LONGEST_WAIT)  # more than that is the time of an outage in between
        part.struck_at = now
        part.not_before = now + backoff(part.strikes, self._jitter)
        return True
