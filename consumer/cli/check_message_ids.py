"""What `check` says about messageIds."""

from collections.abc import Iterator

from consumer.cli.check_result import CheckResult, note, ok
from consumer.cli.output import label
from consumer.pipeline.message_id import message_id_prefix
from consumer.settings import Settings


def check_message_ids(settings: Settings) -> Iterator[CheckResult]:
    """What messageIds begin with, which identifies the events to an analyst, and whether a new key changes that."""
    for environment, key in settings.write_keys.items():
        subject, namespace = label("messageId", environment), settings.namespace(key)
        pattern = f"{message_id_prefix(namespace, settings.kafka_topic)}-PARTITION-OFFSET-TIME"
        if settings.message_id_namespace is not None:
            yield ok(subject, f"{pattern}; MESSAGE_ID_NAMESPACE is set")
        elif len(settings.write_keys) == 1:
            yield note(subject, f"{pattern}; before you rotate the write key, set MESSAGE_ID_NAMESPACE={namespace}")
        else:
            yield note(
                subject,
                f"{pattern}; a new write key changes the first part, and one MESSAGE_ID_NAMESPACE is for all keys",
            )
