"""The rule for a property that comes from a field of the record, in a first contract."""

from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.field_guesses import Leaf, is_id, time_conversion, unit_text
from consumer.contract.json_types import is_binary, json_type, type_name
from consumer.contract.source_path import is_prefixed

MAX_LEVELS = 5
"""Types inside each other that a rule describes."""

_FORMATS = {"date": "date", "timestamp": "date-time"}


def property_rule(leaf: Leaf) -> dict[str, Any]:
    """The JSON Schema of the field's values as the event has them, with the annotations that give them this form."""
    rule: dict[str, Any] = {"description": leaf.doc} if leaf.doc else {}
    convert = time_conversion(leaf)
    if is_id(leaf):
        rule |= {"type": _types(["string"], leaf.avro.nullable), "x-convert": "string"}
    elif convert:
        rule = {"$comment": f"A guess: {time_reason(leaf)}.", **rule}
        rule |= {"type": _types(["string"], leaf.avro.nullable), "format": "date-time", "x-convert": convert}
    else:
        rule |= _json_rule(leaf.avro, 1)
    if is_prefixed(leaf.path) or "properties" in rule:  # an object without a source is built from its properties
        rule["x-source"] = leaf.path
    return rule


def time_reason(leaf: Leaf) -> str:
    """Why the field's numbers become times."""
    return f"a time because of its name{unit_text(leaf)}"


def _json_rule(avro: AvroType, level: int) -> dict[str, Any]:
    """The JSON Schema of a type's values as they are without a conversion."""
    types = [*dict.fromkeys(map(json_type, avro.alternatives))]
    if "number" in types and "integer" in types:
        types.remove("integer")
    rule: dict[str, Any] = {"type": _types(types, avro.nullable)} if types or avro.nullable else {}
    if len(avro.alternatives) == 1:
        rule |= _details(avro.alternatives[0], level)
    return rule


def _details(avro: AvroType, level: int) -> dict[str, Any]:
    if is_binary(avro):
        return {"contentEncoding": "base64"}
    if type_name(avro) in _FORMATS:
        return {"format": _FORMATS[type_name(avro)]}
    if level == MAX_LEVELS:
        return {}
    if avro.kind == "array" and avro.items:
        return {"items": _json_rule(avro.items, level + 1)}
    if avro.kind == "map" and avro.items:
        return {"additionalProperties": _json_rule(avro.items, level + 1)}
    if avro.fields:
        return {"properties": {name: _json_rule(inner, level + 1) for name, inner in avro.fields.items()}}
    return {}


def _types(names: list[str], nullable: bool) -> Any:
    """The value of `type`."""
    if nullable:
        names = [*names, "null"]
    if len(names) == 1:
        return names[0]
    return names
