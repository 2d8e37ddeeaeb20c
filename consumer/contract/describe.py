"""A contract for readers: a row for each property of the event, and the rules of Segment's tracking plan."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.contract.rules import (
    DRAFT_07,
    FIRST,
    KAFKA_MESSAGE_ID,
    KAFKA_TIMESTAMP,
    LABEL,
    LENGTH,
    NULL,
    OBJECT,
    OMIT,
    REJECT,
    SERVICE_VERSION,
    STRING,
    Constant,
    Contract,
    Field,
    Rule,
    Skip,
)
from consumer.contract.skip_rules import BLANK, IN
from consumer.errors import ContractError
from consumer.jsonio import dumps

_SPECIAL = {
    KAFKA_TIMESTAMP: "the Kafka record's time",
    KAFKA_MESSAGE_ID: "the Kafka record's partition, offset and time",
    SERVICE_VERSION: "this service's version",
}
_CONVERSIONS = {
    "iso-8601": "milliseconds to ISO-8601",
    "iso-8601-seconds": "seconds to ISO-8601",
    "iso-8601-micros": "microseconds to ISO-8601",
    "string": "number to text",
    "json": "JSON text to its value",
    LABEL: "value to its label",
}
_LIST_FORMS = {
    FIRST: "the first item",
    LENGTH: "the number of items",
    OBJECT: "keys and values to an object",
}
_INVALID = {
    NULL: "cannot be sent: null",
    OMIT: "cannot be sent: left out",
    STRING: "cannot be sent: as text",
}
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


class Row(NamedTuple):
    """A property of the event: its dotted name, its JSON type, whether an event must have it, and its source."""

    field: str
    type: str
    required: bool
    source: str


def rows(contract: Contract) -> Sequence[Row]:
    """The whole event, in the contract's order."""
    return list(_rows(contract.event, contract.schema, (), False))


def skips(contract: Contract) -> Sequence[str]:
    """Which records are not sent, a sentence for each rule. The rules of single properties are in their rows."""
    return [f"{_condition(skip)}: not sent, counted as {skip.reason}" for skip in contract.skips]


def tracking_plan(contracts: Sequence[Contract]) -> Mapping[str, Any]:
    """
    `{"rules": [...]}` as Segment's Public API accepts them: a COMMON rule for what is the same in all events, and a
    TRACK rule for each event.

    Source: Segment's Public API, "Replace Rules in Tracking Plan". Raises ContractError for an event without a name,
    and for two contracts with the same event.
    """
    _check_events_differ(contracts)
    first, *others = contracts
    common = _outer(first)
    for other in others:
        common = {name: rule for name, rule in common.items() if _outer(other).get(name) == rule}
    required = [name for name in common if all(name in contract.schema["required"] for contract in contracts)]
    common_schema = _schema(common, required)
    if all(_definitions(other) == _definitions(first) for other in others):
        common_schema |= _definitions(first)
    rules = [{"type": "COMMON", "version": 1, "jsonSchema": common_schema}]
    return {"rules": [*rules, *(_track_rule(contract, common) for contract in contracts)]}


def _track_rule(contract: Contract, common: Mapping[str, Any]) -> dict[str, Any]:
    declared: Mapping[str, Any] = contract.schema["properties"]
    own = {name: rule for name, rule in declared.items() if name not in common}
    required = [name for name in own if name in contract.schema["required"]]
    json_schema = {**_schema(own, required), **_definitions(contract)}
    return {"type": "TRACK", "key": _event_name(contract), "version": 1, "jsonSchema": json_schema}


def _rows(rule: Rule, schema: Any, names: tuple[str, ...], required: bool) -> Iterator[Row]:
    if isinstance(rule, Constant):
        yield Row(".".join(names), _type(schema, rule.value), required, f"always {_json(rule.value)}")
    elif isinstance(rule, Field):
        yield Row(".".join(names), _type(schema), required, _source(rule))
    else:
        for name, inner in rule.properties.items():
            inner_required = name in schema.get("required", ())  # of an object that every event has
            yield from _rows(inner, schema["properties"][name], (*names, name), inner_required)


def _source(field: Field) -> str:
    parts = []
    if field.sources:
        parts.append(", else ".join(_SPECIAL.get(source, source) for source in field.sources))
    if field.convert:
        parts.append(_CONVERSIONS[field.convert])
    if field.list_form:
        parts.append(_LIST_FORMS.get(field.list_form, f"items joined with {_json(field.separator)}"))
    if field.on_invalid != REJECT:
        parts.append(_INVALID[field.on_invalid])
    if field.has_default:
        parts.append(f"default {_json(field.default)}")
    if field.skip:
        parts.append(f"blank: not sent, counted as {field.skip}")
    return "; ".join(parts)


def _condition(skip: Skip) -> str:
    sources, values = ", else ".join(skip.sources), ", ".join(map(_json, skip.values))
    if skip.test == BLANK:
        return f"{sources} blank"
    if skip.test == IN:
        return f"{sources} one of {values}"
    return f"{sources} none of {values}"


def _type(schema: Any, constant: Any = None) -> str:
    """The type that a property's schema names, or that of a constant, as "string or null (date-time)"."""
    keywords: Mapping[str, Any] = {}
    if isinstance(schema, dict):
        keywords = schema
    types = keywords.get("type", _JSON_TYPES.get(type(constant), "any"))
    if isinstance(types, list):
        types = " or ".join(types)
    if "format" in keywords:
        return f"{types} ({keywords['format']})"
    return str(types)


def _json(value: Any) -> str:
    return dumps(value).decode()


def _outer(contract: Contract) -> Mapping[str, Any]:
    """The event without its name and `properties`, as far as a rule for all events can describe it."""
    declared: Mapping[str, Any] = contract.schema["properties"]
    return {name: rule for name, rule in declared.items() if name not in ("event", "properties")}


def _schema(properties: Mapping[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {"$schema": DRAFT_07, "type": "object", "properties": dict(properties), "required": list(required)}


def _check_events_differ(contracts: Sequence[Contract]) -> None:
    files: dict[str, str] = {}
    for contract in contracts:
        first = files.setdefault(_event_name(contract), contract.file)
        if first != contract.file:
            raise ContractError(
                f"{contract.file}: /properties/event: expected an event other than that of {first}, because a plan "
                "has one rule for each event"
            )


def _definitions(contract: Contract) -> Mapping[str, Any]:
    return {keyword: value for keyword, value in contract.schema.items() if keyword == "definitions"}


def _event_name(contract: Contract) -> str:
    rule = contract.event.properties["event"]
    if isinstance(rule, Constant):
        return str(rule.value)
    if isinstance(rule, Field) and rule.has_default:
        return str(rule.default)
    raise ContractError(
        f"{contract.file}: /properties/event: expected const or default, because a rule is for one event"
    )
