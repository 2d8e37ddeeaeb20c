"""What a contract will make of the records of a writer's schema, found before there is a record."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.field_path import FieldPath, resolve_path
from consumer.contract.rules import KAFKA_TIMESTAMP, LABEL, SPECIAL_SOURCES, Constant, Contract, Field, Rule
from consumer.contract.skip_rules import is_skipped
from consumer.contract.type_fit import check_fit, converted_type
from consumer.reasons import Reason

_KAFKA_TIME = FieldPath("", AvroType("long"))

Severity = Literal["problem", "warning", "note"]
SEVERITIES: Sequence[Severity] = ("problem", "warning", "note")
"""The worst first."""


class Finding(NamedTuple):
    """
    A fact about a property of the event, by its pointer, or about a field of the record, by its path.

    `problem`: no record with a value there becomes an event. `warning`: some values are rejected, or are in no event.
    `note`: as the contract intends it. `what` is the fact, for people.
    """

    weight: Severity
    place: str
    what: str


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
        if sources and not self._existing(sources):
            effect = f"with SEGMENT_WRITE_KEYS every record is rejected as {Reason.NO_WRITE_KEY}"
            yield Finding("warning", ", ".join(sources), f"no such field: {effect}")

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
        yield from self._types(field, schema, [*sources, *special])
        if all_nullable and not set(field.sources) & set(SPECIAL_SOURCES):
            yield _null(field)
        if field.convert == LABEL:
            yield from _labels(field, sources)

    def _types(self, field: Field, schema: Any, sources: Sequence[FieldPath]) -> Iterator[Finding]:
        """About values other than null: null is never sent as the value of a source, something replaces it."""
        if field.convert == LABEL:
            return
        types = [alternative for source in sources for alternative in source.avro.alternatives]
        fits = [(avro.kind, check_fit(converted_type(avro, field), schema, self._contract.schema)) for avro in types]
        never = [kind for kind, fit in fits if not fit.can]
        sometimes = [kind for kind, fit in fits if fit.can and not fit.always]
        if never:
            weight: Severity = "problem"
            if len(never) < len(fits):
                weight = "warning"
            yield Finding(weight, field.pointer, f"{_either(never)} never fits: rejected as {Reason.INVALID}")
        if sometimes:
            effect = f"{_either(sometimes)} does not always fit: rejected as {Reason.INVALID}"
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


def _labels(field: Field, sources: Sequence[FieldPath]) -> Iterator[Finding]:
    alternatives = [alternative for source in sources for alternative in source.avro.alternatives]
    symbols = [symbol for alternative in alternatives for symbol in alternative.symbols]
    unlabelled = [symbol for symbol in symbols if symbol not in field.labels]
    if unlabelled:
        weight: Severity = "warning"
        if len(unlabelled) == len(symbols):
            weight = "problem"
        effect = f"no label for {', '.join(unlabelled)}: rejected as {Reason.NO_LABEL}"
        yield Finding(weight, field.pointer, effect)


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


def _either(kinds: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(kinds))
