"""The tree of a schema's types, and the rules by which a schema is safe to decode with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from consumer.avro.connect_types import NEGATIVE_SCALE_DECIMAL, VARIABLE_SCALE_DECIMAL
from consumer.avro.logical_types import MAX_DIGITS
from consumer.avro.recursion import endless_names, recursive_names
from consumer.avro.schema import NO_VALUE, AvroType
from consumer.avro.schema_names import PRIMITIVES
from consumer.errors import UnsafeSchema
from consumer.outside_text import outside_text

MAX_DEPTH = 64
MAX_TYPES = 10_000
MAX_JSON_DEPTH = 4 * MAX_DEPTH
"""Of a schema's JSON, in which a record in a record's field is three levels deeper."""

RECURSION_LEVELS = (20, 12, 8, 5, 3, 2, 1)
"""How many records of recursive types may be inside each other: the first number with which the tree has room."""

_ROOT = "the value"


class TypeTree(NamedTuple):
    """
    The types of a schema. `recursive` has the names of the records that contain themselves; `levels` of them may be
    inside each other in a value.
    """

    root: AvroType
    recursive: frozenset[str]
    levels: int


class _TreeTooLarge(UnsafeSchema):
    """Fewer levels of recursive types may fit."""


def build_tree(label: str, parsed: Any, names: Mapping[str, Any]) -> TypeTree:
    """
    The tree of `parsed`, a schema in full names. `names` has the definitions of the named types.

    Raises UnsafeSchema, with the path inside the schema:
    - for a record whose values cannot end, because the record has a field of its own type without a choice;
    - for arrays whose items take no bytes (a value of 5 bytes can claim twenty million items);
    - for what the Avro library accepts although it is not Avro;
    - beyond MAX_DEPTH, MAX_TYPES and MAX_DIGITS.
    """
    recursive, endless = recursive_names(names), sorted(endless_names(names))
    if endless:
        problem = "has no value that ends; let the field that leads back to its type be a union with null"
        raise UnsafeSchema(f"{label}: {outside_text(endless[0])}: {problem}")
    for levels in RECURSION_LEVELS:
        try:
            return TypeTree(_TreeBuilder(label, names, recursive, levels).build(parsed, _ROOT, ()), recursive, levels)
        except _TreeTooLarge as error:
            too_large = str(error)
            if not recursive:
                break
    raise UnsafeSchema(too_large)


class _TreeBuilder:
    """
    Counts the types of the tree, because a short schema can reuse names so that the tree grows exponentially.

    A value of 20 kB can nest a recursive type until the decoder's stack overflows, which no handler survives. So the
    tree ends at `levels` records of `recursive` types inside each other.
    """

    def __init__(self, label: str, names: Mapping[str, Any], recursive: frozenset[str], levels: int) -> None:
        self.label, self.names, self.count = label, names, 0
        self.recursive, self.levels = recursive, levels

    def build(self, schema: Any, path: str, parents: tuple[str, ...]) -> AvroType:
        """`parents`: the full names of the types around this type, outermost first; "" for a type without a name."""
        self.count += 1
        if len(parents) >= MAX_DEPTH:
            raise _TreeTooLarge(self.text(path, f"types nested more than {MAX_DEPTH} deep; flatten the schema"))
        if self.count > MAX_TYPES:
            problem = f"more than {MAX_TYPES} types, with named types expanded; make the schema smaller"
            raise _TreeTooLarge(self.text(path, problem))
        if isinstance(schema, list):
            return AvroType("union", branches=tuple(self.build(branch, path, (*parents, "")) for branch in schema))
        if isinstance(schema, dict):
            return self.build_complex(schema, path, parents)
        if schema in PRIMITIVES:
            return AvroType(schema)
        return self.build_complex(self.names[schema], path, parents)

    def build_complex(self, schema: Any, path: str, parents: tuple[str, ...]) -> AvroType:
        match schema["type"]:
            case "record" | "error":
                return self.build_record(schema, path, parents)
            case "map":
                return AvroType("map", items=self.build(schema["values"], f"{path}[]", (*parents, "")))
            case "array":
                return self.build_array(schema, path, parents)
            case "enum":
                return AvroType("enum", name=schema["name"], symbols=tuple(schema["symbols"]))
            case "fixed" if not (type(schema["size"]) is int and schema["size"] > 0):
                raise self.unsafe(path, "a fixed whose size is not a positive integer")
        return self.build_leaf(schema, path)

    def build_leaf(self, schema: Any, path: str) -> AvroType:
        logical, digits, scale = schema.get("logicalType", ""), 0, schema.get("scale", 0)
        if logical == "decimal":
            digits = schema["precision"]
        if logical == NEGATIVE_SCALE_DECIMAL:
            digits = abs(scale)
        if digits > MAX_DIGITS:
            raise self.unsafe(path, f"a decimal of more than {MAX_DIGITS} digits; lower its precision")
        name, size = schema.get("name", ""), schema.get("size", 0)
        return AvroType(schema["type"], logical, name, digits=digits, scale=scale, size=size)

    def build_array(self, schema: Any, path: str, parents: tuple[str, ...]) -> AvroType:
        items = self.build(schema["items"], f"{path}[]", (*parents, ""))
        if takes_no_bytes(items):
            raise self.unsafe(path, "an array of items that take no bytes; five bytes can claim millions of items")
        return AvroType("array", items=items)

    def build_record(self, schema: Any, path: str, parents: tuple[str, ...]) -> AvroType:
        name = schema["name"]
        if schema.get("logicalType") == VARIABLE_SCALE_DECIMAL:
            return AvroType("string", VARIABLE_SCALE_DECIMAL, name)
        if name in self.recursive and sum(parent in self.recursive for parent in parents) >= self.levels:
            return NO_VALUE
        prefix = name if path == _ROOT else path
        fields: dict[str, AvroType] = {}
        for record_field in schema["fields"]:
            field_name, field_path = record_field["name"], f"{prefix}.{record_field['name']}"
            if field_name in fields or not isinstance(field_name, str):
                raise self.unsafe(field_path, "a field whose name is not text, or is the name of another field")
            fields[field_name] = self.build(record_field["type"], field_path, (*parents, name))
        docs = {field["name"]: field["doc"] for field in schema["fields"] if isinstance(field.get("doc"), str)}
        return AvroType("record", name=name, fields=fields, docs=docs)

    def unsafe(self, path: str, problem: str) -> UnsafeSchema:
        return UnsafeSchema(self.text(path, problem))

    def text(self, path: str, problem: str) -> str:
        return f"{self.label}: {outside_text(path)}: {problem}"


def takes_no_bytes(avro: AvroType) -> bool:
    """Whether every value of the type is encoded in nothing."""
    return avro.kind == "null" or (avro.kind == "record" and all(map(takes_no_bytes, avro.fields.values())))
