"""What the loop tells operators: counts, one snapshot a turn, and a line when something begins or ends."""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from consumer.lane import Lane
from consumer.lanes import Lanes
from consumer.model import WriteKey
from consumer.operate.counts import Counts, Held, Snapshot
from consumer.request import Accepted, Misconfigured, Outcome, Refused, Request, Retry

log = logging.getLogger(__name__)

OUTCOMES = {Accepted: "accepted", Retry: "retried", Refused: "refused", Misconfigured: "held"}


class Pace(Protocol):
    """What is told of a write key's pace: the mistake of ours that it holds for, "" if it does not."""

    holding: str


class Group(Protocol):
    """What is told of the group's member."""

    @property
    def commits(self) -> Mapping[str, int]: ...
    @property
    def joined(self) -> bool: ...
    def end(self, partition: int) -> int: ...


class Status:
    """`counts` belong to the loop's thread; `latest` may be read by any."""

    def __init__(self, now: float) -> None:
        self.counts = Counts()
        self._latest = Snapshot(now)
        self._holds: Mapping[str, str] = {}
        self._settled = 0
        self._settled_at = 0.0

    def latest(self) -> Snapshot:
        return self._latest

    def alive(self, now: float) -> None:
        """The service is still starting, and not stuck."""
        self._latest = replace(self._latest, turned_at=now)

    def answered(self, request: Request, outcome: Outcome, now: float) -> None:
        self.counts.requests[OUTCOMES[type(outcome)]] += 1
        self.counts.request_seconds.add(now - request.started_at)
        if not isinstance(outcome, Accepted):
            log.warning("request not accepted", extra={"environment": request.key.environment, **_told(outcome)})

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
        holding = lanes.holding + Counter(holds.values())
        if self.counts.finished != self._settled:
            self._settled, self._settled_at = self.counts.finished, time.time()
        self._latest = Snapshot(
            turned_at=now,
            counts=self.counts.copy(),
            waiting=sum(lane.waiting for lane in lanes),
            in_flight=sum(lane.in_flight for lane in lanes),
            holding=holding,
            partitions={lane.partition: _held(lane, group) for lane in lanes},
            settled_at=self._settled_at,
            joined=group.joined,
            handing_over=handing_over,
        )

    def _announce(self, holds: Mapping[str, str]) -> None:
        """Which keys hold, by environment: this is mended in the settings. A lane that holds was said by then."""
        for environment, reason in holds.items() - self._holds.items():
            told = {"environment": environment, "reason": reason}
            log.error("holding: nothing is lost, and nothing goes on until this is mended", extra=told)
        for environment in self._holds.keys() - holds.keys():
            log.info("no longer holding", extra={"environment": environment, "reason": self._holds[environment]})
        self._holds = holds


def _held(lane: Lane, group: Group) -> Held:
    end, frontier = group.end(lane.partition), lane.frontier
    lag = -1 if end < 0 or frontier is None else max(0, end - frontier)
    return Held(lag, lane.waiting + lane.in_flight, lane.weight + lane.made)


def _told(outcome: Outcome) -> Mapping[str, object]:
    told: dict[str, object] = {"treatment": OUTCOMES[type(outcome)]}
    if isinstance(outcome, Retry):
        told |= {"detail": outcome.detail, "asked_to_wait": outcome.wait}
    return told if isinstance(outcome, Accepted) else {**told, "reason": outcome.reason}
