"""What was replayed before: each choice of letters has a group of its own, whose committed offsets are the memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer import app
from consumer.cli.dead_letter_filter import Choice, parsed
from consumer.kafka.letters import Kept
from consumer.kafka.topic_reader import Reader
from consumer.settings import Settings


@dataclass(frozen=True, slots=True)
class Replay:
    """One that took place: which letters were meant, and how far it came in each partition of the dead-letter topic."""

    choice: Choice
    offsets: Mapping[int, int]

    def __contains__(self, letter: Kept) -> bool:
        return letter.at.offset < self.offsets.get(letter.at.partition, -1) and letter in self.choice


class Memory:
    """Letters that a replay has settled, whichever choice it was that meant them."""

    def __init__(self, replays: Sequence[Replay]) -> None:
        self._replays = replays

    def __contains__(self, letter: Kept) -> bool:
        return any(letter in replay for replay in self._replays)


def group_of(settings: Settings, choice: Choice) -> str:
    """The group that remembers how far the replay of this choice came."""
    return f"{_prefix(settings)}{choice}"


def recall(settings: Settings, choice: Choice, partitions: Mapping[int, object]) -> Memory:
    """All that was replayed so far. Raises ServiceError."""
    options, prefix = app.kafka_options(settings), _prefix(settings)
    names = {*app.admin(settings).groups(prefix), group_of(settings, choice)}
    replays = []
    for name in sorted(names):
        meant = parsed(name.removeprefix(prefix))
        if meant is not None:
            with Reader(settings.kafka_bootstrap_servers, name, options, settings.dead_letter_topic) as reader:
                replays.append(Replay(meant, reader.committed(partitions)))
    return Memory(replays)


def forget(settings: Settings, choice: Choice, begins: Mapping[int, int]) -> None:
    """Let the replay of this choice begin at these offsets again. Raises ServiceError."""
    app.admin(settings).move(group_of(settings, choice), settings.dead_letter_topic, begins)


def _prefix(settings: Settings) -> str:
    return f"{settings.kafka_group_id}.replay."
