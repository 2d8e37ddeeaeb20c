"""The code that a contract's rules become for the records of one writer's schema."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.container_forms import OMITTED, as_convert
from consumer.contract.conversions import Convert
from consumer.contract.field_path import FieldPath, get_field, resolve_path
from consumer.contract.field_plan import FieldPlan, plan_field
from consumer.contract.rules import (
    KAFKA_MESSAGE_ID,
    KAFKA_TIMESTAMP,
    MISSING,
    SERVICE_VERSION,
    Constant,
    Field,
    Object,
    Rule,
    Skip,
)
from consumer.contract.skip_rules import BLANK, IN, is_blank, is_one_of
from consumer.contract.value_forms import CountInvalid, comparable_forms
from consumer.errors import MappingError, RecordSkipped
from consumer.model import Record
from consumer.reasons import Reason

_TEXT = AvroType("string")
_LONG_OR_NULL = AvroType("union", branches=(AvroType("null"), AvroType("long")))


def kafka_time(record: Record) -> int | None:
    """The record's timestamp in ms. Kafka says -1 where there is none."""
    return record.timestamp if record.timestamp >= 0 else None


_MISSING = "raise MappingError(Reason.MISSING_REQUIRED, {!r})"
_HELPERS = (is_one_of, is_blank, get_field, kafka_time, RecordSkipped, MappingError, Reason)


class Expression(NamedTuple):
    """Code for a value of the event, and code that says whether the event has the value ("": it always has)."""

    code: str
    is_present: str = ""


