"""What a contract will make of the records of a writer's schema, found before there is a record."""

from collections.abc import Iterator, Sequence
from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.allowed_rules import NamedRule, rule_findings
from consumer.contract.conversion_check import check_conversion, converted_type, sent_type
from consumer.contract.field_path import FieldPath
from consumer.contract.findings import SEVERITIES, Finding, Severity, either
from consumer.contract.invalid_check import check_on_invalid
from consumer.contract.json_types import ANYTHING, type_in_event
from consumer.contract.list_check import check_list_form, list_fit
from consumer.contract.reserved_names import check_names
from consumer.contract.rules import FIRST, KAFKA_TIMESTAMP, LABEL, SPECIAL_SOURCES, Constant, Contract, Field, Rule
from consumer.contract.source_check import SourceChecker
from consumer.contract.type_fit import check_fit
from consumer.reasons import Reason

_KAFKA_TIME = FieldPath("", AvroType("long"))


def check_compatibility(contract: Contract, root: AvroType, rules: Sequence[NamedRule] = ()) -> Sequence[Finding]:
    """
    `root`: the type of the records, `rules` those of their schema.

    Problems first; without findings, each event obeys the contract's types.
    """
    sources = SourceChecker(contract, root)
    findings = [
        *rule_findings(contract, rules),
        *sources.skips(),
        *sources.environment(),
        *check_names(contract),
        *_EventChecker(contract, sources).rule(contract.event, contract.schema),
        *sources.ignored_fields(),
    ]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


class _EventChecker:
    """Looks at each rule of one contract, for records of one type."""

    def __init__(self, contract: Contract, sources: SourceChecker) -> None:
        self._contract, self._sources = contract, sources

    def rule(self, rule: Rule, schema: Any) -> Iterator[Finding]:
        if isinstance(rule, Constant):
            return
        if isinstance(rule, Field):
            yield from self._sources.misspelt(rule.sources, rule.pointer)
            if not set(rule.sources) & set(SPECIAL_SOURCES[1:]):  # these always have a value, which fits
                yield from self._field(rule, schema)
            return
        for name, inner in rule.properties.items():
            yield from self.rule(inner, schema["properties"][name])

    def _field(self, field: Field, schema: Any) -> Iterator[Finding]:
        sources = self._sources.existing([path for path in field.sources if path not in SPECIAL_SOURCES])
        sources = _reachable(sources, field)
        all_nullable = all(source.avro.nullable for source in sources)
        special = []
        if KAFKA_TIMESTAMP in field.sources and all_nullable:
            special.append(_KAFKA_TIME)
        if not sources and not special:
            yield _without_source(field, self._sources.hint(field.sources))
            return
        types = [alternative for source in (*sources, *special) for alternative in source.avro.alternatives]
        yield from check_conversion(field, types)
        converted = [converted_type(avro, field) for avro in types]
        yield from check_list_form(field, converted)
        yield from check_on_invalid(field, types, schema, self._contract.schema)
        types = [avro for avro in types if list_fit(converted_type(avro, field), field.list_form).can]
        if field.convert != LABEL or field.list_form:  # else the contract's own rule was checked with each label
            yield from self._types(field, schema, types)
        is_json = bool(field.list_form) and ANYTHING in converted
        if (all_nullable or is_json or field.list_form == FIRST) and not set(field.sources) & set(SPECIAL_SOURCES):
            yield _null(field, is_json)

    def _types(self, field: Field, schema: Any, types: Sequence[AvroType]) -> Iterator[Finding]:
        """About values other than null: null is never sent as the value of a source, something replaces it."""
        conversions = [(avro, sent_type(avro, field)) for avro in types]
        fits = [
            (_sent_name(avro, converted, field), check_fit(converted, schema, self._contract.schema))
            for avro, converted in conversions
        ]
        never = [name for name, fit in fits if not fit.can]
        sometimes = [name for name, fit in fits if fit.can and not fit.always]
        if never:
            severity: Severity = "problem"
            if len(never) < len(fits):
                severity = "warning"
            yield Finding(severity, field.pointer, f"{either(never)} never fits: rejected as {Reason.INVALID}")
        if sometimes:
            effect = f"{either(sometimes)} does not always fit: rejected as {Reason.INVALID}"
            yield Finding("warning", field.pointer, effect)


def _reachable(sources: list[FieldPath], field: Field) -> list[FieldPath]:
    """The sources up to one that is never null: the rest is never used. In a field that skips, it can be blank."""
    if field.skip:
        return sources
    for count, source in enumerate(sources, 1):
        if not source.avro.nullable:
            return sources[:count]
    return sources


def _sent_name(avro: AvroType, sent: AvroType, field: Field) -> str:
    """What is sent of the values of a type."""
    if field.list_form:
        return f"{avro.kind} with x-list {field.list_form}"
    return type_in_event(avro, sent)


def _without_source(field: Field, hint: str) -> Finding:
    """`hint`: which fields were probably meant."""
    absent = f"no field {', '.join(field.sources)}"
    if not field.sources:
        return Finding("note", field.pointer, "always the default")
    if field.has_default:
        return Finding("note", field.pointer, f"{absent}: always the default{hint}")
    if field.skip:
        return Finding("problem", field.pointer, f"{absent}: every record is skipped as {field.skip}{hint}")
    if field.required:
        effect = f"every record is rejected as {Reason.MISSING_REQUIRED}"
        return Finding("problem", field.pointer, f"{absent}: {effect}{hint}")
    return Finding("warning", field.pointer, f"{absent}: no event has this property{hint}")


def _null(field: Field, is_json: bool) -> Finding:
    """`is_json`: a list is read from JSON in a text, which can be null itself."""
    nulls = ["null"] + ["JSON null"] * is_json + ["no first item"] * (field.list_form == FIRST)
    null = either(nulls)
    if field.has_default:
        return Finding("note", field.pointer, f"{null} becomes the default")
    if field.skip:
        blank = ["blank"] * (is_json or not field.list_form)  # a list is never blank, whatever its first item
        return Finding("note", field.pointer, f"{either(nulls + blank)}: skipped as {field.skip}")
    if field.nullable:
        return Finding("note", field.pointer, f"{null} {'is' if field.list_form else 'stays'} null")
    if field.required:
        return Finding("warning", field.pointer, f"{null} is rejected as {Reason.MISSING_REQUIRED}")
    return Finding("note", field.pointer, f"{null} is left out")
