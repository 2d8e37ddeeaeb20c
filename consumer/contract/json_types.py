"""The JSON type that values of an Avro type have in an event, and the names of types for people."""

from collections.abc import Mapping

from consumer.avro.schema import AvroType

ANYTHING = AvroType("any")
"""Not a type of Avro: the type of a value of which nothing is known, such as JSON in a text."""

_JSON_TYPES: Mapping[str, str] = {
    "null": "null",
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "string": "string",
    "enum": "string",
    "bytes": "string",
    "fixed": "string",
    "array": "array",
    "map": "object",
    "record": "object",
}
_LOGICAL_TEXTS: Mapping[str, str] = {
    "date": "date",
    "time-": "time",
    "timestamp-": "timestamp",
    "local-timestamp-": "timestamp",
    "decimal": "decimal",
    "variable-scale-decimal": "decimal",
    "negative-scale-decimal": "decimal",
    "uuid": "uuid",
}
"""By how the name of a logical type begins: the name for people. The values of all of them are text in JSON."""


def json_type(avro: AvroType) -> str:
    """The JSON type of a type's values (docs/avro.md), for types other than unions."""
    if _logical_name(avro):
        return "string"
    return _JSON_TYPES[avro.kind]


def is_binary(avro: AvroType) -> bool:
    """Whether the values are bytes, which JSON has in base64."""
    return type_name(avro) in ("bytes", "fixed")


def type_name(avro: AvroType) -> str:
    """The type as a reader of the schema calls it: `decimal`, `timestamp`, or Avro's own name of the kind."""
    return _logical_name(avro) or avro.kind


def type_in_event(avro: AvroType, converted: AvroType) -> str:
    """The type's name, and that its values are text in the event if the name does not say so: `decimal (as text)`."""
    name = type_name(avro)
    if is_binary(converted):
        return f"{name} (as text in base64)"
    if name not in ("string", "enum") and converted != ANYTHING and json_type(converted) == "string":
        return f"{name} (as text)"
    return name


def _logical_name(avro: AvroType) -> str:
    return next((name for begin, name in _LOGICAL_TEXTS.items() if avro.logical.startswith(begin)), "")
