"""What `check` finds at the brokers: the topics, the group, the rights to them, and room for dead letters."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from consumer import app
from consumer.cli.check_result import Look, note, ok, problem, warning
from consumer.cli.terminal import counted
from consumer.errors import ServiceError
from consumer.kafka.admin import Admin
from consumer.settings import Settings

HEADERS_TAKE = 4096  # bytes of a letter's headers besides the record's own, generously
_T = TypeVar("_T")


def looks(settings: Settings) -> Iterator[Look]:
    kafka = app.admin(settings)
    try:
        yield ok("Kafka", counted(kafka.brokers(), "broker"))
    except ServiceError as error:
        yield problem("Kafka", str(error))
        return
    group = f"group {settings.kafka_group_id}"
    found = _tried(lambda: kafka.group(settings.kafka_group_id))
    told = isinstance(found, ServiceError) or found is not None
    yield from _topic(kafka, settings.kafka_topic, "READ", told)
    if isinstance(found, ServiceError):
        yield problem(group, str(found))
    elif found is None:
        yield note(group, "this broker describes no groups, and says nothing of rights")
    elif "READ" not in found.rights:
        yield problem(group, "not permitted: the principal needs READ")
    else:
        yield ok(group, f"{counted(found.members, 'member')}; READ" if found.there else "nobody was in it yet; READ")
    if "dead-letter" in (settings.on_rejected, settings.on_unknown_record):
        yield from _topic(kafka, settings.dead_letter_topic, "WRITE", told)
        if told:
            yield from _room(kafka, settings)


def _topic(kafka: Admin, topic: str, right: str, rights_are_told: bool) -> Iterator[Look]:
    what = f"topic {topic}"
    try:
        partitions = counted(kafka.partitions(topic), "partition")
        if rights_are_told and right not in kafka.rights(topic):
            yield problem(what, f"not permitted: the principal needs {right}")
        else:
            yield ok(what, f"{partitions}{f'; {right}' if rights_are_told else ''}")
    except ServiceError as error:
        yield problem(what, str(error))


def _room(kafka: Admin, settings: Settings) -> Iterator[Look]:
    """A record that fits into the topic must fit into the dead-letter topic, with its reason and address."""
    topic, letters, what = settings.kafka_topic, settings.dead_letter_topic, "size of dead letters"
    ours, theirs = _tried(lambda: kafka.largest(topic)), _tried(lambda: kafka.largest(letters))
    if isinstance(ours, ServiceError) or isinstance(theirs, ServiceError):
        yield note(what, "max.message.bytes cannot be compared: the principal needs DESCRIBE_CONFIGS of both topics")
        return
    limits = f"max.message.bytes of {letters} is {theirs:,}, that of {topic} {ours:,}"
    if theirs >= ours + HEADERS_TAKE:
        yield ok(what, limits)
        return
    look, wanted = (note if theirs >= ours else warning), ours + HEADERS_TAKE
    yield look(what, f"{limits}: the largest records would hold their partition; {wanted:,} would be enough")


def _tried(look: Callable[[], _T]) -> _T | ServiceError:
    try:
        return look()
    except ServiceError as error:
        return error
