"""What a contract will make of the records of a writer's schema, found before there is a record."""

from collections.abc import Iterator, Sequence
from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.conversion_check import check_conversion, converted_type
from consumer.contract.field_path import FieldPath, resolve_path
from consumer.contract.findings import SEVERITIES, Finding, Severity, either
from consumer.contract.json_types import json_type, type_in_event, type_name
from consumer.contract.rules import KAFKA_TIMESTAMP, LABEL, SPECIAL_SOURCES, Constant, Contract, Field, Rule
from consumer.contract.skip_rules import is_skipped
from consumer.contract.type_fit import check_fit
from consumer.reasons import Reason

_KAFKA_TIME = FieldPath("", AvroType("long"))


def check_compatibility(contract: Contract, root: AvroType) -> Sequence[Finding]:
    """`root`: the type of the records. Problems first; without findings, each event obeys the contract's types."""
    checker = _CompatibilityChecker(contract, root)
    findings = [
        *checker.skips(),
        *checker.environment(),
        *checker.rule(contract.event, contract.schema),
        *checker.ignored_fields(),
    ]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.weight))


class _CompatibilityChecker:
    """Looks at each rule of one contract, for records of type `root`."""

    def __init__(self, contract: Contract, root: AvroType) -> None:
        self._contract, self._root = contract, root

    def rule(self, rule: Rule, schema: Any) -> Iterator[Finding]:
        if isinstance(rule, Constant):
            return
        if isinstance(rule, Field):
            if not set(rule.sources) & set(SPECIAL_SOURCES[1:]):  # these always have a value, which fits
                yield from self._field(rule, schema)
            return
        for name, inner in rule.properties.items():
            yield from self.rule(inner, schema["properties"][name])

    def skips(self) -> Iterator[Finding]:
        for skip in self._contract.skips:
            if self._existing(skip.sources):
                continue
            sources = ", ".join(skip.sources)
            if is_skipped(skip, None):
                yield Finding("problem", sources, f"no such field: every record is skipped as {skip.reason}")
            else:
                yield Finding("warning", sources, f"no such field: nothing is skipped as {skip.reason}")

    def environment(self) -> Iterator[Finding]:
        sources = self._contract.environment
        if not sources:
            return
        place, effect = ", ".join(sources), f"with SEGMENT_WRITE_KEYS every record is rejected as {Reason.NO_WRITE_KEY}"
        types = [alternative for source in self._existing(sources) for alternative in source.avro.alternatives]
        if not self._existing(sources):
            yield Finding("warning", place, f"no such field: {effect}")
        elif not any(json_type(avro) in ("string", "integer") for avro in types):
            names = either(map(type_name, types)) or "null"
            yield Finding("warning", place, f"{names} names no environment: {effect}")

    def ignored_fields(self) -> Iterator[Finding]:
        """Fields of the record that nothing in the contract uses."""
        used = {*_sources(self._contract.event), *self._contract.environment}
        used.update(*(skip.sources for skip in self._contract.skips))
        for path in _unused(self._root, (), {tuple(source.split(".")) for source in used}):
            yield Finding("note", ".".join(path), "ignored: the contract does not use this field")

    def _field(self, field: Field, schema: Any) -> Iterator[Finding]:
        sources = self._existing([path for path in field.sources if path not in SPECIAL_SOURCES])
        sources = _reachable(sources, field)
        all_nullable = all(source.avro.nullable for source in sources)
        special = []
        if KAFKA_TIMESTAMP in field.sources and all_nullable:
            special.append(_KAFKA_TIME)
        if not sources and not special:
            yield _without_source(field)
            return
        types = [alternative for source in (*sources, *special) for alternative in source.avro.alternatives]
        yield from check_conversion(field, types)
        if field.convert != LABEL:  # the contract's own rule was checked with each label
            yield from self._types(field, schema, types)
        if all_nullable and not set(field.sources) & set(SPECIAL_SOURCES):
            yield _null(field)

    def _types(self, field: Field, schema: Any, types: Sequence[AvroType]) -> Iterator[Finding]:
        """About values other than null: null is never sent as the value of a source, something replaces it."""
        conversions = [(avro, converted_type(avro, field)) for avro in types]
        fits = [
            (type_in_event(avro, converted), check_fit(converted, schema, self._contract.schema))
            for avro, converted in conversions
        ]
        never = [name for name, fit in fits if not fit.can]
        sometimes = [name for name, fit in fits if fit.can and not fit.always]
        if never:
            weight: Severity = "problem"
            if len(never) < len(fits):
                weight = "warning"
            yield Finding(weight, field.pointer, f"{either(never)} never fits: rejected as {Reason.INVALID}")
        if sometimes:
            effect = f"{either(sometimes)} does not always fit: rejected as {Reason.INVALID}"
            yield Finding("warning", field.pointer, effect)

    def _existing(self, sources: Sequence[str]) -> list[FieldPath]:
        resolved = [resolve_path(self._root, path) for path in sources]
        return [source for source in resolved if source is not None]


def _reachable(sources: list[FieldPath], field: Field) -> list[FieldPath]:
    """The sources up to one that is never null: the rest is never used. In a field that skips, it can be blank."""
    if field.skip:
        return sources
    for count, source in enumerate(sources, 1):
        if not source.avro.nullable:
            return sources[:count]
    return sources


def _without_source(field: Field) -> Finding:
    absent = f"no field {', '.join(field.sources)}"
    if field.has_default:
        return Finding("note", field.pointer, f"{absent}: always the default")
    if field.skip:
        return Finding("problem", field.pointer, f"{absent}: every record is skipped as {field.skip}")
    if field.required:
        effect = f"every record is rejected as {Reason.MISSING_REQUIRED}"
        return Finding("problem", field.pointer, f"{absent}: {effect}")
    return Finding("warning", field.pointer, f"{absent}: no event has this property")


def _null(field: Field) -> Finding:
    if field.has_default:
        return Finding("note", field.pointer, "null becomes the default")
    if field.skip:
        return Finding("note", field.pointer, f"null or blank: skipped as {field.skip}")
    if field.nullable:
        return Finding("note", field.pointer, "null stays null")
    if field.required:
        return Finding("warning", field.pointer, f"null is rejected as {Reason.MISSING_REQUIRED}")
    return Finding("note", field.pointer, "null is left out")


def _sources(rule: Rule) -> Iterator[str]:
    if isinstance(rule, Field):
        yield from rule.sources
    elif not isinstance(rule, Constant):
        for inner in rule.properties.values():
            yield from _sources(inner)


def _unused(avro: AvroType, path: tuple[str, ...], used: set[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The paths of the fields of which neither the whole nor a part is used."""
    for name, inner in [field for alternative in avro.alternatives for field in alternative.fields.items()]:
        field_path = (*path, name)
        if any(source[: len(field_path)] == field_path for source in used):
            if field_path not in used:
                yield from _unused(inner, field_path, used)
        elif not any(field_path[: len(source)] == source for source in used):
            yield field_path
