"""What the loop tells operators: counts, one snapshot a turn, and a line when something begins or ends."""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Protocol

from consumer.model import WriteKey
from consumer.observability.snapshot import Counts, Held, Hold, Snapshot
from consumer.pipeline.buffers import Lanes
from consumer.pipeline.partition_buffer import Lane
from consumer.request import Accepted, Misconfigured, Outcome, Refused, Request, Retry

log = logging.getLogger(__name__)

OUTCOMES = {Accepted: "accepted", Retry: "retried", Refused: "refused", Misconfigured: "misconfigured"}


class Pace(Protocol):
    """What is told of a write key's pace: the mistake of ours that it holds for ("": none), and its next request."""

    holding: str

    @property
    def waits_until(self) -> float: ...


class Group(Protocol):
    """What is told of the group's member."""

    @property
    def commits(self) -> Mapping[str, int]: ...
    @property
    def joined(self) -> bool: ...
    @property
    def paused(self) -> Set[int]: ...
    def end(self, partition: int) -> int: ...


class Status:
    """`counts` belong to the loop's thread; `latest` may be read by any."""

    def __init__(self, now: float) -> None:
        self.counts = Counts()
        self._latest = Snapshot(now)
        self._holds: Mapping[str, str] = {}
        self._since: Mapping[tuple[str, str], float] = {}
        self._settled = 0
        self._settled_at = 0.0

    def latest(self) -> Snapshot:
        return self._latest

    def alive(self, now: float) -> None:
        """The service is still starting, and not stuck."""
        self._latest = replace(self._latest, turned_at=now)

    def answered(self, request: Request, outcome: Outcome, now: float) -> None:
        self.counts.requests[_treatment(outcome)] += 1
        self.counts.request_seconds.add(now - request.started_at)
        self.counts.request_events.add(sum(len(part.calls) for part in request.parts))
        if not isinstance(outcome, Accepted):
            log.warning("Segment request failed", extra={"environment": request.key.environment, **_told(outcome)})

    def rebalanced(self, kind: str, partitions: Sequence[int]) -> None:
        self.counts.rebalances[kind] += 1
        log.info("partitions %s", kind, extra={"partitions": sorted(partitions)})

    def publish(
        self, lanes: Lanes, paces: Mapping[WriteKey, Pace], group: Group, now: float, handing_over: bool
    ) -> None:
        """Replace the snapshot; called when nothing is between two places."""
        self.counts.commits = Counter(group.commits)
        holds = {key.environment: pace.holding for key, pace in paces.items() if pace.holding}
        self._announce(holds)
        if self.counts.finished != self._settled:
            self._settled, self._settled_at = self.counts.finished, time.time()
        self._latest = Snapshot(
            turned_at=now,
            counts=self.counts.copy(),
            waiting=sum(lane.waiting for lane in lanes),
            in_flight=sum(lane.in_flight for lane in lanes),
            holds=self._held_since(holds, lanes.holding),
            waits={key.environment: pace.waits_until for key, pace in paces.items()},
            partitions={lane.partition: _held(lane, group) for lane in lanes},
            settled_at=self._settled_at,
            joined=group.joined,
            handing_over=handing_over,
        )

    def _held_since(self, keys: Mapping[str, str], partitions: Mapping[int, str]) -> Sequence[Hold]:
        """Who holds now, with the time at which it was first seen to."""
        held = [(f"key of {environment}" if environment else "key", reason) for environment, reason in keys.items()]
        held += [(f"partition {number}", reason) for number, reason in partitions.items()]
        now = time.time()
        self._since = {one: self._since.get(one, now) for one in held}
        return [Hold(who, reason, since) for (who, reason), since in self._since.items()]

    def _announce(self, holds: Mapping[str, str]) -> None:
        """Which keys hold, by environment: this is mended in the settings. A lane that holds was said by then."""
        for environment, reason in holds.items() - self._holds.items():
            told = {"environment": environment, "reason": reason}
            log.error("delivery blocked: fix the configuration", extra=told)
        for environment in self._holds.keys() - holds.keys():
            log.info("delivery resumed", extra={"environment": environment, "reason": self._holds[environment]})
        self._holds = holds


def _held(lane: Lane, group: Group) -> Held:
    end, oldest = group.end(lane.partition), lane.oldest
    frontier = oldest.offset if oldest else lane.position
    lag = -1 if end < 0 or frontier is None else max(0, end - frontier)
    paused = lane.partition in group.paused
    since = max(0, oldest.timestamp) / 1000 if oldest else 0.0
    return Held(lag, lane.waiting + lane.in_flight, lane.weight + lane.made, paused, since)


def _treatment(outcome: Outcome) -> str:
    return "throttled" if isinstance(outcome, Retry) and outcome.throttled else OUTCOMES[type(outcome)]


def _told(outcome: Outcome) -> Mapping[str, object]:
    told: dict[str, object] = {"treatment": _treatment(outcome)}
    if isinstance(outcome, Retry):
        told |= {"detail": outcome.detail, "asked_to_wait": outcome.wait}
    return told if isinstance(outcome, Accepted) else {**told, "reason": outcome.reason}
