"""The tree of a parsed schema's types, and what makes a schema unsafe to decode with."""

from collections.abc import Iterable, Mapping
from typing import Any

from consumer.errors import UnsafeSchema
from consumer.schema import AvroType

MAX_DEPTH = 64
MAX_TYPES = 10_000

_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


def build(label: str, parsed: Any, names: Mapping[str, Any]) -> AvroType:
    """
    The tree of `parsed`, a schema in full names, with what `names` defines put in place.

    Raises UnsafeSchema for recursion (a 20 KB value can overflow the decoder's stack, which no handler survives), for
    arrays of items that take no bytes (a 5 byte value can say twenty million of them), and beyond the limits above.
    """
    return _Builder(label, names).build(parsed, "the value", ())


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
        kind, logical, name = schema["type"], str(schema.get("logicalType", "")), schema.get("name", "")
        if kind in ("record", "error"):
            return self.build_record(schema, path, around)
        if kind == "map":
            return AvroType("map", logical, items=self.build(schema["values"], f"{path}[]", (*around, "")))
        if kind == "array":
            if self.takes_no_bytes(schema["items"], around):
                raise self.unsafe(path, "an array of items that take no bytes; five bytes can claim millions of them")
            return AvroType("array", logical, items=self.build(schema["items"], f"{path}[]", (*around, "")))
        symbols = tuple(schema["symbols"]) if kind == "enum" else ()
        return AvroType(kind, logical, name if kind in ("enum", "fixed") else "", symbols=symbols)

    def build_record(self, schema: Any, path: str, around: tuple[str, ...]) -> AvroType:
        name = schema["name"]
        if name in around:
            raise self.unsafe(path, f"{name} contains itself, so a value can nest until the decoder crashes; unroll it")
        return AvroType("record", name=name, fields=self.build_fields(schema, path, (*around, name)))

    def build_fields(self, schema: Any, path: str, around: tuple[str, ...]) -> dict[str, AvroType]:
        if not all(isinstance(field["name"], str) for field in schema["fields"]):
            raise self.unsafe(path, "a field whose name is no text")
        return {
            field["name"]: self.build(field["type"], f"{path}.{field['name']}", around) for field in schema["fields"]
        }

    def takes_no_bytes(self, schema: Any, around: tuple[str, ...]) -> bool:
        if isinstance(schema, list):
            return False
        if not isinstance(schema, dict):
            return schema == "null" or (schema not in _PRIMITIVES and self.takes_no_bytes(self.names[schema], around))
        kind = schema["type"]
        if kind in ("record", "error") and schema["name"] not in around:
            inside = (*around, schema["name"])
            return all(self.takes_no_bytes(field["type"], inside) for field in schema["fields"])
        return bool(kind == "null" or (kind == "fixed" and int(schema["size"]) <= 0))

    def unsafe(self, path: str, what: str) -> UnsafeSchema:
        return UnsafeSchema(f"{self.label}: {path}: {what}")
