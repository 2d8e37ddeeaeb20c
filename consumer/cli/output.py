"""What becomes of a record, as commands tell it: an object for scripts, lines for people."""

import math
import sys
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import click

from consumer.jsonio import dumps, iso_millis, loads, pretty
from consumer.model import Call, Message, Skipped, Translation, Unprocessable
from consumer.reasons import SET_ASIDE

CALL, SKIPPED, SET = "call", "skipped", "set_aside"


def told(message: Message, made: Translation) -> dict[str, Any]:
    """Its address, and what is made of it: the call, or the reason why there is none."""
    address = {"partition": message.partition, "offset": message.offset, "timestamp": when(message.timestamp)}
    return {**address, **_made(made)}


def _made(made: Translation) -> Mapping[str, Any]:
    match made:
        case Call(key=key, body=body):
            return {"outcome": CALL, "environment": key.environment, "call": loads(body)}
        case Skipped(reason):
            return {"outcome": SKIPPED, "reason": reason}
        case Unprocessable(reason, stage, detail, schema):
            return {"outcome": SET, "reason": reason, "stage": stage, "detail": detail, "schema": schema}
        case _:
            raise AssertionError("a command waits for schemas")


def show(it: Mapping[str, Any]) -> None:
    """Print what `told` gave: lines with indented JSON on a terminal, else one line of JSON."""
    if not sys.stdout.isatty():
        click.echo(dumps(it))
        return
    click.secho(f"{it['partition']}:{it['offset']}  {it['timestamp'] or 'no time'}  {said(it)}", bold=True)
    if it["outcome"] == CALL:
        click.echo(pretty(it["call"]))


def said(it: Mapping[str, Any]) -> str:
    """The outcome in words."""
    match it["outcome"]:
        case "call":
            return f"call, {it['environment']}" if it["environment"] else "call"
        case "skipped":
            return f"skipped: {it['reason']}"
        case _:
            meaning = SET_ASIDE.get(it["reason"], "")
            about = "; ".join(part for part in (meaning, it["detail"]) if part)
            return f"set aside: {it['reason']} ({it['stage']}: {about})"


def when(millis: int) -> str | None:
    """Milliseconds since 1970 as JSON has them; None for a record without a time, or with an absurd one."""
    try:
        return iso_millis(millis) if millis >= 0 else None
    except OverflowError:
        return None


def plain(value: Any) -> Any:
    """A decoded record as JSON can hold it: bytes in base64, a NaN or an infinity by its name."""
    match value:
        case dict():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case bytes():
            return b64encode(value).decode()
        case float() if not math.isfinite(value):
            return str(value)
        case int() if not -(2**63) <= value < 2**64:
            return str(value)
        case _:
            return value
