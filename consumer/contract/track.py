"""What a `track` call has, and what a contract must leave to others."""

from collections.abc import Iterator, Mapping
from typing import Any

from consumer.contract.keywords import nearest
from consumer.contract.walk import Place

PROPERTIES = (
    "type",
    "event",
    "userId",
    "anonymousId",
    "messageId",
    "timestamp",
    "context",
    "properties",
    "integrations",
)
ALWAYS = ("type", "event", "userId", "messageId")
"""What Segment drops a call without, after a 200 (segment-docs, http-api); of an answer there is always a user."""

_NEVER = {
    "receivedAt": "Segment sets it",
    "sentAt": "each request sets it anew",
    "originalTimestamp": "Segment works it out from timestamp and sentAt",
    "writeKey": "it comes from the settings and is in no file",
}


def mistakes(schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Where a contract's schema, valid draft-07, is not one of a track call, and what was expected."""
    declared, required = schema.get("properties", {}), schema.get("required", [])
    for name in declared:
        if name not in PROPERTIES:
            near = nearest(name, PROPERTIES) or "; what else an event says stands in properties"
            why = _NEVER.get(name, f"a call has {', '.join(PROPERTIES)}{near}")
            yield ("properties", name), f"no {name}: {why}"
    for name in ALWAYS:
        if name not in declared or name not in required:
            yield (), f"{name} among properties and required, as Segment drops calls without it"
    if "type" in declared and declared["type"] != {**_as_dict(declared["type"]), "const": "track"}:
        yield ("properties", "type"), 'const "track"'
    for keyword in {"const", "default"} & set(_as_dict(declared.get("messageId"))):
        yield ("properties", "messageId", keyword), "x-source, as of calls with one messageId Segment takes the first"


def _as_dict(schema: Any) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {}
