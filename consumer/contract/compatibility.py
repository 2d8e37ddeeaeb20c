"""What a contract will make of the records of a writer's schema, told before there is one."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.field_path import Reach, reach
from consumer.contract.forms import among, blank
from consumer.contract.rules import KAFKA_TIMESTAMP, LABEL, SPECIAL_SOURCES, Constant, Contract, Field, Rule, Skip
from consumer.contract.type_fit import converted, fit

_KAFKA_TIME = Reach("", AvroType("long"))

Weight = Literal["problem", "warning", "note"]


class Finding(NamedTuple):
    """
    Something to know of a place: a property of the call by its pointer, or a field of the record by its path.

    `problem`: no record with a value there gets through. `warning`: some values are set aside, or are in no call.
    `note`: as the contract means it.
    """

    weight: Weight
    place: str
    what: str


def prove(contract: Contract, root: AvroType) -> Sequence[Finding]:
    """`root`: the type of the records. Problems first; none says that each call obeys the contract's types."""
    prover = _Prover(contract, root)
    found = [*prover.skips(), *prover.environment(), *prover.rule(contract.call, contract.schema), *prover.ignored()]
    order = ("problem", "warning", "note")
    return sorted(found, key=lambda one: order.index(one.weight))


class _Prover:
    def __init__(self, contract: Contract, root: AvroType) -> None:
        self._contract, self._root = contract, root
        self._whole = contract.schema

    def rule(self, rule: Rule, schema: Any) -> Iterator[Finding]:
        if isinstance(rule, Constant):
            return
        if isinstance(rule, Field):
            if not set(rule.sources) & set(SPECIAL_SOURCES[1:]):  # those are always there, and made to fit
                yield from self._field(rule, schema)
            return
        for name, inner in rule.properties.items():
            yield from self.rule(inner, schema["properties"][name])

    def skips(self) -> Iterator[Finding]:
        for skip in self._contract.skips:
            if not self._reached(skip.sources):
                source = ", ".join(skip.sources)
                if _on_null(skip):
                    yield Finding("problem", source, f"no such field: every record is skipped as {skip.reason}")
                else:
                    yield Finding("warning", source, f"no such field: nothing is skipped as {skip.reason}")

    def environment(self) -> Iterator[Finding]:
        sources = self._contract.environment
        if sources and not self._reached(sources):
            what = "no such field: with SEGMENT_WRITE_KEYS every record is set aside as no_write_key"
            yield Finding("warning", ", ".join(sources), what)

    def ignored(self) -> Iterator[Finding]:
        """Fields of the record that nothing in the contract looks at."""
        used = {tuple(path.split(".")) for path in _paths(self._contract.call)}
        used |= {tuple(path.split(".")) for path in self._contract.environment}
        used |= {tuple(path.split(".")) for skip in self._contract.skips for path in skip.sources}
        for path in _unused(self._root, (), used):
            yield Finding("note", ".".join(path), "ignored: the contract does not look at it")

    def _field(self, field: Field, schema: Any) -> Iterator[Finding]:
        found = self._reached([path for path in field.sources if path not in SPECIAL_SOURCES])
        found = _as_far_as(found, field)
        timed = [_KAFKA_TIME] if KAFKA_TIMESTAMP in field.sources and all(one.avro.nullable for one in found) else []
        if not found and not timed:
            yield _lost(field)
            return
        yield from self._types(field, schema, [*found, *timed])
        if all(source.avro.nullable for source in found) and not set(field.sources) & set(SPECIAL_SOURCES):
            yield from _null(field)
        if field.convert == LABEL:
            yield from _labels(field, found)

    def _types(self, field: Field, schema: Any, found: Sequence[Reach]) -> Iterator[Finding]:
        """Of values that are there: null never reaches the call by a candidate, it gives way to what stands in."""
        if field.convert == LABEL:
            return
        kinds = [one for source in found for one in source.avro.alternatives]
        fits = [(one.kind, fit(converted(one, field), schema, self._whole)) for one in kinds]
        never = _or(kind for kind, it in fits if not it.can)
        sometimes = _or(kind for kind, it in fits if it.can and not it.always)
        if never:
            weight: Weight = "warning" if any(it.can for _, it in fits) else "problem"
            yield Finding(weight, field.pointer, f"{never} never fits: set aside as invalid")
        if sometimes:
            yield Finding("warning", field.pointer, f"{sometimes} does not always fit: set aside as invalid")

    def _reached(self, sources: Sequence[str]) -> list[Reach]:
        reached = [reach(self._root, path.split(".")) for path in sources]
        return [source for source in reached if source.exists]


def _as_far_as(found: list[Reach], field: Field) -> list[Reach]:
    """Candidates up to one that is never null: none behind it is ever taken. In a field that skips, it can be blank."""
    never_null = [number for number, source in enumerate(found, 1) if not source.avro.nullable]
    return found if field.skip or not never_null else found[: never_null[0]]


def _lost(field: Field) -> Finding:
    wanted = ", ".join(field.sources)
    if field.skip and not field.default:
        return Finding("problem", field.pointer, f"no field {wanted}: every record is skipped as {field.skip}")
    if field.default:
        return Finding("note", field.pointer, f"no field {wanted}: always the default")
    if field.required:
        return Finding("problem", field.pointer, f"no field {wanted}: every record is set aside as missing_required")
    return Finding("warning", field.pointer, f"no field {wanted}: it is in no call")


def _null(field: Field) -> Iterator[Finding]:
    if field.default:
        yield Finding("note", field.pointer, "null becomes the default")
    elif field.skip:
        yield Finding("note", field.pointer, f"null or blank: skipped as {field.skip}")
    elif field.nullable:
        yield Finding("note", field.pointer, "null stays null")
    elif field.required:
        yield Finding("warning", field.pointer, "null is set aside as missing_required")
    else:
        yield Finding("note", field.pointer, "null is left out")


def _labels(field: Field, found: Sequence[Reach]) -> Iterator[Finding]:
    symbols = [symbol for source in found for one in source.avro.alternatives for symbol in one.symbols]
    if without := [symbol for symbol in symbols if symbol not in field.labels]:
        weight: Weight = "problem" if len(without) == len(symbols) else "warning"
        yield Finding(weight, field.pointer, f"no label for {', '.join(without)}: set aside as no_label")


def _on_null(skip: Skip) -> bool:
    tests = {"blank": blank(None), "in": among(None, skip.values), "not-in": not among(None, skip.values)}
    return tests[skip.test]


def _paths(rule: Rule) -> Iterator[str]:
    if isinstance(rule, Field):
        yield from rule.sources
    elif not isinstance(rule, Constant):
        for inner in rule.properties.values():
            yield from _paths(inner)


def _unused(avro: AvroType, path: tuple[str, ...], used: set[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for name, inner in [pair for one in avro.alternatives for pair in one.fields.items()]:
        here = (*path, name)
        if any(one[: len(here)] == here for one in used):
            if here not in used:
                yield from _unused(inner, here, used)
        elif not any(here[: len(one)] == one for one in used):
            yield here


def _or(kinds: Any) -> str:
    return " or ".join(dict.fromkeys(kinds))
