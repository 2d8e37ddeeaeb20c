"""`dead-letters list` and `show`: what was set aside, why, and what would become of it now."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

import consumer.settings
from consumer import app
from consumer.cli import output
from consumer.cli.dead_letter_filter import Choice
from consumer.cli.param_types import Address
from consumer.cli.params import silent
from consumer.cli.progress import followed
from consumer.cli.replay_history import recall
from consumer.cli.terminal import counted, table
from consumer.errors import ServiceError
from consumer.jsonio import dumps
from consumer.kafka.letters import Kept, opened
from consumer.kafka.topic_reader import Reader
from consumer.reasons import aside_meaning
from consumer.settings import Settings

LOOKS = ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_CONFIG", "KAFKA_GROUP_ID", "KAFKA_TOPIC", "DEAD_LETTER_TOPIC")


@dataclass(slots=True)
class Kind:
    """What is known of the letters with one reason. Times in ms since 1970."""

    letters: int = 0
    replayed: int = 0
    first: int = 2**63
    last: int = -1
    partitions: Counter[int] = field(default_factory=Counter)
    latest: str = ""

    def add(self, letter: Kept, replayed: bool) -> None:
        record = letter.record
        self.letters += 1
        self.replayed += replayed
        self.partitions[record.partition] += 1
        self.first = min(self.first, record.timestamp)
        if record.timestamp >= self.last:
            self.last, self.latest = record.timestamp, str(Address(record.partition, record.offset))


def summary(env_file: Path | None, choice: Choice, as_json: bool) -> None:
    """Print how many letters there are of each reason. Raises SettingsError, ServiceError."""
    silent()
    settings = consumer.settings.load(env_file, only=LOOKS)
    kinds: dict[str, Kind] = {}
    with ExitStack() as closing:
        reader = app.reader(settings, settings.dead_letter_topic, closing)
        memory = recall(settings, Choice(), reader.spans())
        for letter in chosen(settings, reader, choice):
            kinds.setdefault(letter.reason, Kind()).add(letter, letter in memory)
    ordered = sorted(kinds.items(), key=lambda item: -item[1].letters)
    if as_json:
        click.echo(dumps({reason: _told(kind) for reason, kind in ordered}))
        return
    rows = [
        (
            reason,
            f"{it.letters:,}",
            f"{it.replayed:,}",
            _time(it.first),
            _time(it.last),
            it.latest,
            aside_meaning(reason),
        )
        for reason, it in ordered
    ]
    total = counted(sum(it.letters for it in kinds.values()), "letter")
    columns = ("reason", "letters", "replayed", "first record", "last record", "latest", "meaning")
    table(f"{settings.dead_letter_topic}: {total}", columns, rows)


def chosen(settings: Settings, reader: Reader, choice: Choice) -> Iterator[Kept]:
    """The letters of this topic that are meant, while a bar shows how far it is."""
    spans = reader.spans()
    total = sum(end - begin for begin, end in spans.values())
    for message in followed(reader.read(spans), total, "letters"):
        letter = opened(message)
        if letter and letter.topic == settings.kafka_topic and letter in choice:
            yield letter


def show(env_file: Path | None, address: Address, as_json: bool) -> None:
    """Print the letters of one record. Raises UsageError, ServiceError."""
    from consumer.cli.dead_letter_details import described, printed

    silent()
    settings = consumer.settings.load(env_file)
    place = Choice(partitions=frozenset([address.partition]), offsets=(address.offset, address.offset + 1))
    with ExitStack() as closing:
        letters = list(chosen(settings, app.reader(settings, settings.dead_letter_topic, closing), place))
        if not letters:
            raise ServiceError(f"{settings.dead_letter_topic} has no letter of {settings.kafka_topic} {address}")
        steps = app.steps_at_once(settings, closing)
        translator = app.translator(settings, steps)
        told = [described(letter, steps, translator) for letter in letters]
    for it in told:
        click.echo(dumps(it)) if as_json else printed(it)


def _told(kind: Kind) -> Mapping[str, Any]:
    return {
        "letters": kind.letters,
        "replayed": kind.replayed,
        "first": output.when(kind.first),
        "last": output.when(kind.last),
        "partitions": {str(number): count for number, count in sorted(kind.partitions.items())},
        "latest": kind.latest,
    }


def _time(millis: int) -> str:
    return (output.when(millis) or "-")[:19].replace("T", " ")
