"""One contract file: its annotations read into rules, and every mistake in them reported."""

from collections.abc import Iterable, Mapping
from typing import Any

from consumer.contract import annotations, keywords, validator
from consumer.contract.event_mistakes import event_mistakes
from consumer.contract.keywords import FIELD_ANNOTATIONS, TOP_ANNOTATIONS, Mistake, SchemaPath
from consumer.contract.rules import (
    FIRST,
    JOIN,
    MISSING,
    Constant,
    Contract,
    Field,
    Object,
    Rule,
    Skip,
    without_annotations,
)
from consumer.contract.skip_rules import BLANK, read_field_skip, read_skips
from consumer.contract.source_path import source_path
from consumer.contract.validator import SEGMENT_RULES, accepts, objection
from consumer.errors import ContractError
from consumer.jsonio import json_pointer
from consumer.segment_limits import EVENT_PROPERTIES, REQUIRED_PROPERTIES


def parse_contract(file: str, schema: object) -> Contract:
    """The contract in a file's JSON value. Raises ContractError with a line for each mistake."""
    if not isinstance(schema, dict):
        raise ContractError(f"{file}: /: expected a JSON object")
    parser = _ContractParser(file, schema)
    contract = parser.contract()
    if parser.mistakes:
        raise ContractError(*parser.mistakes)
    return contract


