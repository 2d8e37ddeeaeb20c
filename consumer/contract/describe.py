"""What people read of a contract: a row for each property of the call, and the rules of Segment's tracking plan."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.contract.rules import (
    DRAFT_07,
    KAFKA_MESSAGE_ID,
    KAFKA_TIMESTAMP,
    LABEL,
    SERVICE_VERSION,
    Constant,
    Contract,
    Field,
    Rule,
    Skip,
)
from consumer.errors import ContractError
from consumer.jsonio import dumps

_SPECIAL = {
    KAFKA_TIMESTAMP: "the Kafka record's time",
    KAFKA_MESSAGE_ID: "the Kafka record's place",
    SERVICE_VERSION: "this service's version",
}
_CONVERTED = {
    "iso-8601": "milliseconds to ISO-8601",
    "iso-8601-seconds": "seconds to ISO-8601",
    "iso-8601-micros": "microseconds to ISO-8601",
    "string": "number to text",
    "json": "JSON text to its value",
    LABEL: "value to its label",
}

_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


class Row(NamedTuple):
    """A property of the call: its dotted name, its JSON type, whether a call must have it, where it comes from."""

    field: str
    type: str
    required: bool
    source: str


def rows(contract: Contract) -> Sequence[Row]:
    """The whole call, in the contract's order."""
    return list(_rows(contract.call, contract.schema, (), False))


def skips(contract: Contract) -> Sequence[str]:
    """What is not sent, a sentence a condition; those of single properties stand in their rows."""
    return [f"{_skip(skip)}: not sent, counted as {skip.reason}" for skip in contract.skips]


def tracking_plan(contracts: Sequence[Contract]) -> Mapping[str, Any]:
    """
    `{"rules": [...]}` as Segment's Public API takes them: COMMON for what is the same in all, a TRACK for each event.

    Source: Segment's Public API, "Replace Rules in Tracking Plan". Raises ContractError for an event without a name.
    """
    _one_contract_an_event(contracts)
    outer = [_outer(contract) for contract in contracts]
    common = {name: rule for name, rule in outer[0].items() if all(one.get(name) == rule for one in outer)}
    required = [n for n in common if all(n in contract.schema["required"] for contract in contracts)]
    shared = (
        _definitions(contracts[0]) if all(_definitions(one) == _definitions(contracts[0]) for one in contracts) else {}
    )
    rules = [{"type": "COMMON", "version": 1, "jsonSchema": {**_schema(common, required), **shared}}]
    for contract in contracts:
        declared: Mapping[str, Any] = contract.schema["properties"]
        own = {name: rule for name, rule in declared.items() if name not in common}
        needed = [name for name in own if name in contract.schema["required"]]
        json_schema = {**_schema(own, needed), **_definitions(contract)}
        rules.append({"type": "TRACK", "key": _event(contract), "version": 1, "jsonSchema": json_schema})
    return {"rules": rules}


def _rows(rule: Rule, schema: Any, names: tuple[str, ...], required: bool) -> Iterator[Row]:
    if isinstance(rule, Constant):
        yield Row(".".join(names), _type(schema, rule.value), required, f"always {dumps(rule.value).decode()}")
    elif isinstance(rule, Field):
        yield Row(".".join(names), _type(schema), required, _source(rule))
    else:
        for name, inner in rule.properties.items():
            needed = name in schema.get("required", ())  # of an object that is always there
            yield from _rows(inner, schema["properties"][name], (*names, name), needed)


def _source(field: Field) -> str:
    candidates = [_SPECIAL.get(one, one) for one in field.sources]
    parts = [", else ".join(candidates)] if candidates else []
    if field.convert:
        parts.append(_CONVERTED[field.convert])
    if field.default:
        parts.append(f"{'without it ' if candidates else ''}{dumps(field.default[0]).decode()}")
    if field.skip:
        parts.append(f"blank: not sent, counted as {field.skip}")
    return "; ".join(parts)


def _skip(skip: Skip) -> str:
    source, listed = ", else ".join(skip.sources), ", ".join(dumps(one).decode() for one in skip.values)
    return {
        "blank": f"{source} blank",
        "in": f"{source} one of {listed}",
        "not-in": f"{source} none of {listed}",
    }[skip.test]


def _type(schema: Any, constant: Any = None) -> str:
    schema = schema if isinstance(schema, dict) else {}
    found = schema.get("type", _KINDS.get(type(constant), "any"))
    kinds = " or ".join(found) if isinstance(found, list) else found
    return f"{kinds} ({schema['format']})" if "format" in schema else kinds


def _outer(contract: Contract) -> Mapping[str, Any]:
    """What a call has besides its event's own name and properties, as far as a plan for all events can say it."""
    return {k: rule for k, rule in contract.schema["properties"].items() if k not in ("event", "properties")}


def _schema(properties: Mapping[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {"$schema": DRAFT_07, "type": "object", "properties": dict(properties), "required": list(required)}


def _one_contract_an_event(contracts: Sequence[Contract]) -> None:
    files: dict[str, str] = {}
    for contract in contracts:
        other = files.setdefault(_event(contract), contract.file)
        if other != contract.file:
            raise ContractError(
                f"{contract.file}: /properties/event: expected another event than that of {other}, as a plan has one "
                "rule for each"
            )


def _definitions(contract: Contract) -> Mapping[str, Any]:
    return {"definitions": contract.schema["definitions"]} if "definitions" in contract.schema else {}


def _event(contract: Contract) -> str:
    rule = contract.call.properties["event"]
    if isinstance(rule, Constant):
        return str(rule.value)
    if isinstance(rule, Field) and rule.default:
        return str(rule.default[0])
    raise ContractError(f"{contract.file}: /properties/event: expected const or default, as a rule is for one event")
