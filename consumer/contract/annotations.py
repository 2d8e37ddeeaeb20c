"""One contract: its annotations read into rules, and every mistake in them named."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from consumer.contract import keywords, track, validate
from consumer.contract.keywords import AT_THE_TOP, ON_A_FIELD, nearest
from consumer.contract.rules import (
    CONVERSIONS,
    SKIP_CONDITIONS,
    SPECIAL_SOURCES,
    Constant,
    Contract,
    Field,
    Object,
    Rule,
    pointer,
    strip,
)
from consumer.contract.validate import accepts
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
        self.file, self.schema = file, schema
        self.mistakes: list[str] = []
        self.homes: dict[Place, tuple[str, ...]] = {(): AT_THE_TOP}

    def read(self) -> Contract:
        pure = strip(self.schema)
        record = self.record()
        environment = self.sources(self.schema, "x-environment", (), ())
        wrong = [(place, f"JSON Schema draft-07: {what}") for place, what in validate.mistakes(pure)]
        # The rules of what is no JSON Schema mean nothing, and reading them would only add noise.
        call = Object({}) if wrong else self.object(self.schema, ())
        wrong += keywords.unknown(self.schema) if wrong else self.meanings()
        for place, what in wrong:
            self.expected(place, what)
        return Contract(self.file, record, environment, call, pure)

    def meanings(self) -> Iterator[tuple[Place, str]]:
        yield from track.mistakes(self.schema)
        yield from keywords.mistakes(self.schema, self.homes)

    def expected(self, place: Place, what: str) -> None:
        self.mistakes.append(f"{self.file}: {pointer(*place)}: expected {what}")

    def object(self, schema: Mapping[str, Any], names: Place) -> Object:
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
            return self.object(schema, names)
        self.homes[place] = ON_A_FIELD
        return self.field(schema, names, required)

    def field(self, schema: dict[str, Any], names: Place, required: bool) -> Field:
        place = _place(names)
        self.allowed("default", schema, place)
        implied = (str(names[-1]),) if names[0] == "properties" and len(names) > 1 else ()
        if not implied and not {"x-source", "default"} & set(schema):
            self.expected(place, "x-source, const, default or properties (only inside `properties` a name is a source)")
        return Field(
            pointer(*names),
            self.sources(schema, "x-source", place, SPECIAL_SOURCES) if "x-source" in schema else implied,
            required,
            accepts(schema, None, self.schema.get("definitions", {})),
            self.one_of(CONVERSIONS, schema.get("x-convert", ""), (*place, "x-convert")),
            self.skip(schema.get("x-skip", {}), (*place, "x-skip")),
            (schema["default"],) if "default" in schema else (),
        )

    def allowed(self, keyword: str, schema: dict[str, Any], place: Place) -> None:
        if keyword in schema and not accepts(schema, schema[keyword], self.schema.get("definitions", {})):
            self.expected((*place, keyword), "a value that its own rule allows")

    def record(self) -> str:
        record = self.schema.get("x-record")
        if isinstance(record, str) and re.fullmatch(r"[\w.*]+", record):
            return record
        self.expected(("x-record",), "the full name of an Avro record, in which * is any text")
        return ""

    def sources(self, schema: Any, keyword: str, around: Place, special: tuple[str, ...]) -> tuple[str, ...]:
        """The paths that the keyword gives; none without it."""
        place, value = (*around, keyword), schema.get(keyword, ())
        paths = [value] if isinstance(value, str) else value
        if not isinstance(paths, list | tuple) or not all(
            isinstance(path, str) and all(path.split(".")) for path in paths
        ):
            self.expected(place, 'a path such as "a.b", or a list of them')
            return ()
        if paths == []:
            self.expected(place, "at least one path")
        for path in paths:
            if path.startswith("$") and path not in special:
                self.expected(place, f"{path} to be a path of the record{_or(special)}{nearest(path, special)}")
        return tuple(paths)

    def one_of(self, known: tuple[str, ...], value: Any, place: Place) -> str:
        if value == "" or value in known:
            return str(value)
        self.expected(place, f"one of {', '.join(known)}{nearest(value, known)}")
        return ""

    def skip(self, value: Any, place: Place) -> str:
        if value == {}:
            return ""
        if not isinstance(value, dict) or set(value) != {"when", "reason"}:
            self.expected(place, '{"when": .., "reason": ..}')
            return ""
        self.one_of(SKIP_CONDITIONS, value["when"], (*place, "when"))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(value["reason"])):
            self.expected((*place, "reason"), "a word in snake_case")
        return str(value["reason"])


def _place(names: Place) -> Place:
    return tuple(step for name in names for step in ("properties", name))


def _or(special: tuple[str, ...]) -> str:
    return "".join(f", or {source}" for source in special)
