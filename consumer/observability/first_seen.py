"""Since when a condition holds of which nobody knows the start."""

import time
from collections.abc import Callable, Mapping, Sequence

from consumer.observability.conditions import Condition, ConditionKind


class FirstSeen:
    """When each kind of condition was first seen, until it is not seen any more, for those whose start nobody knows."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._since: Mapping[ConditionKind, float] = {}

    def complete(self, present: Sequence[Condition]) -> Sequence[Condition]:
        """The same conditions, each with the time since when it holds."""
        now = self._clock()
        self._since = {condition.kind: self._since.get(condition.kind, now) for condition in present}
        return [
            condition._replace(since=self._since[condition.kind]) if condition.since is None else condition
            for condition in present
        ]
