"""The tree of a parsed schema's types, and what makes a schema unsafe to decode with."""

from collections.abc import Iterable, Mapping
from typing import Any

from consumer.avro.logical_types import MAX_DIGITS
from consumer.avro.schema import AvroType
from consumer.errors import UnsafeSchema

MAX_DEPTH = 64
MAX_TYPES = 10_000

_ROOT = "the value"
_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


def build(label: str, parsed: Any, names: Mapping[str, Any]) -> AvroType:
    """
    The tree of `parsed`, a schema in full names, with what `names` defines put in place.

    Raises UnsafeSchema, with the path of what it is about, for recursion (a 20 KB value can overflow the decoder's
    stack, which no handler survives), for arrays of items that take no bytes (a 5 byte value can say twenty million of
    them), for what the Avro library takes although it is no Avro, and beyond the limits above.
    """
    return _Builder(label, names).build(parsed, _ROOT, ())


def nests_deeper(value: Any) -> bool:
    """Whether a schema's JSON nests deeper than one within the limits: parsing it could overflow the stack already."""
    level = [value]
    for _ in range(4 * MAX_DEPTH):  # a record in a record's field is three deeper
        level = [inner for outer in level for inner in _inner(outer)]
    return bool(level)


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class _Builder:
    """Counts the types that it puts in place: a short schema can name others so that their tree grows exponentially."""

    def __init__(self, label: str, names: Mapping[str, Any]) -> None:
        self.label, self.names, self.count = label, names, 0

    def build(self, schema: Any, path: str, around: tuple[str, ...]) -> AvroType:
        """`around`: the full names of the types that this one is in, "" for those without a name."""
        self.count += 1
        if len(around) >= MAX_DEPTH:
            raise self.unsafe(path, f"types in types more than {MAX_DEPTH} deep; flatten the schema")
        if self.count > MAX_TYPES:
            raise self.unsafe(path, f"more than {MAX_TYPES} types once named ones are put in place; make it smaller")
        if isinstance(schema, list):
            return AvroType("union", branches=tuple(self.build(branch, path, (*around, "")) for branch in schema))
        if isinstance(schema, dict):
            return self.build_complex(schema, path, around)
        return AvroType(schema) if schema in _PRIMITIVES else self.build_complex(self.names[schema], path, around)

    def build_complex(self, schema: Any, path: str, around: tuple[str, ...]) -> AvroType:
        kind, logical = schema["type"], schema.get("logicalType", "")
        match kind:
            case "record" | "error":
                return self.build_record(schema, path, around)
            case "map":
                return AvroType("map", items=self.build(schema["values"], f"{path}[]", (*around, "")))
            case "array":
                return self.build_array(schema, path, around)
            case "enum":
                return AvroType("enum", name=schema["name"], symbols=tuple(schema["symbols"]))
            case "fixed" if not (type(schema["size"]) is int and schema["size"] > 0):
                raise self.unsafe(path, "a fixed whose size is no positive integer")
        if logical == "decimal" and schema["precision"] > MAX_DIGITS:
            raise self.unsafe(path, f"a decimal of more than {MAX_DIGITS} digits; lower its precision")
        digits = schema["precision"] if logical == "decimal" else 0
        return AvroType(kind, logical, schema.get("name", ""), digits=digits)

    def build_array(self, schema: Any, path: str, around: tuple[str, ...]) -> AvroType:
        items = self.build(schema["items"], f"{path}[]", (*around, ""))
        if _takes_no_bytes(items):
            raise self.unsafe(path, "an array of items that take no bytes; five bytes can claim millions of them")
        return AvroType("array", items=items)

    def build_record(self, schema: Any, path: str, around: tuple[str, ...]) -> AvroType:
        name = schema["name"]
        if name in around:
            raise self.unsafe(path, f"{name} contains itself, so a value can nest until the decoder crashes; unroll it")
        fields: dict[str, AvroType] = {}
        for field in schema["fields"]:
            place = f"{name if path == _ROOT else path}.{field['name']}"
            if field["name"] in fields or not isinstance(field["name"], str):
                raise self.unsafe(place, "a field whose name is no text, or another field's")
            fields[field["name"]] = self.build(field["type"], place, (*around, name))
        return AvroType("record", name=name, fields=fields)

    def unsafe(self, path: str, what: str) -> UnsafeSchema:
        return UnsafeSchema(f"{self.label}: {path}: {what}")


def _takes_no_bytes(avro: AvroType) -> bool:
    return avro.kind == "null" or (avro.kind == "record" and all(map(_takes_no_bytes, avro.fields.values())))
