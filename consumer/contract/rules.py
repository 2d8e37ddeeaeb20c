"""The rules that a contract file is read into: for each property of the event, the source of its value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

KAFKA_TIMESTAMP, KAFKA_MESSAGE_ID, SERVICE_VERSION = "$kafka.timestamp", "$kafka.messageId", "$service.version"
SPECIAL_SOURCES = (KAFKA_TIMESTAMP, KAFKA_MESSAGE_ID, SERVICE_VERSION)
LABEL = "label"
FIRST, JOIN, LENGTH, OBJECT = "first", "join", "length", "object"
LIST_FORMS = (FIRST, JOIN, LENGTH, OBJECT)
"""What a list becomes, as `x-list` names it."""

DEFAULT_SEPARATOR = ", "
"""Between the items of a joined list."""

KEY, VALUE = "key", "value"
"""The fields of the records of a list that becomes an object."""

REJECT, NULL, OMIT, STRING = "reject", "null", "omit", "string"
ON_INVALID = (REJECT, NULL, OMIT, STRING)
"""What happens to a value that cannot be sent, as `x-on-invalid` names it."""

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
CONTRACT_SCHEMA_FILE = "contract.schema.json"
"""The file in the schemas' folder that describes contract files. A contract may name it as its `$schema`."""

MAX_DEPTH = 128
"""
Lists and objects inside each other in a file. An event is nested less deep than its contract and the record's values
together, and the JSON libraries accept 254 levels.
"""

MISSING: Any = object()
"""No value at all, where None is a value: null."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every event."""

    value: Any


@dataclass(frozen=True, slots=True)
class Field:
    """
    A value of the record: the first of `sources` that the writer's schema has and that is not null.

    `pointer` is the JSON pointer of the property in the event. `default` is the value where the record has none, or
    MISSING. `skip` is the reason to skip a record in which the value is blank, or "". `convert` is the name of a
    conversion or "", `labels` is the table of the conversion LABEL. `list_form` is one of LIST_FORMS or "", `separator`
    is that of JOIN. `on_invalid` is one of ON_INVALID. `nullable`: the property's schema allows null.
    """

    pointer: str
    sources: tuple[str, ...]
    required: bool = False
    nullable: bool = False
    convert: str = ""
    labels: Mapping[str, Any] = field(default_factory=dict)
    list_form: str = ""
    separator: str = DEFAULT_SEPARATOR
    on_invalid: str = REJECT
    skip: str = ""
    default: Any = MISSING

    @property
    def has_default(self) -> bool:
        return self.default is not MISSING


@dataclass(frozen=True, slots=True)
class Object:
    """An object that is built of its properties; the event always has it."""

    properties: Mapping[str, "Rule"]


Rule = Constant | Field | Object


def fields_of(rule: Rule) -> Iterator[Field]:
    """The fields in a rule, in the order of the file."""
    if isinstance(rule, Field):
        yield rule
    elif isinstance(rule, Object):
        for inner in rule.properties.values():
            yield from fields_of(inner)


def constant_value(rule: Rule, special: Mapping[str, Any]) -> Any:
    """The value of a rule that has the same value in every event, else MISSING. `special`: by special source."""
    if isinstance(rule, Field):
        return special.get(rule.sources[0], MISSING) if rule.sources else MISSING
    if isinstance(rule, Constant):
        return rule.value
    values = {name: constant_value(inner, special) for name, inner in rule.properties.items()}
    if any(value is MISSING for value in values.values()):
        return MISSING
    return values


@dataclass(frozen=True, slots=True)
class Skip:
    """
    Records to skip, counted under `reason`, by the first of `sources` that is not null. A missing field is null.

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

    `schema` is its pure JSON Schema, `environment` the sources of the Sprig environment in a record. `skips` apply
    before anything else. `allowed_rules` are the names of rules of a writer's schema that need not be applied.
    """

    file: str
    record: str
    environment: tuple[str, ...]
    skips: tuple[Skip, ...]
    event: Object
    schema: Mapping[str, Any]
    allowed_rules: tuple[str, ...] = ()

    @property
    def sources(self) -> Mapping[str, str]:
        """Each path into a record that the contract uses, with the place of its first use as a JSON pointer."""
        used = [(source, rule.pointer) for rule in fields_of(self.event) for source in rule.sources]
        used += [(source, "/x-environment") for source in self.environment]
        used += [(source, "/x-skip") for skip in self.skips for source in skip.sources]
        places: dict[str, str] = {}
        for source, place in used:
            if source not in SPECIAL_SOURCES:
                places.setdefault(source, place)
        return places


def without_annotations(schema: Any) -> Any:
    """The schema without the service's annotations: draft-07 as Segment's tracking plans accept it."""
    if not isinstance(schema, dict):
        return schema
    pure = {keyword: value for keyword, value in schema.items() if not keyword.startswith("x-")}
    if str(pure.get("$schema", "")).endswith(
        CONTRACT_SCHEMA_FILE
    ):  # for editors; without annotations the file is plain draft-07
        pure["$schema"] = DRAFT_07
    if isinstance(pure.get("properties"), dict):
        pure["properties"] = {name: without_annotations(rule) for name, rule in pure["properties"].items()}
    return pure
