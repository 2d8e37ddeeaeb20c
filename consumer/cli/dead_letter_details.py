"""One dead letter in full: its record as far as it can be read, what went wrong where, what would become of it now."""

from collections.abc import Mapping
from typing import Any

import click

from consumer.avro import decoder
from consumer.cli import output
from consumer.cli.terminal import table
from consumer.errors import RecordError
from consumer.jsonio import pretty
from consumer.kafka.letters import Kept
from consumer.model import Pending
from consumer.pipeline.record_processor import Steps, Translator
from consumer.reasons import aside_meaning

_BYTES_SHOWN = 64


def described(letter: Kept, steps: Steps, translator: Translator) -> dict[str, Any]:
    """
    Everything about a letter, for scripts.

    `fields` are those that were read before it failed, in full if `fails_at` is ""; `now` is what would become of it
    with the present settings, schemas and contracts.
    """
    record, value = letter.record, letter.record.value or b""
    fields, fails_at = _read(letter, steps)
    return {
        "topic": letter.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": output.when(record.timestamp),
        "reason": letter.reason,
        "stage": letter.stage,
        "detail": letter.detail,
        "schema": letter.schema,
        "attempts": letter.attempts,
        "version": letter.version,
        "letter": f"{letter.at.partition}:{letter.at.offset}",
        "key": output.plain(record.key),
        "size": len(value),
        "begins": value[:_BYTES_SHOWN].hex(" "),
        "fields": output.plain(fields),
        "fails_at": fails_at,
        "now": output.told(record, translator.translate(record)),
    }


def printed(it: Mapping[str, Any]) -> None:
    """The same for people."""
    about = f"{it['reason']}: {aside_meaning(it['reason'])}"
    rows = [
        ("set aside", about),
        ("at", f"{it['stage']}{it['detail'] and ': '}{it['detail']}"),
        ("schema", it["schema"]),
        ("record's time", it["timestamp"] or "none"),
        ("attempts", str(it["attempts"])),
        ("by version", it["version"]),
        ("letter", f"{it['letter']} of the dead-letter topic"),
        ("value", f"{it['size']} bytes: {it['begins']}{' ...' if it['size'] > _BYTES_SHOWN else ''}"),
        ("now", output.said(it["now"])),
    ]
    table(f"{it['topic']} {it['partition']}:{it['offset']}", ("", ""), rows)
    if it["fields"] is not None:
        click.secho(f"read up to {it['fails_at']}, which fails" if it["fails_at"] else "the record", bold=True)
        click.echo(pretty(it["fields"]))
    if it["now"]["outcome"] == output.CALL:
        click.secho("the call that it would be now", bold=True)
        click.echo(pretty(it["now"]["call"]))


def _read(letter: Kept, steps: Steps) -> tuple[Any, str]:
    """The record, as far as it goes, and what of it fails; no record at all if its schema cannot be had."""
    try:
        reference, start = steps.frame(letter.record)
        schema = steps.schema(reference)
        assert not isinstance(schema, Pending), "a command waits for schemas"
        value = letter.record.value or b""
        if schema.branches:
            number, start = steps.branch(value, start)
            schema = schema.branches[number]
        return decoder.as_far_as_it_goes(schema, value, start)
    except (RecordError, IndexError):
        return None, ""
