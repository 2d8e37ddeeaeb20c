"""What `check` asks the brokers: the topics, the group, the rights to them, and the size limit of dead letters."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from consumer import factories
from consumer.cli.check_result import CheckResult, note, ok, problem, warning
from consumer.cli.output import counted
from consumer.errors import ServiceError
from consumer.kafka.admin import GroupDescription, KafkaAdmin
from consumer.settings import Settings

DEAD_LETTER_HEADER_BYTES = 4096  # generous, for the headers that a dead letter has besides those of its record
_T = TypeVar("_T")


def check_kafka(settings: Settings) -> Iterator[CheckResult]:
    admin = factories.kafka_admin(settings)
    try:
        yield ok("Kafka", counted(admin.brokers(), "broker"))
    except ServiceError as error:
        yield problem("Kafka", str(error))
        return
    group = _value_or_error(lambda: admin.group(settings.kafka_group_id))
    check_rights = group is not None  # a broker that does not describe groups does not describe rights either
    yield _topic(admin, settings.kafka_topic, "READ", check_rights)
    yield _group(f"group {settings.kafka_group_id}", group)
    if "dead-letter" in (settings.on_rejected, settings.on_unknown_record):
        yield _topic(admin, settings.dead_letter_topic, "WRITE", check_rights)
        if check_rights:
            yield _dead_letter_size(admin, settings)


def _topic(admin: KafkaAdmin, topic: str, right: str, check_rights: bool) -> CheckResult:
    subject = f"topic {topic}"
    try:
        partitions = counted(admin.partitions(topic), "partition")
        if not check_rights:
            return ok(subject, partitions)
        if right not in admin.rights(topic):
            return problem(subject, f"not permitted: the principal needs {right}")
        return ok(subject, f"{partitions}; {right}")
    except ServiceError as error:
        return problem(subject, str(error))


def _group(subject: str, group: GroupDescription | ServiceError | None) -> CheckResult:
    if isinstance(group, ServiceError):
        return problem(subject, str(group))
    if group is None:
        return note(subject, "this broker describes neither groups nor rights")
    if "READ" not in group.rights:
        return problem(subject, "not permitted: the principal needs READ")
    if group.there:
        return ok(subject, f"{counted(group.members, 'member')}; READ")
    return ok(subject, "no member has joined yet; READ")


def _dead_letter_size(admin: KafkaAdmin, settings: Settings) -> CheckResult:
    """A record that fits into the topic must fit into the dead-letter topic, with its reason and address."""
    topic, dead_letter_topic, subject = settings.kafka_topic, settings.dead_letter_topic, "size of dead letters"
    topic_limit = _value_or_error(lambda: admin.max_message_bytes(topic))
    dead_letter_limit = _value_or_error(lambda: admin.max_message_bytes(dead_letter_topic))
    if isinstance(topic_limit, ServiceError) or isinstance(dead_letter_limit, ServiceError):
        return note(
            subject, "max.message.bytes cannot be compared: the principal needs DESCRIBE_CONFIGS of both topics"
        )
    limits = f"max.message.bytes of {dead_letter_topic} is {dead_letter_limit:,}, that of {topic} {topic_limit:,}"
    sufficient = topic_limit + DEAD_LETTER_HEADER_BYTES
    if dead_letter_limit >= sufficient:
        return ok(subject, limits)
    detail = f"{limits}: the largest records would block their partition; {sufficient:,} would be enough"
    if dead_letter_limit >= topic_limit:
        return note(subject, detail)
    return warning(subject, detail)


def _value_or_error(ask: Callable[[], _T]) -> _T | ServiceError:
    try:
        return ask()
    except ServiceError as error:
        return error
