"""Writers' schemas: the tree of a schema's types, and what records are decoded with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from consumer.avro.connect_types import VARIABLE_SCALE_DECIMAL
from consumer.avro.logical_types import TextForm, text_form


@dataclass(frozen=True, slots=True)
class AvroType:
    """
    One type of an Avro schema, with each named type expanded in place. The types form a tree: a type that contains
    itself is expanded as often as its values may nest. A union without branches stands for what is too deep in it: a
    type without values.

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
    def can_be_out_of_range(self) -> bool:
        """Whether a value can have no text. A decimal with a scale of its own is text already when it is decoded."""
        return self.text_form is not None or self.logical == VARIABLE_SCALE_DECIMAL

    @property
    def has_texts(self) -> bool:
        """Whether this type, or a type in it, has a text form."""
        return self.text_form is not None or any(inner.has_texts for inner in self.inner)


NO_VALUE = AvroType("union")
"""What is too deep in a recursive type: records that have a value here are rejected."""


LARGE_PART = 32
"""A value is large from this part of the size on up to which values are decoded: it could take 2 MiB of memory."""


class Part(NamedTuple):
    """
    Consecutive fields of a record, in the forms that the library decodes with.

    `reader` is a record without fields if the values of these fields are not built, and else None.
    """

    writer: Any
    reader: Any = None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class WriterSchema:
    """
    A schema that records were written with, proved safe to decode with.

    `label` names the schema to people (a registry id or a file). The Avro library encodes with `parsed` and decodes
    with `strict`, the same schema in the form of `consumer.avro.strict_types`. No value of more than `max_value_bytes`
    bytes is decoded, because the decoded value could take more memory than there is. `branches` are the branches of a
    union, in the union's order: several types of record can share one schema. `memory_bytes` is what all of this keeps
    in memory. `rules` are those of the registry that readers of the values must apply (`consumer.avro.schema_rules`).
    `parts` are all fields of a record of which some are not decoded (`consumer.avro.unused_fields`); none if all are
    decoded. A schema equals no other, so that what is derived from it can be kept for as long as the schema is.
    """

    label: str
    root: AvroType
    parsed: Any
    strict: Any
    max_value_bytes: int
    branches: tuple["WriterSchema", ...] = ()
    memory_bytes: int = 0
    rules: tuple[Any, ...] = ()
    parts: tuple[Part, ...] = ()

    def is_large(self, value_bytes: int) -> bool:
        """Whether a value of so many bytes could take much memory."""
        return value_bytes * LARGE_PART > self.max_value_bytes
