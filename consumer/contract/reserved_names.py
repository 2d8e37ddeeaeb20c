"""
Names in an event that Segment's destinations give a meaning of their own: those that they discard, and their types.

Sources, in Segment's documentation: "Warehouse Schemas" (connections/storage/warehouses/schema), whose "Event Tables"
and "Timestamps" name the columns of every event, says: "Segment discards properties with the same name as the reserved
column name (for example, `user_id`)", converts names "from CamelCase to snake_case" and flattens objects. "Spec: Track"
(connections/spec/track) and "Spec: Identify" (connections/spec/identify) have the types of reserved properties and
traits: "You should only use reserved properties for their intended meaning".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from consumer.contract.findings import Finding, either
from consumer.contract.rules import Contract
from consumer.jsonio import json_pointer

OWN_COLUMNS = frozenset(
    {
        *("anonymous_id", "event", "event_text", "id", "user_id", "uuid", "uuid_ts"),
        *("original_timestamp", "received_at", "sent_at", "timestamp"),
    }
)
"""The columns of an event's table that are not of its properties."""

CONTEXT_COLUMNS = "context_"
"""How the columns of `context` begin."""

PROPERTY_TYPES: Mapping[str, str] = {"revenue": "number", "currency": "string", "value": "number"}
"""Of reserved properties: "Spec: Track"."""

TRAIT_TYPES: Mapping[str, str] = {
    "address": "object",
    "age": "number",
    "company": "object",
    **dict.fromkeys(("avatar", "description", "email", "gender", "id", "name", "phone", "title", "website"), "string"),
    **dict.fromkeys(("birthday", "createdAt", "firstName", "lastName", "username"), "string"),
}
"""Of reserved traits: "Spec: Identify". A date is text in ISO-8601."""

_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def check_names(contract: Contract) -> Iterator[Finding]:
    """A warning for each property or trait that a destination discards, or reads as another type than it has."""
    event = _declared(contract.schema)
    yield from _columns(event.get("properties", {}))
    yield from _mistyped(event.get("properties", {}), ("properties",), PROPERTY_TYPES)
    traits = _declared(event.get("context", {})).get("traits", {})
    yield from _mistyped(traits, ("context", "traits"), TRAIT_TYPES)


def column_name(names: tuple[str, ...]) -> str:
    """The column of a property in Segment's warehouses, by the names that lead to it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", "_".join(names)).lower()


def _columns(schema: Any) -> Iterator[Finding]:
    """Of `properties`: a warehouse makes one column of the names that lead to a value."""
    pointers: dict[str, str] = {}
    for names in _leaves(schema, ()):
        column, pointer = column_name(names), json_pointer("properties", *names)
        if column in OWN_COLUMNS or column.startswith(CONTEXT_COLUMNS):
            detail = f"Segment's warehouses discard this property, because the column {column} is their own: rename it"
            yield Finding("warning", pointer, detail)
        elif not "".join(names).isascii():  # whose column Segment does not document
            continue
        elif column in pointers:
            detail = (
                f"Segment's warehouses name its column {column}, as that of {pointers[column]}: rename one of the two"
            )
            yield Finding("warning", pointer, detail)
        pointers.setdefault(column, pointer)


def _declared(schema: Any) -> Mapping[str, Any]:
    """The schemas of the properties that a schema declares, also of a value that is sent as a whole."""
    if not isinstance(schema, dict) or "const" in schema:
        return {}
    declared: Mapping[str, Any] = schema.get("properties", {})
    return declared


def _leaves(schema: Any, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The names that lead to each value, as far as a schema declares them."""
    for name, inner in _declared(schema).items():
        if _declared(inner):
            yield from _leaves(inner, (*names, name))
        else:
            yield (*names, name)


def _mistyped(schema: Any, names: tuple[str, ...], types: Mapping[str, str]) -> Iterator[Finding]:
    for name, inner in _declared(schema).items():
        own, expected = _types(inner), types.get(name, "")
        if expected and own - {expected, "null", "integer" if expected == "number" else ""}:
            kind = "trait" if names[0] == "context" else "property"
            article = "an" if expected == "object" else "a"
            own_types = either(sorted(own - {"null"}))
            detail = f"Segment reads the {kind} {name} as {article} {expected}, and it is {own_types} here"
            yield Finding("warning", json_pointer(*names, name), f"{detail}: change its type, or rename it")


def _types(schema: Any) -> set[str]:
    """The JSON types that a property's schema names; none if it names none."""
    if not isinstance(schema, dict):
        return set()
    if "const" in schema:
        return {_JSON_TYPES.get(type(schema["const"]), "null")}
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)
