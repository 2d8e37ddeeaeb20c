"""Why records are skipped or rejected, and why delivery is blocked: each word with its meaning."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Self


class ExplainedWord(StrEnum):
    """A word that the service counts by and writes into logs and headers; `meaning` explains it to an operator."""

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member


class Reason(ExplainedWord):
    """
    Why the service skips or rejects a record.

    Contracts name further reasons to skip. An event that Segment refuses has the reason `http_<status>`, one that
    is denied while others succeed `denied_<reason>`, and one that keeps failing while others succeed `stuck_<reason>`.
    """

    TOMBSTONE = "tombstone", "a null value"
    EMPTY_VALUE = "empty_value", "a value of no bytes, which no schema describes"
    NOT_FRAMED = "not_framed", "the value does not name its schema in the way that AVRO_FRAMING says"
    UNKNOWN_SCHEMA = "unknown_schema", "its schema is not in the registry, or in no file"
    UNSUPPORTED_SCHEMA = "unsupported_schema", "its schema is not Avro, or the registry has refused it"
    UNSAFE_SCHEMA = "unsafe_schema", "decoding with its schema is not safe"
    UNDECODABLE = "undecodable", "its schema does not describe these bytes"
    VALUE_TOO_LARGE = "value_too_large", "decoding a value of this size could take more memory than there is"
    TRAILING_BYTES = "trailing_bytes", "bytes are left behind the record"
    SCHEMA_RULE = "schema_rule", "its schema has a rule for readers, such as encryption, that no contract allows"
    UNKNOWN_RECORD = "unknown_record", "no contract is for its type"
    MISSING_REQUIRED = "missing_required", "a property that the contract requires has no value"
    INTEGER_TOO_LARGE = "integer_too_large", "an integer beyond 2^53-1, which a JSON reader would round"
    NON_FINITE_NUMBER = "non_finite_number", "a NaN or an infinity, which JSON cannot express"
    DECIMAL_TOO_LARGE = "decimal_too_large", "a decimal of more than 1000 digits"
    TIME_OUT_OF_RANGE = "time_out_of_range", "a time outside of the years 1 to 9999"
    NOT_JSON = "not_json", "the contract expects JSON in this text, and the text is not JSON"
    NESTED_TOO_DEEP = "nested_too_deep", "JSON of more than 64 levels, or too many levels of a recursive record"
    NO_LABEL = "no_label", "a value that has no entry in the contract's labels"
    INVALID = "invalid", "the event would break a rule of the contract or of Segment"
    EVENT_TOO_LARGE = "event_too_large", "the event is larger than Segment accepts"
    NO_WRITE_KEY = "no_write_key", "SEGMENT_WRITE_KEYS has no key for its environment, or it names no environment"
    INTERNAL_ERROR = "internal_error", "a defect of the service: the detail names the error and the line of code"
    STEPPED_OVER = "stepped_over", "an operator skipped it with `skip-record`"


class BlockReason(ExplainedWord):
    """
    Why a write key or a partition is blocked until somebody acts.

    Further reasons are `http_<status>`, `<status>_not_segment` and the reason of a record that must not be passed.
    """

    HTTP_401 = "http_401", "Segment refuses the write key"
    HTTP_403 = "http_403", "Segment, or something between the service and Segment, forbids the request"
    HTTP_404 = "http_404", "there is no batch endpoint at SEGMENT_ENDPOINT"
    EVERYTHING_REFUSED = (
        "everything_refused",
        "MAX_CONSECUTIVE_REFUSALS single events in a row were refused, with no success between",
    )
    INTERNAL_ERROR = (
        "internal_error",
        "a defect of the service: too many records in a row had an error in its code, which the log names",
    )
    DEAD_LETTER_LIMIT = (
        "dead_letter_limit",
        "MAX_CONSECUTIVE_DEAD_LETTERS records in a row were rejected: look at the topic or the contract",
    )
    REJECTED_BEFORE_SUCCESS = (
        "rejected_before_success",
        "MAX_REJECTED_BEFORE_SUCCESS records were rejected before the first success: a setting is probably wrong",
    )
    """Ends without an operator when another partition of the member shows that the settings are right."""
    EVERYTHING_REJECTED = (
        "everything_rejected",
        "MAX_CONSECUTIVE_DEAD_LETTERS records in a row, of all partitions of the member, were rejected",
    )
    """Ends without an operator when an event is made of a record of another partition."""
    DEAD_LETTER_TOO_LARGE = (
        "dead_letter_too_large",
        "the dead-letter topic does not accept a record of this size: raise its max.message.bytes",
    )
    DEAD_LETTER_REFUSED = (
        "dead_letter_refused",
        "the dead-letter topic will never accept this record: look at the topic's settings",
    )
    NO_COMMITTED_OFFSET = (
        "no_committed_offset",
        "the group has no offset, and KAFKA_AUTO_OFFSET_RESET=error leaves the decision to an operator",
    )
    OFFSET_OUT_OF_RANGE = (
        "offset_out_of_range",
        "Kafka deleted the next record before it was read, and KAFKA_AUTO_OFFSET_RESET=error blocks",
    )
    LOG_TRUNCATED = (
        "log_truncated",
        "the broker lost records that were read already, and KAFKA_AUTO_OFFSET_RESET=error blocks",
    )
    UNREADABLE_BATCH = (
        "unreadable_batch",
        "the client cannot unpack a batch: it is damaged, or larger than receive.message.max.bytes",
    )
    """Ends without an operator when the batch can be read, or is deleted."""
    AUDIT_LOG_NOT_WRITTEN = (
        "audit_log_not_written",
        "AUDIT_LOG cannot be written: the disk is full, or the file may not be written",
    )
    """Ends without an operator when the lines can be written."""


SKIPPED = (Reason.TOMBSTONE,)
"""The reasons to skip besides those that a contract names."""

REJECTED = tuple(reason for reason in Reason if reason not in SKIPPED)

VALUE_REASONS = (
    Reason.NOT_FRAMED,
    Reason.UNKNOWN_SCHEMA,
    Reason.UNSUPPORTED_SCHEMA,
    Reason.UNSAFE_SCHEMA,
    Reason.UNDECODABLE,
    Reason.VALUE_TOO_LARGE,
    Reason.TRAILING_BYTES,
    Reason.UNKNOWN_RECORD,
)
"""The reasons of a record that is rejected before any rule of a contract is applied to it."""

_REGISTRY_SETTINGS = "SCHEMA_REGISTRY_URL", "SCHEMA_REGISTRY_TYPE", "SCHEMA_REGISTRY_CONFIG"
_VALUE_SETTINGS = *_REGISTRY_SETTINGS, "AVRO_FRAMING", "SCHEMAS_DIR", "KAFKA_TOPIC"
_RECORD_ALONE = (Reason.EMPTY_VALUE, Reason.STEPPED_OVER)

SETTINGS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(REJECTED, ("SCHEMAS_DIR",)),  # the contract, also where it leads into a defect of the service
    **dict.fromkeys(VALUE_REASONS, _VALUE_SETTINGS),
    **dict.fromkeys(_RECORD_ALONE, ()),
    Reason.NOT_FRAMED: ("AVRO_FRAMING", "SCHEMA_REGISTRY_TYPE", "SCHEMA_REGISTRY_URL", "KAFKA_TOPIC"),
    Reason.UNKNOWN_RECORD: ("SCHEMAS_DIR", "ON_UNKNOWN_RECORD", "SCHEMA_REGISTRY_URL", "KAFKA_TOPIC"),
    Reason.NO_WRITE_KEY: ("SEGMENT_WRITE_KEYS", "SCHEMAS_DIR"),
}
"""
The settings that can be the cause if many records are rejected, the most likely one first.

