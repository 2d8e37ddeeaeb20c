"""A contract as it was read: for each property of the call, where its value comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KAFKA_TIMESTAMP, KAFKA_MESSAGE_ID, SERVICE_VERSION = "$kafka.timestamp", "$kafka.messageId", "$service.version"
SPECIAL_SOURCES = (KAFKA_TIMESTAMP, KAFKA_MESSAGE_ID, SERVICE_VERSION)
CONVERSIONS = ("iso-8601", "string")
SKIP_CONDITIONS = ("blank",)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every call."""

    value: Any


@dataclass(frozen=True, slots=True)
class Field:
    """
    A value of the record: the first of `sources` that the writer's schema has and that is not null.

    `pointer` is its place in the call. `default` holds one value or none, `skip` the reason to skip a record in which
    it is blank, or "". `convert` is one of CONVERSIONS or "". `nullable`: its rule allows null.
    """

    pointer: str
    sources: tuple[str, ...]
    required: bool = False
    nullable: bool = False
    convert: str = ""
    skip: str = ""
    default: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Object:
    """An object that is built of its properties, and always there."""

    properties: Mapping[str, "Rule"]


Rule = Constant | Field | Object


@dataclass(frozen=True, slots=True)
class Contract:
    """
    A contract file without a mistake. `file` is its name, `record` a record's full name, in which `*` is any text.

    `schema` is its pure JSON Schema, `environment` the sources of the Sprig environment in a record.
    """

    file: str
    record: str
    environment: tuple[str, ...]
    call: Object
    schema: Mapping[str, Any]


def pointer(*names: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(name).replace("~", "~0").replace("/", "~1") for name in names) or "/"


def strip(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without our annotations: draft-07 as Segment's tracking plans take it."""
    pure = {keyword: value for keyword, value in schema.items() if not keyword.startswith("x-")}
    if isinstance(pure.get("properties"), dict):
        pure["properties"] = {
            name: strip(rule) if isinstance(rule, dict) else rule for name, rule in pure["properties"].items()
        }
    return pure
