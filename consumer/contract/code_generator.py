"""The code that a contract's rules become for the records of one writer's schema."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.container_forms import OMITTED, as_convert
from consumer.contract.field_path import FieldPath, get_field, resolve_path
from consumer.contract.field_plan import CheckOf, FieldPlan, NotProven, Step, StepOf, no_check, plan_field
from consumer.contract.rules import (
    KAFKA_MESSAGE_ID,
    KAFKA_TIMESTAMP,
    MISSING,
    SERVICE_VERSION,
    Field,
    Object,
    Rule,
    Skip,
    constant_value,
)
from consumer.contract.size_check import check_size
from consumer.contract.skip_rules import BLANK, IN, is_blank, is_one_of
from consumer.contract.value_forms import comparable_forms
from consumer.errors import MappingError, RecordSkipped
from consumer.model import Record
from consumer.reasons import Reason

_TEXT = AvroType("string")
_LONG_OR_NULL = AvroType("union", branches=(AvroType("null"), AvroType("long")))


def kafka_time(record: Record) -> int | None:
    """The record's timestamp in ms. Kafka says -1 where there is none."""
    return record.timestamp if record.timestamp >= 0 else None


_MISSING = "raise MappingError(Reason.MISSING_REQUIRED, {!r})"
_HELPERS = (is_one_of, is_blank, get_field, kafka_time, check_size, NotProven, RecordSkipped, MappingError, Reason)


class Expression(NamedTuple):
    """Code for a value of the event, and code that says whether the event has the value ("": it always has)."""

    code: str
    is_present: str = ""


class CodeGenerator:
    """
    Functions over records whose type is `root`.

    Text from files is in their lines only as a quoted literal or through the namespace, so that it stays text.
    """

    def __init__(self, root: AvroType, service_version: str, step_of: StepOf, check_of: CheckOf = no_check) -> None:
        """`check_of` says for each property what is checked about its value."""
        self._root, self._step_of, self._check_of = root, step_of, check_of
        self._lines: list[str] = []
        self._names = 0
        self._namespace: dict[str, Any] = {"OMITTED": OMITTED, **{helper.__name__: helper for helper in _HELPERS}}
        self._constants = {SERVICE_VERSION: service_version}
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
        constant = constant_value(rule, self._constants)
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
        if field.has_default and not sources:
            return self._checked(field, sources, Expression(self._constant(field.default)))
        plan = plan_field(field, sources, self._step_of)
        if plan.is_copy:
            return self._checked(field, sources, Expression(sources[0].code))
        variable = self._new_name()
        self._lines += self._assignment(field, variable, [source.code for source in sources] or ["None"], plan)
        if plan.can_become_null:
            self._lines.append(f"if {variable} is None: {self._replacement(field, variable, plan)}")
        if plan.can_be_omitted and field.required:
            self._lines.append(f"if {variable} is OMITTED: {_MISSING.format(field.pointer)}")
        tests = [f"{variable} is not None"] * (not plan.always_present)
        tests += [f"{variable} is not OMITTED"] * plan.can_be_omitted
        return self._checked(field, sources, Expression(variable, " and ".join(tests)))

    def _checked(self, field: Field, sources: Sequence[FieldPath], value: Expression) -> Expression:
        is_valid = self._check_of(field, sources, not value.is_present)
        if is_valid:
            test = f"not {self._constant(is_valid)}({value.code})"
            self._lines.append(f"if {' and '.join(filter(None, (value.is_present, test)))}: raise NotProven")
        return value

    def _assignment(self, field: Field, variable: str, codes: Sequence[str], plan: FieldPlan) -> list[str]:
        """Lines that give the variable the first value, converted, or what replaces the value."""
        code, *others = codes
        converted = self._converted(field, variable, plan.steps[-len(codes)] if plan.steps else None)
        if not others and plan.always_has_value:
            return [f"{variable} = {code}", *converted]
        otherwise = [self._replacement(field, variable, plan)]
        if others:
            otherwise = self._assignment(field, variable, others, plan)
        is_absent = f"{variable} is None"
        if field.skip:  # like `is_blank`, whose call takes longer
            is_absent += f" or type({variable}) is str and not {variable}.strip()"
        lines = [f"{variable} = {code}"]
        if otherwise != ["pass"]:
            lines += [f"if {is_absent}:", *_indented(otherwise)]
            return [*lines, "else:", *_indented(converted)] if converted else lines
        return [*lines, f"if {variable} is not None:", *_indented(converted)] if converted else lines

    def _converted(self, field: Field, variable: str, step: Step | None) -> list[str]:
        if step is None:
            return []
        function = self._constant(step.function)
        return [line.format(value=variable, function=function, pointer=field.pointer) for line in step.lines]

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
