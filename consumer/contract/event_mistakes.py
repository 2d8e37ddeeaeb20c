"""Where the schema in a contract file is no schema of a track event."""

from collections.abc import Iterator, Mapping
from typing import Any

from consumer.contract.keywords import Mistake, suggestion
from consumer.segment_limits import EVENT_PROPERTIES, PROPERTIES_OF_OTHERS, REQUIRED_PROPERTIES


def event_mistakes(schema: Mapping[str, Any]) -> Iterator[Mistake]:
    """Where a contract's schema, which is valid draft-07, is not the schema of a track event."""
    declared, required = schema.get("properties", {}), schema.get("required", [])
    for name in declared:
        if name not in EVENT_PROPERTIES:
            yield Mistake(("properties", name), f"no {name}: {_why_not(name)}")
    for name in REQUIRED_PROPERTIES:
        if name not in declared or name not in required:
            yield Mistake((), f"{name} among properties and required, because Segment drops events without it")
    if "type" in declared and declared["type"] != {**_keywords(declared["type"]), "const": "track"}:
        yield Mistake(("properties", "type"), 'const "track"')
    for keyword in ("const", "default"):
        if keyword in _keywords(declared.get("messageId")):
            expected = "x-source, because of events with the same messageId Segment keeps only the first"
            yield Mistake(("properties", "messageId", keyword), expected)


def _why_not(name: str) -> str:
    if name in PROPERTIES_OF_OTHERS:
        return PROPERTIES_OF_OTHERS[name]
    hint = suggestion(name, EVENT_PROPERTIES) or "; all other properties belong in `properties`"
    return f"a track event has {', '.join(EVENT_PROPERTIES)}{hint}"


def _keywords(schema: Any) -> Mapping[str, Any]:
    """Of a schema, which may be a boolean."""
    if isinstance(schema, dict):
        return schema
    return {}
