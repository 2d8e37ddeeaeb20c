"""What is known of a writer's schema: the tree of its types, which says what a decoded record can hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AvroType:
    """
    One type of an Avro schema with its named types put in place; a tree, as recursive schemas are refused.

    `kind` is Avro's type name (`union` for unions), `logical` its logicalType or "". `name` is the full name of a
    named type. `fields` belong to records, `items` to arrays and maps (their values), `branches` to unions, `symbols`
    to enums, `digits` (the most that it can have) to decimals.
    """

    kind: str
    logical: str = ""
    name: str = ""
    fields: Mapping[str, "AvroType"] = field(default_factory=dict)
    items: "AvroType | None" = None
    branches: tuple["AvroType", ...] = ()
    symbols: tuple[str, ...] = ()
    digits: int = 0

    @property
    def nullable(self) -> bool:
        return self.kind == "null" or any(branch.nullable for branch in self.branches)

    @property
    def alternatives(self) -> tuple["AvroType", ...]:
        """What a value can be: the branches of a union without null, else the type itself."""
        if self.kind == "union":
            return tuple(one for branch in self.branches for one in branch.alternatives)
        return () if self.kind == "null" else (self,)


@dataclass(frozen=True, slots=True)
class WriterSchema:
    """
    A schema that records were written with, proved safe to decode with.

    `label` names it to people (a registry id or a file), `parsed` is what the Avro library decodes with. `branches`
    are those of a union, in its order: several types of record can share one schema. No value of more than `longest`
    bytes is decoded, as it could take more memory than there is.
    """

    label: str
    root: AvroType
    parsed: Any
    longest: int
    branches: tuple["WriterSchema", ...] = ()
