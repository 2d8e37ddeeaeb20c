"""One contract: its annotations read into rules, and every mistake in them named."""

from collections.abc import Iterator, Mapping
from typing import Any

from consumer.contract import annotations, keywords, skips, track, validator
from consumer.contract.keywords import AT_THE_TOP, ON_A_FIELD
from consumer.contract.rules import Constant, Contract, Field, Object, Rule, Skip, pointer, strip
from consumer.contract.validator import SEGMENT_RULES, accepts, objection
from consumer.contract.walk import Place
from consumer.errors import ContractError


def read(file: str, schema: object) -> Contract:
    """The contract in a file's JSON value. Raises ContractError with a line for each mistake."""
    if not isinstance(schema, dict):
        raise ContractError(f"{file}: /: expected a JSON object")
    reader = _Reader(file, schema)
    contract = reader.read()
    if reader.mistakes:
        raise ContractError(*reader.mistakes)
    return contract


class _Reader:
    """Goes on after a mistake; `homes` says for each mapped place which annotations belong there."""

    def __init__(self, file: str, schema: dict[str, Any]) -> None:
        self.file, self.schema, self.pure = file, schema, strip(schema)
        self.mistakes: list[str] = []
        self.skips: list[Skip] = []
        self.homes: dict[Place, tuple[str, ...]] = {(): AT_THE_TOP}

    def read(self) -> Contract:
        record = annotations.record(self.schema, self.expected)
        environment = annotations.environment(self.schema, self.expected)
        self.skips += skips.skips(self.schema, self.expected)
        wrong = [*validator.mistakes(self.pure)]
        # The rules of what is no JSON Schema mean nothing, and reading them would only add noise.
        call = Object({}) if wrong else self.object(self.schema, ())
        wrong += keywords.unknown(self.schema) if wrong else self.meanings()
        for place, what in wrong:
            self.expected(place, what)
        return Contract(self.file, record, environment, tuple(self.skips), call, self.pure)

    def meanings(self) -> Iterator[tuple[Place, str]]:
        yield from track.mistakes(self.schema)
        yield from keywords.mistakes(self.schema, self.homes)

    def expected(self, place: Place, what: str) -> None:
        self.mistakes.append(f"{self.file}: {pointer(*place)}: expected {what}")

    def object(self, schema: Mapping[str, Any], names: Place) -> Object:
        if "$ref" in schema:
            self.expected((*_place(names), "$ref"), "no $ref beside properties, as draft-07 looks at nothing beside it")
        declared: Mapping[str, Any] = schema.get("properties", {})
        required = schema.get("required", [])
        for name in required:
            if name not in declared and (names or name not in track.ALWAYS):
                self.expected((*_place(names), "required"), f"{name} to be declared, as nothing else is in a call")
        return Object({name: self.rule(rule, (*names, name), name in required) for name, rule in declared.items()})

    def rule(self, rule: Any, names: Place, required: bool) -> Rule:
        schema, place = rule if isinstance(rule, dict) else {}, _place(names)
        self.homes[place] = ()
        if "const" in schema:
            self.allowed("const", schema, place)
            return Constant(schema["const"])
        if "properties" in schema and "x-source" not in schema:
            if "default" in schema:
                self.expected((*place, "default"), "no default here: the object is made of its properties, always")
            return self.object(schema, names)
        self.homes[place] = ON_A_FIELD
        return self.field(schema, names, required)

    def field(self, schema: dict[str, Any], names: Place, required: bool) -> Field:
        place = _place(names)
        self.allowed("default", schema, place)
        implied = (str(names[-1]),) if names[0] == "properties" and len(names) > 1 else ()
        if not implied and not {"x-source", "default"} & set(schema) and names[0] in track.PROPERTIES:
            self.expected(place, "x-source, const, default or properties (only inside `properties` a name is a source)")
        sources = annotations.sources(schema, place, self.expected) if "x-source" in schema else implied
        labels = annotations.labels(schema, place, self.expected)
        for symbol, label in labels.items():
            self.value(label, schema, (*place, "x-labels", symbol))
        skip = skips.skip(schema, place, sources, self.expected)
        if skip and skip.test != skips.BLANK:
            self.skips.append(skip)
        return Field(
            pointer(*names),
            sources,
            required,
            accepts(schema, None, self.pure),
            annotations.convert(schema, place, self.expected),
            labels,
            skip.reason if skip and skip.test == skips.BLANK else "",
            (schema["default"],) if "default" in schema else (),
        )

    def allowed(self, keyword: str, schema: dict[str, Any], place: Place) -> None:
        if keyword not in schema:
            return
        self.value(schema[keyword], schema, (*place, keyword))
        segment = SEGMENT_RULES["properties"].get(place[1], True) if len(place) == 2 and place[1] != "type" else True
        if breaks := objection(segment, schema[keyword], {}):
            self.expected((*place, keyword), f"a value that Segment takes: {breaks}")

    def value(self, value: Any, schema: dict[str, Any], place: Place) -> None:
        if breaks := objection(schema, value, self.pure):
            self.expected(place, f"a value that its own rule allows: {breaks}")


def _place(names: Place) -> Place:
    return tuple(step for name in names for step in ("properties", name))
