"""The code that a contract's rules become for the records of one writer's schema."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.conversions import KEEP_TEXT
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
from consumer.errors import MappingError, RecordSkipped
from consumer.model import Record
from consumer.reasons import Reason

_TEXT = AvroType("string")
_LONG_OR_NULL = AvroType("union", branches=(AvroType("null"), AvroType("long")))


def kafka_time(record: Record) -> int | None:
    """The record's timestamp in ms. Kafka says -1 where there is none."""
    return record.timestamp if record.timestamp >= 0 else None


_HELPERS = (is_one_of, is_blank, get_field, kafka_time, RecordSkipped, MappingError, Reason)


class Expression(NamedTuple):
    """Code for a value of the event. `always_present`: otherwise None says that the event does not have the value."""

    code: str
    always_present: bool


class CodeGenerator:
    """
    Functions over records whose type is `root`.

    Text from files is in their lines only as a quoted literal or through the namespace, so that it stays text.
    """

    def __init__(self, root: AvroType, service_version: str) -> None:
        self._root = root
        self._lines: list[str] = []
        self._names = 0
        self._namespace: dict[str, Any] = {helper.__name__: helper for helper in _HELPERS}
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
                self._lines.append(f"if {value} is None: {value} = {source.code}")
        self._lines.append(f"if {self._skip_test(skip, value)}: raise RecordSkipped({skip.reason!r})")

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
            return Expression(self._object(rule), True)
        return Expression(self._constant(constant), True)

    def _object(self, rule: Object) -> str:
        variable = self._new_name()
        values = {key: self._value(inner) for key, inner in rule.properties.items()}
        certain = ", ".join(f"{key!r}: {value.code}" for key, value in values.items() if value.always_present)
        self._lines.append(f"{variable} = {{{certain}}}")
        for key, value in values.items():
            if not value.always_present:
                self._lines.append(f"if {value.code} is not None: {variable}[{key!r}] = {value.code}")
        return variable

    def _field(self, field: Field) -> Expression:
        sources = self._sources(field)
        plan = plan_field(field, sources)
        if plan.is_copy:
            return Expression(sources[0].code, True)
        return Expression(self._variable(field, sources, plan), plan.always_present)

    def _variable(self, field: Field, sources: Sequence[FieldPath], plan: FieldPlan) -> str:
        """A variable with the value of the first source that has one, converted, or with what replaces the value."""
        variable = self._new_name()
        is_absent = f"is_blank({variable})" if field.skip else f"{variable} is None"
        first, *others = [source.code for source in sources] or ["None"]
        self._lines.append(f"{variable} = {first}")
        self._lines += [f"if {is_absent}: {variable} = {other}" for other in others]
        if not plan.always_has_value:
            self._lines.append(f"if {is_absent}: {self._replacement(field, variable, plan)}")
        if plan.convert and plan.always_has_value:
            self._lines.append(self._converted(field, variable, plan))
        elif plan.convert:
            self._lines.append(f"else: {self._converted(field, variable, plan)}")
        return variable

    def _converted(self, field: Field, variable: str, plan: FieldPlan) -> str:
        converted = f"{self._constant(plan.convert)}({variable}, {field.pointer!r})"
        if field.convert in ("", *KEEP_TEXT):  # most values are text, and a test is cheaper than a call
            converted = f"{variable} if type({variable}) is str else {converted}"
        return f"{variable} = {converted}"

    def _replacement(self, field: Field, variable: str, plan: FieldPlan) -> str:
        if field.has_default:
            return f"{variable} = {self._constant(field.default)}"
        if field.skip:
            return f"raise RecordSkipped({field.skip!r})"
        if field.required and not plan.sends_null:
            return f"raise MappingError(Reason.MISSING_REQUIRED, {field.pointer!r})"
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
