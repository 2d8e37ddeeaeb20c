"""A contract as it was read: for each property of the call, where its value comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KAFKA_TIMESTAMP, KAFKA_MESSAGE_ID, SERVICE_VERSION = "$kafka.timestamp", "$kafka.messageId", "$service.version"
SPECIAL_SOURCES = (KAFKA_TIMESTAMP, KAFKA_MESSAGE_ID, SERVICE_VERSION)
LABEL = "label"

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
FORMAT = "contract.schema.json"
"""The file in the schemas' folder that describes contract files, which a contract may give as its `$schema`."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every call."""

    value: Any


@dataclass(frozen=True, slots=True)
class Field:
    """
    A value of the record: the first of `sources` that the writer's schema has and that is not null.

    `pointer` is its place in the call. `default` holds one value or none, `skip` the reason to skip a record in which
    it is blank, or "". `convert` is the name of a conversion or "", `labels` is what LABEL goes by. `nullable`: its
    rule allows null.
    """

    pointer: str
    sources: tuple[str, ...]
    required: bool = False
    nullable: bool = False
    convert: str = ""
    labels: Mapping[str, Any] = field(default_factory=dict)
    skip: str = ""
    default: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Object:
    """An object that is built of its properties, and always there."""

    properties: Mapping[str, "Rule"]


Rule = Constant | Field | Object


@dataclass(frozen=True, slots=True)
class Skip:
    """
    Records to skip, counted under `reason`, by the first of `sources` that is there; what is not there is null.

    `test` is "blank", or "in" or "not-in" of `values`.
    """

    sources: tuple[str, ...]
    test: str
    values: tuple[Any, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Contract:
    """
    A contract file without a mistake. `file` is its name, `record` a record's full name, in which `*` is any text.

    `schema` is its pure JSON Schema, `environment` the sources of the Sprig environment in a record, `skips` apply
    before anything else.
    """

    file: str
    record: str
    environment: tuple[str, ...]
    skips: tuple[Skip, ...]
    call: Object
    schema: Mapping[str, Any]


def pointer(*names: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(name).replace("~", "~0").replace("/", "~1") for name in names) or "/"


def strip(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without our annotations: draft-07 as Segment's tracking plans take it."""
    pure = {keyword: value for keyword, value in schema.items() if not keyword.startswith("x-")}
    if str(pure.get("$schema", "")).endswith(FORMAT):  # for editors; what is left is plain draft-07
        pure["$schema"] = DRAFT_07
    if isinstance(pure.get("properties"), dict):
        pure["properties"] = {
            name: strip(rule) if isinstance(rule, dict) else rule for name, rule in pure["properties"].items()
        }
    return pure
