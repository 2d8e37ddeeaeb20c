"""What `check` asks the brokers: the topics, the group, the rights to them, and the settings of both topics."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from consumer import factories
from consumer.aws.credentials import CredentialSources
from consumer.cli.check_result import CheckResult, note, ok, problem
from consumer.cli.output import counted
from consumer.errors import NotPermitted, ServiceError
from consumer.kafka.admin import GroupDescription, KafkaAdmin
from consumer.kafka.client_config import require_accepted
from consumer.kafka.dead_letter_topic import judge
from consumer.kafka.msk_iam import lifetime
from consumer.settings import Settings

_T = TypeVar("_T")


def check_kafka(settings: Settings) -> Iterator[CheckResult]:
    """Raises SettingsError for options that `run` would refuse."""
    require_accepted(factories.group_consumer_config(settings))
    aws = factories.aws_sources(settings)
    if aws:
        result = _aws(aws)
        yield result
        if result.state == "problem":
            return  # a broker would refuse the client, which says nothing of the cause
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
        topics = settings.kafka_topic, settings.dead_letter_topic
        for finding in judge(*topics, admin.topic_settings(topics)):
            yield CheckResult(*finding)


def _aws(sources: CredentialSources) -> CheckResult:
    try:
        credentials = sources.credentials()
        seconds = lifetime(credentials, datetime.now(UTC))
    except ServiceError as error:
        return problem("AWS", str(error))
    return ok("AWS", f"credentials of {credentials.source}; a token is good for {seconds} seconds")


def _topic(admin: KafkaAdmin, topic: str, right: str, check_rights: bool) -> CheckResult:
    subject = f"topic {topic}"
    try:
        partitions = counted(admin.partitions(topic), "partition")
        if not check_rights:
            return ok(subject, partitions)
        if right not in admin.rights(topic):
            return problem(subject, f"not permitted: the principal needs {right}")
        return ok(subject, f"{partitions}; {right}")
    except NotPermitted:
        return problem(subject, f"not permitted: the principal needs {right}")
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


def _value_or_error(ask: Callable[[], _T]) -> _T | ServiceError:
    try:
        return ask()
    except ServiceError as error:
        return error