None for a reason that is about one record, whatever the settings are.
"""

_MEANINGS: Mapping[str, str] = {reason: reason.meaning for reason in Reason}
_BLOCK_MEANINGS: Mapping[str, str] = {reason: reason.meaning for reason in BlockReason}
_REFUSED = ("http_400", "http_413", "http_422")
_OUTCOME_REASON = re.compile(r"http_\d{3}|denied_(http_\d{3}|\d{3}_not_segment)|stuck_[a-z0-9_]+")

EXAMPLE_REASONS = (*REJECTED, *_REFUSED, "denied_http_401", "denied_http_403", "denied_http_404", "stuck_http_500")
"""The reasons of dead letters, of those with a status only the frequent ones."""


def block_meaning(reason: str) -> str:
    """The explanation for the operator who has to act."""
    if reason in _BLOCK_MEANINGS:
        return _BLOCK_MEANINGS[reason]
    if reason in _REFUSED or reason.startswith(("denied_", "stuck_")):
        return "Segment does not accept a record, and ON_REJECTED=block says not to pass it"
    if reason.endswith("_not_segment"):
        return "a success that is not Segment's own: a proxy's page, or a gateway (SEGMENT_ACCEPT_ANY_BODY)"
    if reason in REJECTED:
        return f"a record that must not be passed, by ON_REJECTED or ON_UNKNOWN_RECORD: {_MEANINGS[reason]}"
    return "a response that Segment does not give: look at SEGMENT_ENDPOINT and at what is between"


def reject_meaning(reason: str) -> str:
    """Why a record was rejected, for people; "" for a word that the service does not use."""
    if reason.startswith("http_"):
        return f"Segment refuses it with status {reason.removeprefix('http_')}"
    if reason.startswith("denied_"):
        return f"a firewall or gateway denies it ({reason.removeprefix('denied_')}) while other events succeed"
    if reason.startswith("stuck_"):
        return "it keeps failing while other events succeed"
    return _MEANINGS[reason] if reason in REJECTED else ""


def is_reject_reason(word: str) -> bool:
    """Whether a dead letter can have this reason."""
    return word in REJECTED or bool(_OUTCOME_REASON.fullmatch(word))


def reason_meaning(reason: str) -> str:
    """Why a record was skipped or rejected, for people; "" for the word of a contract."""
    return reject_meaning(reason) or _MEANINGS.get(reason, "")


def is_reserved(reason: str) -> bool:
    """Whether the service itself counts under this word."""
    return reason in _MEANINGS or reason.startswith(("http_", "denied_", "stuck_"))
