"""One dead letter in a line, or in full: its record, what went wrong, and what the record would become now."""

from collections.abc import Mapping
from typing import Any

from consumer.avro import decoder
from consumer.cli import output
from consumer.cli.output import label, print_indented, print_text, table
from consumer.contract.value_forms import readable
from consumer.errors import RecordError
from consumer.kafka.dead_letter_headers import StoredDeadLetter
from consumer.model import Pending
from consumer.pipeline.record_mapper import DecodeStages, RecordMapper
from consumer.reasons import reject_meaning

_MAX_PRINTED_BYTES = 64


def as_dict(dead_letter: StoredDeadLetter, stages: DecodeStages, mapper: RecordMapper) -> dict[str, Any]:
    """
    Everything about a dead letter, for scripts.

    `fields` are the fields that were decoded before decoding failed at `fails_at` ("": it did not fail). `now` is what
    the record would become with the present settings, schemas and contracts.
    """
    record, value = dead_letter.record, dead_letter.record.value or b""
    fields, fails_at = _decode(dead_letter, stages)
    return {
        "topic": dead_letter.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": output.iso_time(record.timestamp),
        "rejected_at": output.iso_time(dead_letter.rejected_at),
        "reason": dead_letter.rejected.reason,
        "stage": dead_letter.rejected.stage,
        "detail": dead_letter.rejected.detail,
        "schema": dead_letter.rejected.schema,
        "attempts": dead_letter.attempts,
        "version": dead_letter.version,
        "letter": str(dead_letter.stored.address),
        "headers_unreadable": record.headers_unreadable,
        "key": output.json_value(record.key),
        "size": len(value),
        "begins": value[:_MAX_PRINTED_BYTES].hex(" "),
        "fields": output.json_value(fields),
        "fails_at": fails_at,
        "now": output.as_dict(record, mapper.map(record)),
    }


def print_line(dead_letter: StoredDeadLetter, replayed: bool, as_json: bool) -> None:
    """Print where the record is and why it was rejected, and nothing of its value."""
    record, reason = dead_letter.record, dead_letter.rejected.reason
    if not as_json:
        time, event = output.iso_time(record.timestamp), (dead_letter.message_id, dead_letter.event_name)
        texts = (str(record.address), time, reason, "replayed" if replayed else "", *event)
        print_text("  ".join(text or "-" for text in texts), hanging=2)
        return
    line = {
        "topic": dead_letter.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": output.iso_time(record.timestamp),
        "rejected_at": output.iso_time(dead_letter.rejected_at),
        "reason": reason,
        "replayed": replayed,
        "message_id": dead_letter.message_id or None,
        "event": dead_letter.event_name or None,
    }
    output.print_json(line)


def print_details(details: Mapping[str, Any]) -> None:
    """Print what `as_dict` returned for people."""
    reason, now = details["reason"], details["now"]
    value = f"{details['size']} bytes: {details['begins']}"
    if details["size"] > _MAX_PRINTED_BYTES:
        value += " ..."
    rows = [
        ("rejected", f"{reason}: {reject_meaning(reason)}"),
        ("stage", label(details["stage"], details["detail"], ": ")),
        ("schema", details["schema"]),
        ("record's time", details["timestamp"] or "none"),
        ("rejected at", details["rejected_at"] or "not known"),
        ("attempts", str(details["attempts"])),
        ("by version", details["version"]),
        ("dead letter", f"{details['letter']} of the dead-letter topic"),
        ("value", value),
        ("now", output.describe_outcome(now)),
    ]
    if details["headers_unreadable"]:
        rows.insert(-2, ("headers", "not kept, because the name of a header is not UTF-8"))
    table(f"{details['topic']} {details['partition']}:{details['offset']}", ("", ""), rows)
    if details["fields"] is not None:
        heading = "the record"
        if details["fails_at"]:
            heading = f"decoded up to {details['fails_at']}, which fails"
        print_text(heading, bold=True)
        print_indented(details["fields"])
    if now["outcome"] == output.EVENT:
        print_text("the event that the record would become now", bold=True)
        print_indented(now["call"])


def _decode(dead_letter: StoredDeadLetter, stages: DecodeStages) -> tuple[Any, str]:
    """The record as far as it can be decoded, and the field that fails; None if its schema is not available."""
    try:
        reference, start, value = stages.frame(dead_letter.record)
        schema = stages.schema(reference)
        assert not isinstance(schema, Pending), "a command waits for schemas"
        if schema.branches:
            branch, start = stages.branch(value, start)
            schema = schema.branches[branch]
        fields, fails_at = decoder.decode_partially(schema, value, start)
        return {name: readable(schema.root.fields[name], field) for name, field in fields.items()}, fails_at
    except (RecordError, IndexError):
        return None, ""
