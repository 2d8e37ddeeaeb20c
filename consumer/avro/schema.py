"""Writers' schemas: the tree of a schema's types, and the rules by which a schema is safe to decode with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consumer.avro.logical_types import MAX_DIGITS, TextForm, text_form
from consumer.errors import UnsafeSchema
from consumer.outside_text import outside_text

MAX_DEPTH = 64
MAX_TYPES = 10_000
MAX_JSON_DEPTH = 4 * MAX_DEPTH
"""Of a schema's JSON, in which a record in a record's field is three levels deeper."""

_ROOT = "the value"
PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


@dataclass(frozen=True, slots=True)
class AvroType:
    """
    One type of an Avro schema, with each named type expanded in place. The types form a tree: recursion is refused.

    `kind` is Avro's name of the type (`union` for unions), `logical` its logicalType or "". `name` is the full name of
    a named type. `fields` belong to records, as well as `docs`, which has the documentation of fields that have some.
    `items` belong to arrays and maps (the map's values), `branches` to unions, `symbols` to enums, `size` (in bytes) to
    fixed types, `digits` (the most digits of a value) and `scale` to decimals. The kind `any` stands for a value of any
    type; the contract's compatibility check uses it for parsed JSON.
    """

    kind: str
    logical: str = ""
    name: str = ""
    fields: Mapping[str, "AvroType"] = field(default_factory=dict)
    items: "AvroType | None" = None
    branches: tuple["AvroType", ...] = ()
    symbols: tuple[str, ...] = ()
    digits: int = 0
    scale: int = 0
    size: int = 0
    docs: Mapping[str, str] = field(default_factory=dict)

    @property
    def nullable(self) -> bool:
        return self.kind == "null" or any(branch.nullable for branch in self.branches)

    @property
    def alternatives(self) -> tuple["AvroType", ...]:
        """The types that a value can have: the branches of a union without null, else the type itself."""
        if self.kind == "union":
            return tuple(alternative for branch in self.branches for alternative in branch.alternatives)
        if self.kind == "null":
            return ()
        return (self,)

    @property
    def inner(self) -> tuple["AvroType", ...]:
        """The types that this type is made of."""
        return (*self.fields.values(), *((self.items,) if self.items else ()), *self.branches)

    @property
    def text_form(self) -> TextForm | None:
        """How the values of a logical type are written as text, None for all other types."""
        return text_form(self.kind, self.logical, self.scale) if self.logical else None

    @property
    def has_texts(self) -> bool:
        """Whether this type, or a type in it, has a text form."""
        return self.text_form is not None or any(inner.has_texts for inner in self.inner)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class WriterSchema:
    """
    A schema that records were written with, proved safe to decode with.

    `label` names the schema to people (a registry id or a file). The Avro library encodes with `parsed` and decodes
    with `strict`, the same schema in the form of `consumer.avro.strict_types`. No value of more than `max_value_bytes`
    bytes is decoded, because the decoded value could take more memory than there is. `branches` are the branches of a
    union, in the union's order: several types of record can share one schema. `memory_bytes` is what all of this keeps
    in memory. A schema equals no other, so that what is derived from it can be kept for as long as the schema is.
    """

    label: str
    root: AvroType
    parsed: Any
    strict: Any
    max_value_bytes: int
    branches: tuple["WriterSchema", ...] = ()
    memory_bytes: int = 0


def build_tree(label: str, parsed: Any, names: Mapping[str, Any]) -> AvroType:
    """
    The tree of `parsed`, a schema in full names. `names` has the definitions of the named types.

    Raises UnsafeSchema, with the path inside the schema:
    - for recursion (a value of 20 KB can overflow the decoder's stack, which no handler survives);
    - for arrays whose items take no bytes (a value of 5 bytes can claim twenty million items);
    - for what the Avro library accepts although it is not Avro;
    - beyond MAX_DEPTH, MAX_TYPES and MAX_DIGITS.
    """
    return _TreeBuilder(label, names).build(parsed, _ROOT, ())


class _TreeBuilder:
    """Counts the types of the tree, because a short schema can reuse names so that the tree grows exponentially."""

    def __init__(self, label: str, names: Mapping[str, Any]) -> None:
        self.label, self.names, self.count = label, names, 0

    def build(self, schema: Any, path: str, parents: tuple[str, ...]) -> AvroType:
        """`parents`: the full names of the types around this type, outermost first; "" for a type without a name."""
        self.count += 1
        if len(parents) >= MAX_DEPTH:
            raise self.unsafe(path, f"types nested more than {MAX_DEPTH} deep; flatten the schema")
        if self.count > MAX_TYPES:
            raise self.unsafe(path, f"more than {MAX_TYPES} types, with named types expanded; make the schema smaller")
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
        logical, digits, scale = schema.get("logicalType", ""), 0, 0
        if logical == "decimal":
            digits, scale = schema["precision"], schema.get("scale", 0)
        if digits > MAX_DIGITS:
            raise self.unsafe(path, f"a decimal of more than {MAX_DIGITS} digits; lower its precision")
        name, size = schema.get("name", ""), schema.get("size", 0)
        return AvroType(schema["type"], logical, name, digits=digits, scale=scale, size=size)

    def build_array(self, schema: Any, path: str, parents: tuple[str, ...]) -> AvroType:
        items = self.build(schema["items"], f"{path}[]", (*parents, ""))
        if _takes_no_bytes(items):
            raise self.unsafe(path, "an array of items that take no bytes; five bytes can claim millions of items")
        return AvroType("array", items=items)

    def build_record(self, schema: Any, path: str, parents: tuple[str, ...]) -> AvroType:
        name = schema["name"]
        if name in parents:
            problem = "contains itself, so a value can nest until the decoder crashes; remove the recursion"
            raise self.unsafe(path, f"{outside_text(name)} {problem}")
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
        return UnsafeSchema(f"{self.label}: {outside_text(path)}: {problem}")


def _takes_no_bytes(avro: AvroType) -> bool:
    return avro.kind == "null" or (avro.kind == "record" and all(map(_takes_no_bytes, avro.fields.values())))