class _ContractParser:
    """
    Reads one contract, and continues after a mistake, so that all mistakes are reported together.

    `allowed` has the annotations that each path may have, as far as the contract was read.
    """

    def __init__(self, file: str, schema: dict[str, Any]) -> None:
        self.file, self.schema = file, schema
        self.pure: dict[str, Any] = without_annotations(schema)
        self.mistakes: list[str] = []
        self.skips: list[Skip] = []
        self.allowed: dict[SchemaPath, tuple[str, ...]] = {(): TOP_ANNOTATIONS}

    def contract(self) -> Contract:
        record = annotations.read_record(self.schema, self.report)
        environment = annotations.read_environment(self.schema, self.report)
        self.skips += read_skips(self.schema, self.report)
        event = self.event()  # its properties add skip rules
        allowed_rules = annotations.read_allowed_rules(self.schema, self.report)
        return Contract(self.file, record, environment, tuple(self.skips), event, self.pure, allowed_rules)

    def event(self) -> Object:
        schema_mistakes = [*validator.mistakes(self.pure)]
        if schema_mistakes:
            # The rules of a file that is no JSON Schema mean nothing, and reading them would only add noise.
            self.report_all([*schema_mistakes, *keywords.unknown_keywords(self.schema)])
            return Object({})
        event = self.object(self.schema, ())
        self.report_all(event_mistakes(self.schema))
        self.report_all(keywords.misplaced_keywords(self.schema, self.allowed))
        return event

    def report(self, path: SchemaPath, expected: str) -> None:
        self.mistakes.append(f"{self.file}: {json_pointer(*path)}: expected {expected}")

    def report_all(self, mistakes: Iterable[Mistake]) -> None:
        for mistake in mistakes:
            self.report(mistake.path, mistake.expected)

    def object(self, schema: Mapping[str, Any], names: SchemaPath) -> Object:
        """The object at `names`, which are the names of the properties that lead to it."""
        path = _path(names)
        if "$ref" in schema:
            self.report((*path, "$ref"), "no $ref beside properties, because draft-07 ignores everything beside a $ref")
        declared: Mapping[str, Any] = schema.get("properties", {})
        required = schema.get("required", [])
        for name in required:
            if name not in declared and (names or name not in REQUIRED_PROPERTIES):
                self.report(
                    (*path, "required"), f"{name} to be declared, because an event has only declared properties"
                )
        return Object({name: self.rule(rule, (*names, name), name in required) for name, rule in declared.items()})

    def rule(self, schema: Any, names: SchemaPath, required: bool) -> Rule:
        schema, path = _as_dict(schema), _path(names)
        self.allowed[path] = ()
        if "const" in schema:
            self.check_property_value("const", schema, path)
            return Constant(schema["const"])
        if "properties" in schema and "x-source" not in schema:
            if "default" in schema:
                self.report(
                    (*path, "default"), "no default here, because the object is always built from its properties"
                )
            return self.object(schema, names)
        self.allowed[path] = FIELD_ANNOTATIONS
        return self.field(schema, names, required)

    def field(self, schema: dict[str, Any], names: SchemaPath, required: bool) -> Field:
        path = _path(names)
        self.check_property_value("default", schema, path)
        sources = self.sources(schema, names)
        labels = annotations.read_labels(schema, path, self.report)
        self.check_labels(labels, schema, path)
        return Field(
            json_pointer(*names),
            sources,
            required,
            nullable=accepts(schema, None, self.pure),
            skip=self.skip_reason(schema, path, sources),
            convert=annotations.read_conversion(schema, path, sources, self.report),
            labels=labels,
            list_form=annotations.read_list_form(schema, path, sources, self.report),
            separator=annotations.read_separator(schema, path, self.report),
            on_invalid=annotations.read_on_invalid(schema, path, self.report),
            default=schema.get("default", MISSING),
        )

    def sources(self, schema: dict[str, Any], names: SchemaPath) -> tuple[str, ...]:
        """`x-source`, or inside `properties` the property's own name."""
        if "x-source" in schema:
            return annotations.read_sources(schema, _path(names), self.report)
        if names[0] == "properties" and len(names) > 1:
            return (source_path((str(names[-1]),)),)
        if "default" not in schema and names[0] in EVENT_PROPERTIES:
            expected = "x-source, const, default or properties (a name is a source only inside `properties`)"
            self.report(_path(names), expected)
        return ()

    def skip_reason(self, schema: dict[str, Any], path: SchemaPath, sources: tuple[str, ...]) -> str:
        """The reason to skip a record in which the property is blank, "" for none; other tests go into `skips`."""
        skip = read_field_skip(schema, path, sources, self.report)
        if skip is None:
            return ""
        if skip.test == BLANK:
            return skip.reason
        self.skips.append(skip)
        return ""

    def check_labels(self, labels: Mapping[str, Any], schema: dict[str, Any], path: SchemaPath) -> None:
        """With `x-list`, a label is an item: the value of the property itself only if the first one is sent."""
        list_form = schema.get("x-list", FIRST)
        for symbol, label in labels.items():
            place = (*path, "x-labels", symbol)
            if list_form == JOIN and isinstance(label, list | dict):
                self.report(place, f'a text, a number or a boolean, because of "x-list": "{JOIN}"')
            if list_form == FIRST and not ("x-list" in schema and label is None):  # null is no first item
                self.check_value(label, schema, place)

    def check_property_value(self, keyword: str, schema: dict[str, Any], path: SchemaPath) -> None:
        """Report a `const` or `default` that breaks the property's schema or Segment's rules."""
        if keyword not in schema:
            return
        self.check_value(schema[keyword], schema, (*path, keyword))
        violation = objection(_segment_rule(path), schema[keyword], {})
        if violation:
            self.report((*path, keyword), f"a value that Segment accepts: {violation}")

    def check_value(self, value: Any, schema: dict[str, Any], path: SchemaPath) -> None:
        violation = objection(schema, value, self.pure)
        if violation:
            self.report(path, f"a value that its own rule allows: {violation}")


def _segment_rule(path: SchemaPath) -> Any:
    """Segment's rule for a property; True, which allows everything, where Segment has none or `type` is checked."""
    if len(path) != 2 or path[1] == "type":
        return True
    return SEGMENT_RULES["properties"].get(path[1], True)


def _path(names: SchemaPath) -> SchemaPath:
    return tuple(step for name in names for step in ("properties", name))


def _as_dict(schema: Any) -> dict[str, Any]:
    if isinstance(schema, dict):
        return schema
    return {}
