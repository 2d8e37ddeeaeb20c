"""What the conversion of a property does to the types of its sources, and whether it has an effect at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from consumer.avro.schema import AvroType
from consumer.contract.conversions import KEEP_TEXT
from consumer.contract.findings import Finding, Severity, either
from consumer.contract.json_types import ANYTHING, is_binary, json_type, type_name
from consumer.contract.list_check import listed_type
from consumer.contract.rules import LABEL, Field
from consumer.reasons import Reason

_PURPOSES: Mapping[str, str] = {
    "iso-8601": "milliseconds in a long",
    "iso-8601-seconds": "seconds in an int or a long",
    "iso-8601-micros": "microseconds in a long",
    "string": "an int or a long",
    "json": "JSON in a text or in bytes",
    LABEL: "text, numbers and booleans",
}
"""What each conversion is for."""

_JSON_WORDS = frozenset({"true", "false", "null"})


class Effect(Enum):
    """What a conversion does to values of one type, which is no union and not null."""

    CONVERTS = "gives them another form"
    KEEPS = "leaves them as they are, because they have the intended form"
    JANUARY_1970 = "makes times of January 1970, because larger numbers of this unit do not fit into the type"
    NONE = "has no effect, or rejects them all"


def check_conversion(field: Field, types: Sequence[AvroType]) -> Iterator[Finding]:
    """`types`: those that the values of the field's sources can have, without null and without unions."""
    if not field.convert:
        return
    by_effect: dict[Effect, list[str]] = {}
    for avro in _leaves(types):
        by_effect.setdefault(conversion_effect(field.convert, avro), []).append(type_name(avro))
    severity = _worst({Effect.CONVERTS, Effect.KEEPS}.isdisjoint(by_effect))
    if Effect.NONE in by_effect:
        names = either(by_effect[Effect.NONE])
        text = f"x-convert {field.convert} cannot convert {names}: it is for {_PURPOSES[field.convert]}"
        yield Finding(severity, field.pointer, text)
    if Effect.JANUARY_1970 in by_effect:
        text = f"x-convert {field.convert} makes times of January 1970 of an int: it is for {_PURPOSES[field.convert]}"
        yield Finding(severity, field.pointer, f"{text}; did you mean iso-8601-seconds?")
    if [*by_effect] == [Effect.KEEPS]:
        text = f"x-convert {field.convert} changes nothing: {either(by_effect[Effect.KEEPS])} is text already"
        yield Finding("note", field.pointer, text)
    if field.convert == LABEL:
        yield from _without_label(field, types)


def conversion_effect(convert: str, avro: AvroType) -> Effect:
    """What the conversion of this name does to values of a type other than null and unions, and to values inside."""
    if avro.inner:
        effects = {conversion_effect(convert, inner) for inner in _leaves([avro])}
        return next((effect for effect in Effect if effect in effects), Effect.NONE)
    match convert:
        case "string":
            return _string_effect(avro)
        case "json":
            is_text = _holds_json(avro)
            return Effect.CONVERTS if is_text else Effect.NONE
        case "label":
            has_label = json_type(avro) not in ("array", "object") and not is_binary(avro)
            return Effect.CONVERTS if has_label else Effect.NONE
        case _:
            return _time_effect(convert, avro)


def _holds_json(avro: AvroType) -> bool:
    if avro.kind == "string" or is_binary(avro):
        return True
    return type_name(avro) == "decimal" or not _JSON_WORDS.isdisjoint(avro.symbols)


def sent_type(avro: AvroType, field: Field) -> AvroType:
    """The type that a field's conversion and its list form make of values of `avro`."""
    return listed_type(converted_type(avro, field), field.list_form)


def converted_type(avro: AvroType, field: Field) -> AvroType:
    """The type that a field's conversion makes of values of `avro`, which may be ANYTHING; before the list form."""
    if avro.kind == "union":
        return AvroType("union", branches=tuple(converted_type(branch, field) for branch in avro.branches))
    if avro.kind == "null" or not field.convert:
        return avro
    if avro.inner:
        fields = {name: converted_type(inner, field) for name, inner in avro.fields.items()}
        return replace(avro, fields=fields, items=converted_type(avro.items, field) if avro.items else None)
    if field.convert == LABEL:
        return AvroType("enum")
    if field.convert == "json" and json_type(avro) == "string":
        return ANYTHING
    if field.convert in KEEP_TEXT and json_type(avro) == "integer":
        return AvroType("string")
    return avro


def _leaves(types: Iterable[AvroType]) -> Iterator[AvroType]:
    """The types of the values that are converted: inside lists, maps and records, and other than null."""
    for avro in types:
        for alternative in avro.alternatives:
            if alternative.inner:
                yield from _leaves(alternative.inner)
            else:
                yield alternative


def _string_effect(avro: AvroType) -> Effect:
    if json_type(avro) == "integer":
        return Effect.CONVERTS
    if json_type(avro) == "string" and not is_binary(avro):
        return Effect.KEEPS
    return Effect.NONE


def _time_effect(convert: str, avro: AvroType) -> Effect:
    if json_type(avro) == "integer":
        is_too_small = avro.kind == "int" and convert != "iso-8601-seconds"
        return Effect.JANUARY_1970 if is_too_small else Effect.CONVERTS
    if type_name(avro) in ("string", "timestamp", "date"):
        return Effect.KEEPS
    return Effect.NONE


def _without_label(field: Field, types: Sequence[AvroType]) -> Iterator[Finding]:
    symbols = [symbol for avro in _leaves(types) for symbol in avro.symbols]
    unlabelled = [symbol for symbol in symbols if symbol not in field.labels]
    if unlabelled:
        effect = f"no label for {', '.join(unlabelled)}: rejected as {Reason.NO_LABEL}"
        yield Finding(_worst(len(unlabelled) == len(symbols)), field.pointer, effect)


def _worst(concerns_all_values: bool) -> Severity:
    if concerns_all_values:
        return "problem"
    return "warning"
