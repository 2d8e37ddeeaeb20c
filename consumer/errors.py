"""
Every error that the service raises on purpose, named by its treatment.

    SprigToSegmentError
    ├── UsageError              the user must change something before a start makes sense (exit 2)
    │   ├── SettingsError       an environment variable, or several
    │   ├── ContractError       a contract file: file, JSON pointer, what was expected
    │   └── UnsafeSchema        an Avro schema whose decoding is not safe
    ├── ServiceError            the service cannot continue; the platform restarts it (exit 1)
    │   ├── NoAnswer            the broker did not answer in time; the service asks again
    │   ├── BrokersForgotten    a Kafka client has forgotten all brokers, and only a new one helps
    │   ├── NoSuchTopic         Kafka has no topic of this name
    │   └── NotPermitted        the principal lacks a right in Kafka
    └── RecordError             one record alone: it is skipped or rejected, the others continue
        ├── RecordSkipped       nothing to send, by a counted rule
        └── RecordRejected      no track event can be made of it; named by the stage at which it failed:
            ├── FramingError    framing
            ├── SchemaError     schema
            ├── DecodingError   decoding
            └── MappingError    mapping
"""

from collections.abc import Sequence
from typing import ClassVar

from consumer.outside_text import outside_text

MAX_DETAIL_LENGTH = 1000
"""Characters. A detail can hold names from a schema, which have any length, and goes into a header and a log line."""


class SprigToSegmentError(Exception):
    """Base of all errors below."""


class UsageError(SprigToSegmentError):
    """Bad usage. `lines` are shown to the user as they are, one mistake a line."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines: Sequence[str] = lines


class SettingsError(UsageError):
    """Wrong or missing settings, all of them together. It never holds a value that could be a secret."""


class ContractError(UsageError):
    """A mistake in a contract file: `file: /json/pointer: what was expected`."""


class UnsafeSchema(UsageError):
    """An Avro schema whose decoding could crash or exhaust the process, or text that is not an Avro schema."""


class ServiceError(SprigToSegmentError):
    """The service cannot continue, for example after a fatal error of the Kafka client."""


class NoAnswer(ServiceError):
    """
    A broker did not answer in time. That is no reason to stop while there is time to ask again.

    `condition` is the same text for all errors with the same cause; "" if there is no such text.
    """

    def __init__(self, text: str, condition: str = "") -> None:
        super().__init__(text)
        self.condition = condition


class BrokersForgotten(ServiceError):
    """A Kafka client has forgotten all brokers, and never connects again by itself."""

    def __init__(self) -> None:
        super().__init__(
            "the Kafka client has forgotten all brokers, because a broker that stopped said that there are none: "
            "start again"
        )


class NoSuchTopic(ServiceError):
    """Kafka has no topic of this name. Only a topic that may be missing makes this no reason to stop."""


class NotPermitted(ServiceError):
    """The principal lacks a right to a topic, a group or the cluster. Kafka does not say whether they exist."""


class RecordError(SprigToSegmentError):
    """Something about one record. `reason` is a stable snake_case word for counting."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = str(reason)  # a plain text also of an enum's member, because JSON takes no other key
        self.detail = outside_text(detail, MAX_DETAIL_LENGTH)


class RecordSkipped(RecordError):
    """A rule says that nothing is to be sent of this record."""


class RecordRejected(RecordError):
    """No track event can be made of this record. `detail` names fields and rules, never a value."""

    stage: ClassVar[str]


class FramingError(RecordRejected):
    """The value does not say which schema it was written with."""

    stage = "framing"


class SchemaError(RecordRejected):
    """The schema that the value names cannot be used."""

    stage = "schema"


class DecodingError(RecordRejected):
    """The schema does not describe the bytes of the value."""

    stage = "decoding"


class MappingError(RecordRejected):
    """The contract cannot make a valid track event of the decoded record."""

    stage = "mapping"
