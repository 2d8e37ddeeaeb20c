"""Parsed schemas in a form in which the Avro library refuses a number below zero for a branch or a symbol."""

from collections.abc import Mapping
from typing import Any


def strict(parsed: Any) -> Any:
    """
    A parsed schema, with a dict in place of each list that the library indexes with a number of the value.

    The library looks up `branches[number]` and `symbols[number]`. In a list a number below zero counts from the end, so
    damaged bytes would become a good value. A dict has no such number, and looking up in it takes no longer. It serves
    for decoding only. Source: fastavro 1.13 (_read.pyx: read_union, read_enum, extract_record_type).
    """
    if isinstance(parsed, list):
        return {"type": "union", **{number: strict(branch) for number, branch in enumerate(parsed)}}
    if isinstance(parsed, dict):
        return {**parsed, **_strict_parts(parsed)}
    return parsed


def strict_names(names: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions of named types in the strict form, by name."""
    return {name: strict(definition) for name, definition in names.items()}


def _strict_parts(parsed: Mapping[str, Any]) -> Mapping[str, Any]:
    match parsed["type"]:
        case "record" | "error":
            return {"fields": [{**field, "type": strict(field["type"])} for field in parsed["fields"]]}
        case "enum":
            return {"symbols": dict(enumerate(parsed["symbols"]))}
        case "array":
            return {"items": strict(parsed["items"])}
        case "map":
            return {"values": strict(parsed["values"])}
    return {}
