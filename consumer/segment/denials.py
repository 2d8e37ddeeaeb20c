"""Telling a wrong configuration from content that is denied: what a 401, 403, 404, other 4xx or 3xx means."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consumer.model import Accepted, Misconfigured, Outcome, Refused, Retry
from consumer.segment.backoff import backoff
from consumer.segment.bisection import (
    Bisection,
    ChunkDecision,
    ChunkPassed,
    ChunkRejected,
    ChunkReturned,
    Delivery,
    split,
)
from consumer.segment.key_queue import KeyQueue

CONFIRMATIONS = 5
"""
How often a single event is denied, each time while the key is right, until the event is taken for the cause. If one of
two nodes on the path denies everything, three denials in a row are not rare.
"""

MAX_CONFIRMATION_WAIT_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Denials:
    """
    A record is rejected only after an event of another record was accepted with its key, since it was denied.

    First a request without events is sent. If this request is denied as well, the key or the path is wrong: the key is
    blocked. If it passes, or if other events are accepted meanwhile, the content is denied: the chunk is searched like
    a refused one. Its single event is passed if nothing was accepted in the search yet, to learn whether the events
    behind it are accepted. If they are not either, nothing is rejected, and the key is blocked.
    """

    bisection: Bisection

    def after_denial(
        self,
        queue: KeyQueue,
        deliveries: Sequence[Delivery],
        is_alone: bool,
        reason: str,
        started_at: float,
        now: float,
    ) -> list[ChunkDecision]:
        """A request with events was denied. `is_alone`: it had one chunk."""
        queue.denial = reason
        isolated = [delivery for delivery in deliveries if delivery.note_denial(queue.breaker, now)]
        for delivery in deliveries:
            delivery.is_alone |= is_alone
        if is_alone and isolated:
            return self._search(queue, isolated, started_at, now)
        queue.questioned.extend(deliveries)
        return []

    def after_control(self, queue: KeyQueue, outcome: Outcome, started_at: float, now: float) -> list[ChunkDecision]:
        """The request without events was answered."""
        match outcome:
            case Accepted() | Refused():
                queue.breaker.passed()
                if queue.passed:
                    queue.breaker.block_reason = queue.denial
                return self._search(queue, queue.answer(), started_at, now)
            case Retry(reason, throttled=True, wait=wait):
                queue.breaker.block_reason = queue.denial
                queue.breaker.throttled(reason, wait, started_at, now)
            case Retry() | Misconfigured():
                queue.breaker.block(queue.denial, started_at, now)
        queue.waiting.extend(queue.answer())
        return []

    def after_acceptance(self, queue: KeyQueue, started_at: float, now: float) -> list[ChunkDecision]:
        """Events were accepted with the key, which settles what is denied."""
        queue.searched_partitions.clear()
        passed, queue.passed = queue.passed, []
        rejected: list[ChunkDecision] = [
            ChunkRejected(delivery.chunk, f"denied_{queue.denial}", delivery.attempts) for delivery in passed
        ]
        return rejected + self._search(queue, queue.answer(), started_at, now)

    def _search(
        self, queue: KeyQueue, deliveries: Iterable[Delivery], started_at: float, now: float
    ) -> list[ChunkDecision]:
        """The key is right: chunks that were denied together are sent alone, then in halves."""
        decisions: list[ChunkDecision] = []
        for delivery in deliveries:
            if not delivery.is_alone:
                delivery.is_alone = True
            elif len(delivery.chunk.events) > 1:
                decisions.append(split(delivery))
            else:
                decisions += self._confirm(queue, delivery, started_at, now)
        decided = {decision.chunk for decision in decisions}
        queue.waiting.extend(delivery for delivery in deliveries if delivery.chunk not in decided)
        return decisions

    def _confirm(self, queue: KeyQueue, delivery: Delivery, started_at: float, now: float) -> Sequence[ChunkDecision]:
        delivery.denials = min(delivery.denials + 1, CONFIRMATIONS)
        wait = min(backoff(delivery.denials, self.bisection.jitter), MAX_CONFIRMATION_WAIT_SECONDS)
        delivery.not_before = now + wait
        if delivery.denials < CONFIRMATIONS:
            return []
        if delivery.denied_since is not None and queue.breaker.accepted_at > delivery.denied_since:
            return self.bisection.reject(delivery, queue.breaker, f"denied_{queue.denial}", started_at, now)
        queue.breaker.block_reason = queue.denial
        return self._pass(queue, delivery)

    def _pass(self, queue: KeyQueue, delivery: Delivery) -> Sequence[ChunkDecision]:
        """Nothing shows yet that other events are accepted."""
        partition = delivery.chunk.partition
        siblings = [passed for passed in queue.passed if passed.chunk.partition == partition]
        if len(siblings) >= self.bisection.consecutive_refusals:
            queue.searched_partitions.add(partition)
        if partition not in queue.searched_partitions:
            queue.passed.append(delivery)
            return [ChunkPassed(delivery.chunk)]
        if not siblings:
            return []
        for sibling in siblings:
            sibling.forget_denials()
        queue.passed = [passed for passed in queue.passed if passed.chunk.partition != partition]
        return [ChunkReturned(delivery.chunk)]
