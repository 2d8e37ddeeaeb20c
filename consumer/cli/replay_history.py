"""Which dead letters were replayed before. Each selection has a group, whose committed offsets hold its progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer import factories
from consumer.cli.dead_letter_filter import DeadLetterFilter, parse_filter
from consumer.kafka.dead_letter_headers import StoredDeadLetter
from consumer.kafka.topic_reader import TopicReader
from consumer.settings import Settings


@dataclass(frozen=True, slots=True)
class PastReplay:
    """A replay: its selection, and the offset that it reached in each partition of the dead-letter topic."""

    selection: DeadLetterFilter
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


def group_of(settings: Settings, selection: DeadLetterFilter) -> str:
    """The group that remembers the progress of the replay of this selection."""
    return f"{_prefix(settings)}{selection}"


def load_history(settings: Settings, selection: DeadLetterFilter, partitions: Mapping[int, object]) -> ReplayHistory:
    """All replays so far, also that of `selection` if its group is not listed. Raises ServiceError."""
    options, prefix = factories.kafka_options(settings), _prefix(settings)
    groups = {*factories.kafka_admin(settings).groups(prefix), group_of(settings, selection)}
    replays = []
    for group in sorted(groups):
        past_selection = parse_filter(group.removeprefix(prefix))
        if past_selection is not None:
            with TopicReader(settings.kafka_bootstrap_servers, group, options, settings.dead_letter_topic) as reader:
                replays.append(PastReplay(past_selection, reader.committed(partitions)))
    return ReplayHistory(replays)


def forget(settings: Settings, selection: DeadLetterFilter, begins: Mapping[int, int]) -> None:
    """Let the replay of this selection start at these offsets again. Raises ServiceError."""
    factories.kafka_admin(settings).commit_offsets(group_of(settings, selection), settings.dead_letter_topic, begins)


def _prefix(settings: Settings) -> str:
    return f"{settings.kafka_group_id}.replay."