class CodeGenerator:
    """
    Functions over records whose type is `root`.

    Text from files is in their lines only as a quoted literal or through the namespace, so that it stays text.
    """

    def __init__(self, root: AvroType, service_version: str, count_invalid: CountInvalid) -> None:
        self._root, self._count_invalid = root, count_invalid
        self._lines: list[str] = []
        self._names = 0
        self._namespace: dict[str, Any] = {"OMITTED": OMITTED, **{helper.__name__: helper for helper in _HELPERS}}
        self._special = {
            KAFKA_TIMESTAMP: FieldPath("kafka_time(record)", _LONG_OR_NULL),
            KAFKA_MESSAGE_ID: FieldPath("message_id", _TEXT),
            SERVICE_VERSION: FieldPath(self._constant(service_version), _TEXT),
        }

    def function(self, parameters: str, rule: Rule, skips: Sequence[Skip] = ()) -> Callable[..., Any]:
        """A function with these parameters (`decoded`, and those of the rule's special sources) to the rule's value."""
        self._lines = []
        for skip in skips:
            self._add_skip(skip)
        value = self._value(rule).code
        source = "\n    ".join([f"def function({parameters}):", *self._lines, f"return {value}"])
        exec(source, self._namespace)  # noqa: S102 - one flat function is what makes a record cheap
        function: Callable[..., Any] = self._namespace["function"]
        return function

    def _add_skip(self, skip: Skip) -> None:
        value = self._new_name()
        self._lines.append(f"{value} = None")
        for path in skip.sources:
            source = resolve_path(self._root, path)
            if source is not None:
                self._lines.append(f"if {value} is None: {value} = {self._compared(source, skip)}")
        self._lines.append(f"if {self._skip_test(skip, value)}: raise RecordSkipped({skip.reason!r})")

    def _compared(self, source: FieldPath, skip: Skip) -> str:
        """Code for the value of a source as the skip rule looks at it."""
        convert = as_convert(comparable_forms(source.avro)) if skip.test != BLANK else None
        return f"{self._constant(convert)}({source.code}, '')" if convert else source.code

    def _skip_test(self, skip: Skip, value: str) -> str:
        if skip.test == BLANK:
            return f"is_blank({value})"
        is_listed = f"is_one_of({value}, {self._constant(skip.values)})"
        if skip.test == IN:
            return is_listed
        return f"not {is_listed}"

    def _value(self, rule: Rule) -> Expression:
        if isinstance(rule, Field):
            return self._field(rule)
        constant = _constant_value(rule)
        if isinstance(rule, Object) and constant is MISSING:
            return Expression(self._object(rule))
        return Expression(self._constant(constant))

    def _object(self, rule: Object) -> str:
        variable = self._new_name()
        values = {key: self._value(inner) for key, inner in rule.properties.items()}
        certain = ", ".join(f"{key!r}: {value.code}" for key, value in values.items() if not value.is_present)
        self._lines.append(f"{variable} = {{{certain}}}")
        for key, value in values.items():
            if value.is_present:
                self._lines.append(f"if {value.is_present}: {variable}[{key!r}] = {value.code}")
        return variable

    def _field(self, field: Field) -> Expression:
        sources = self._sources(field)
        plan = plan_field(field, sources, self._count_invalid)
        if plan.is_copy:
            return Expression(sources[0].code)
        variable = self._new_name()
        self._lines += self._assignment(field, variable, [source.code for source in sources] or ["None"], plan)
        if plan.can_become_null:
            self._lines.append(f"if {variable} is None: {self._replacement(field, variable, plan)}")
        if plan.can_be_omitted and field.required:
            self._lines.append(f"if {variable} is OMITTED: {_MISSING.format(field.pointer)}")
        tests = [f"{variable} is not None"] * (not plan.always_present)
        tests += [f"{variable} is not OMITTED"] * plan.can_be_omitted
        return Expression(variable, " and ".join(tests))

    def _assignment(self, field: Field, variable: str, codes: Sequence[str], plan: FieldPlan) -> list[str]:
        """Lines that give the variable the first value, converted, or what replaces the value."""
        code, *others = codes
        convert = plan.converts[-len(codes)] if plan.converts else None
        if not others and plan.always_has_value:
            return [f"{variable} = {code}", *self._converted(field, variable, convert)]
        otherwise = [self._replacement(field, variable, plan)]
        if others:
            otherwise = self._assignment(field, variable, others, plan)
        is_absent = f"is_blank({variable})" if field.skip else f"{variable} is None"
        lines = [f"{variable} = {code}", f"if {is_absent}:", *_indented(otherwise)]
        converted = self._converted(field, variable, convert)
        return [*lines, "else:", *_indented(converted)] if converted else lines

    def _converted(self, field: Field, variable: str, convert: Convert | None) -> list[str]:
        if convert is None:
            return []
        return [f"{variable} = {self._constant(convert)}({variable}, {field.pointer!r})"]

    def _replacement(self, field: Field, variable: str, plan: FieldPlan) -> str:
        if field.has_default:
            return f"{variable} = {self._constant(field.default)}"
        if field.skip:
            return f"raise RecordSkipped({field.skip!r})"
        if field.required and not plan.sends_null:
            return _MISSING.format(field.pointer)
        return "pass"

    def _sources(self, field: Field) -> list[FieldPath]:
        """The sources that the writer's schema has, up to the first that always has a value."""
        sources = []
        for path in field.sources:
            source = self._special.get(path) or resolve_path(self._root, path)
            if source is None:
                continue
            sources.append(source)
            if not source.avro.nullable and not field.skip:  # a field that skips also passes over blank values
                break
        return sources

    def _new_name(self) -> str:
        self._names += 1
        return f"v{self._names}"

    def _constant(self, value: Any) -> str:
        name = self._new_name()
        self._namespace[name] = value
        return name


def _indented(lines: Sequence[str]) -> list[str]:
    return [f" {line}" for line in lines]


def _constant_value(rule: Rule) -> Any:
    """The value of a rule that has the same value in every event, else MISSING."""
    if isinstance(rule, Field):
        return MISSING
    if isinstance(rule, Constant):
        return rule.value
    values = {name: _constant_value(inner) for name, inner in rule.properties.items()}
    if any(value is MISSING for value in values.values()):
        return MISSING
    return values
