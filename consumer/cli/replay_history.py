"""Which dead letters were replayed before. Each selection has a group, whose committed offsets hold its progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from consumer import factories
from consumer.cli.dead_letter_filter import parse_filter
from consumer.kafka.dead_letter_headers import StoredDeadLetter
from consumer.kafka.topic_reader import TopicReader
from consumer.settings import Settings


class Selection(Protocol):
    """Which dead letters are selected. Its text names the group of its replay."""

    def __contains__(self, dead_letter: StoredDeadLetter) -> bool: ...
    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class PastReplay:
    """A replay: its selection, and the offset that it reached in each partition of the dead-letter topic."""

    selection: Selection
    offsets: Mapping[int, int]

    def __contains__(self, dead_letter: StoredDeadLetter) -> bool:
        stored = dead_letter.stored
        return stored.offset < self.offsets.get(stored.partition, -1) and dead_letter in self.selection


class ReplayHistory:
    """The dead letters that were settled by a replay, whatever its selection was."""

    def __init__(self, replays: Sequence[PastReplay]) -> None:
        self._replays = replays

    def __contains__(self, dead_letter: StoredDeadLetter) -> bool:
        return any(dead_letter in replay for replay in self._replays)


def group_of(settings: Settings, selection: Selection) -> str:
    """The group that remembers the progress of the replay of this selection."""
    return f"{_prefix(settings)}{selection}"


def load_history(settings: Settings, selection: Selection, partitions: Mapping[int, object]) -> ReplayHistory:
    """
    All replays so far, also that of `selection` if its group is not listed. Raises ServiceError.

    A past replay of addresses is not part of it, because a group does not say which addresses it had.
    """
    prefix = _prefix(settings)
    selections: dict[str, Selection] = {}
    for group in factories.kafka_admin(settings).groups(prefix):
        past_selection = parse_filter(group.removeprefix(prefix))
        if past_selection is not None:
            selections[group] = past_selection
    selections[group_of(settings, selection)] = selection
    topic = settings.dead_letter_topic
    return ReplayHistory(
        [PastReplay(past, progress(settings, group, topic, partitions)) for group, past in selections.items()]
    )


def progress(settings: Settings, group: str, topic: str, partitions: Mapping[int, object]) -> Mapping[int, int]:
    """The offsets that a replay reached in a topic, by partition; -1 where there is none. Raises ServiceError."""
    options = factories.kafka_options(settings)
    with TopicReader(settings.kafka_bootstrap_servers, group, options, topic) as reader:
        return reader.committed(partitions)


def _prefix(settings: Settings) -> str:
    return f"{settings.kafka_group_id}.replay."
