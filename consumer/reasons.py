"""Why records are skipped or set aside: every word that the service counts under, with its meaning."""

from collections.abc import Mapping

NO_WRITE_KEY = "no_write_key"
"""Alone among its like it says nothing about the stream's quality, as it is a setting that is to be mended."""

STEPPED_OVER = "stepped_over"

UNREADABLE_BATCH = "unreadable_batch"
"""Unlike other holds of a partition it ends by itself, when the batch can be read or is there no more."""

SKIPPED: Mapping[str, str] = {"tombstone": "a null value"}
"""Besides those that a contract names."""

SET_ASIDE: Mapping[str, str] = {
    "empty_value": "a value of no bytes, which no schema describes",
    "not_framed": "nothing says which schema wrote it, in the way that AVRO_FRAMING names",
    "unknown_schema": "its schema is not in the registry, or in no file",
    "unsupported_schema": "its schema is not Avro",
    "unsafe_schema": "its schema must not be decoded with",
    "undecodable": "bytes that its schema does not describe",
    "value_too_large": "so many bytes that decoding them could take more memory than there is",
    "trailing_bytes": "bytes are left behind the record",
    "unknown_record": "no contract is for its type",
    "missing_required": "a property that the contract requires has no value",
    "integer_too_large": "an integer beyond 2^53-1, which its reader would take for another one",
    "non_finite_number": "a NaN or an infinity, which JSON has no word for",
    "time_out_of_range": "a time outside of the years 1 to 9999",
    "not_json": "text that the contract takes for JSON, and that is none",
    "nested_too_deep": "JSON text with more than 64 lists and objects inside each other",
    "no_label": "a value that the contract's labels do not name",
    "invalid": "the call would break a rule of the contract or of Segment",
    "event_too_large": "the call is larger than Segment takes",
    NO_WRITE_KEY: "SEGMENT_WRITE_KEYS has none for its environment, or it names no environment",
    STEPPED_OVER: "an operator let the group step over it",
}
"""Besides `http_<status>` for a call that Segment refuses, and `stuck_<reason>` for one that never goes through."""

REFUSED = ("http_400", "http_413", "http_422")

HOLDS: Mapping[str, str] = {
    "http_401": "Segment refuses the write key",
    "http_403": "Segment, or something on the way to it, forbids the request",
    "http_404": "there is no batch endpoint where SEGMENT_ENDPOINT points",
    "everything_refused": "MAX_CONSECUTIVE_REFUSALS single events in a row were refused, with no success between",
    "dead_letter_limit": "MAX_CONSECUTIVE_DEAD_LETTERS records in a row were rejected: look at topic and contract",
    "dead_letter_too_large": "the dead-letter topic takes no record of this size: raise its max.message.bytes",
    "dead_letter_refused": "the dead-letter topic takes this record under no circumstances: look at its settings",
    "no_committed_offset": "the group has no offset, and KAFKA_AUTO_OFFSET_RESET=error lets somebody decide",
    "offset_out_of_range": "Kafka deleted what was to be read next, and KAFKA_AUTO_OFFSET_RESET=error holds",
    UNREADABLE_BATCH: "a batch cannot be unpacked: it is damaged, or larger than receive.message.max.bytes",
}
"""Why keys and partitions hold. Besides these `http_<status>`, `<status>_not_segment`, and a record's own reason."""


def hold_meaning(reason: str) -> str:
    """What somebody reads who has to mend it."""
    if reason in HOLDS:
        return HOLDS[reason]
    if reason in REFUSED or reason.startswith("stuck_"):
        return "a record that Segment does not take, and that must not be set aside, by ON_REJECTED"
    if reason.endswith("_not_segment"):
        return "a success that is not Segment's own: a proxy's page, or a gateway (SEGMENT_ACCEPT_ANY_BODY)"
    if reason in SET_ASIDE:
        return f"a record that must not be set aside, by ON_REJECTED or ON_UNKNOWN_RECORD: {SET_ASIDE[reason]}"
    return "an answer that Segment does not give: look at SEGMENT_ENDPOINT and at what is between"


def aside_meaning(reason: str) -> str:
    """Why a record was set aside, for people; "" for a word that is not ours."""
    if reason.startswith("http_"):
        return f"Segment refuses it with status {reason.removeprefix('http_')}"
    if reason.startswith("stuck_"):
        return "it never goes through, though others do"
    return SET_ASIDE.get(reason, "")


def reserved(reason: str) -> bool:
    """Whether the service itself counts under this word."""
    return reason in SKIPPED or reason in SET_ASIDE or reason.startswith(("http_", "stuck_"))
