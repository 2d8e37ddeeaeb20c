"""
Every error that the service raises on purpose, named by its treatment.

    SprigToSegmentError
    ├── UsageError              the user must change something before a start makes sense (exit 2)
    │   ├── SettingsError       an environment variable, or several
    │   ├── ContractError       a contract file: file, JSON pointer, what was expected
    │   └── UnsafeSchema        an Avro schema that must not be decoded with
    ├── ServiceError            fatal error, exiting; the platform starts it again (exit 1)
    │   └── NoAnswer            the broker did not answer in time; it is asked again
    └── RecordError             this record alone: it is set aside or skipped, the others go on
        ├── SkipRecord          nothing to send, by a counted rule
        └── UnprocessableRecord no call can be made of it
"""

from collections.abc import Sequence


class SprigToSegmentError(Exception):
    """Base of all errors below."""


class UsageError(SprigToSegmentError):
    """Bad usage; `lines` are shown to the user as they are, one mistake a line."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines: Sequence[str] = lines


class SettingsError(UsageError):
    """Wrong or missing settings, all of them at once. Never holds a value that could be a secret."""


class ContractError(UsageError):
    """A mistake in a contract file: `file: /json/pointer: what was expected`."""


class UnsafeSchema(UsageError):
    """An Avro schema whose decoding could crash or exhaust the process, or that is no Avro schema."""


class ServiceError(SprigToSegmentError):
    """The service cannot go on by itself, such as after a fatal error of the Kafka client."""


class NoAnswer(ServiceError):
    """A broker did not answer in time, which is no reason to stop while there is time to ask again."""


class RecordError(SprigToSegmentError):
    """Something about one record. `reason` is a stable snake_case word for counting."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class SkipRecord(RecordError):
    """Nothing to send of this record, by a rule."""


class UnprocessableRecord(RecordError):
    """No call can be made of this record. `detail` names fields and rules, never a value."""
