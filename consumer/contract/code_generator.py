"""The code that a contract's rules become for the records of one writer's schema."""

from collections.abc import Callable, Sequence
from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.conversions import CONVERSIONS, KEEP_TEXT, Convert, label
from consumer.contract.field_path import Reach, get, reach
from consumer.contract.forms import among, blank, is_json, is_text, json_form
from consumer.contract.rules import (
    KAFKA_MESSAGE_ID,
    KAFKA_TIMESTAMP,
    LABEL,
    SERVICE_VERSION,
    Constant,
    Field,
    Object,
    Rule,
    Skip,
)
from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.model import Message

_TEXT = AvroType("string")
_LONG_OR_NULL = AvroType("union", branches=(AvroType("null"), AvroType("long")))


def kafka_time(message: Message) -> int | None:
    """The record's timestamp in ms; Kafka says -1 where there is none."""
    return message.timestamp if message.timestamp >= 0 else None


_HELPERS = (among, blank, get, kafka_time, SkipRecord, UnprocessableRecord)


class Code:
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
            KAFKA_TIMESTAMP: Reach("kafka_time(message)", _LONG_OR_NULL),
            KAFKA_MESSAGE_ID: Reach("message_id", _TEXT),
            SERVICE_VERSION: Reach(self._constant(service_version), _TEXT),
        }

    def function(self, parameters: str, rule: Rule, skips: Sequence[Skip] = ()) -> Callable[..., Any]:
        """A function with these parameters (`record`, and what the rule's special sources need) to the rule's value."""
        self._lines = []
        for skip in skips:
            self._skip(skip)
        value, _ = self._value(rule)
        source = "\n    ".join([f"def function({parameters}):", *self._lines, f"return {value}"])
        exec(source, self._namespace)  # noqa: S102 - one flat function is what makes a record cheap
        made: Callable[..., Any] = self._namespace["function"]
        return made

    def _skip(self, skip: Skip) -> None:
        value = self._name()
        self._lines.append(f"{value} = None")
        for source in (reach(self._root, text.split(".")) for text in skip.sources):
            if source.exists:
                self._lines.append(f"if {value} is None: {value} = {source.code}")
        test = f"among({value}, {self._constant(skip.values)})"
        tests = {"blank": f"blank({value})", "in": test, "not-in": f"not {test}"}
        self._lines.append(f"if {tests[skip.test]}: raise SkipRecord({skip.reason!r})")

    def _value(self, rule: Rule) -> tuple[str, bool]:
        """An expression for the value, and whether the call always has it; else None says that it has not."""
        if isinstance(rule, Field):
            return self._field(rule)
        if isinstance(rule, Constant):
            return self._constant(rule.value), True
        return self._constant(_plain(rule)) if _is_constant(rule) else self._object(rule), True

    def _object(self, rule: Object) -> str:
        made = self._name()
        values = {name: self._value(inner) for name, inner in rule.properties.items()}
        always = ", ".join(f"{name!r}: {value}" for name, (value, certain) in values.items() if certain)
        self._lines.append(f"{made} = {{{always}}}")
        for name, (value, certain) in values.items():
            if not certain:
                self._lines.append(f"if {value} is not None: {made}[{name!r}] = {value}")
        return made

    def _field(self, field: Field) -> tuple[str, bool]:
        sources = self._sources(field)
        convert = _conversion(field, sources)
        ends = bool(sources) and not sources[-1].avro.nullable and not field.skip
        null = field.nullable and bool(sources)
        certain = ends or null or field.required or bool(field.default or field.skip)
        if len(sources) == 1 and not convert and not field.skip and (ends or (null and not field.default)):
            return sources[0].code, True
        return self._chosen(field, sources, convert, ends), certain

    def _chosen(self, field: Field, sources: Sequence[Reach], convert: Convert | None, ends: bool) -> str:
        """A variable with the first source's value that is there, converted, or what stands in for it."""
        value = self._name()
        absent = f"blank({value})" if field.skip else f"{value} is None"
        self._lines.append(f"{value} = {sources[0].code if sources else None}")
        self._lines += [f"if {absent}: {value} = {source.code}" for source in sources[1:]]
        if not ends:
            self._lines.append(f"if {absent}: {self._stand_in(field, value, bool(sources))}")
        if convert:
            made = f"{self._constant(convert)}({value}, {field.pointer!r})"
            if field.convert in ("", *KEEP_TEXT):  # most values are text: to ask is cheaper than to call
                made = f"{value} if type({value}) is str else {made}"
            self._lines.append(f"{'' if ends else 'else: '}{value} = {made}")
        return value

    def _stand_in(self, field: Field, value: str, has_source: bool) -> str:
        if field.default:
            return f"{value} = {self._constant(field.default[0])}"
        if field.skip:
            return f"raise SkipRecord({field.skip!r})"
        if field.required and not (field.nullable and has_source):
            return f"raise UnprocessableRecord('missing_required', {field.pointer!r})"
        return "pass"

    def _sources(self, field: Field) -> list[Reach]:
        """Those that the writer's schema has, up to one that is never null (in a skipping field it can be blank)."""
        sources = []
        for text in field.sources:
            source = self._special[text] if text in self._special else reach(self._root, text.split("."))
            if source.exists:
                sources.append(source)
            if not source.avro.nullable and source.exists and not field.skip:
                break
        return sources

    def _name(self) -> str:
        self._names += 1
        return f"v{self._names}"

    def _constant(self, value: Any) -> str:
        name = self._name()
        self._namespace[name] = value
        return name


def _conversion(field: Field, sources: Sequence[Reach]) -> Convert | None:
    """The function that the sources' values go through, None when they are their own JSON form."""
    if field.convert == LABEL:
        return label(field.labels)
    if field.convert:
        kept = field.convert in KEEP_TEXT and all(is_text(source.avro) for source in sources)
        return None if kept else CONVERSIONS[field.convert]
    return None if all(is_json(source.avro) for source in sources) else json_form


def _is_constant(rule: Rule) -> bool:
    if isinstance(rule, Object):
        return all(_is_constant(inner) for inner in rule.properties.values())
    return isinstance(rule, Constant)


def _plain(rule: Rule) -> Any:
    if isinstance(rule, Object):
        return {name: _plain(inner) for name, inner in rule.properties.items()}
    return rule.value if isinstance(rule, Constant) else None
