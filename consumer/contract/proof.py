"""What follows about an event from its contract and the writer's schema, and what is left to check of each event."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.conversion_check import converted_type, sent_type
from consumer.contract.conversions import KEEP_TEXT
from consumer.contract.field_path import FieldPath
from consumer.contract.json_types import ANYTHING, type_name
from consumer.contract.keywords import subschemas
from consumer.contract.list_check import list_fit
from consumer.contract.rules import KAFKA_MESSAGE_ID, SERVICE_VERSION, Constant, Contract, Field, Object, Rule
from consumer.contract.type_fit import check_fit
from consumer.contract.validator import SEGMENT_RULES, accepts, part_validator
from consumer.jsonio import json_pointer
from consumer.segment_limits import MAX_MESSAGE_ID_LENGTH

_NOT_BLANK = "\\S"
"""In ASCII, draft-07's white space is a part of Python's. U+FEFF is white space in draft-07 and not in Python."""

_REMARKS = {"$comment", "$id", "$schema", "contentEncoding", "contentMediaType", "default", "definitions"}
_REMARKS |= {"description", "examples", "readOnly", "title", "writeOnly"}
_OBJECT_KEYWORDS = {*_REMARKS, "properties", "required", "type"}
_TYPE_KEYWORDS = {*_REMARKS, "additionalProperties", "items", "type"}
"""Of these, types alone decide. `properties` is not among them, because a map can have keys of any name."""


_NULL = AvroType("null")


class EventRules:
    """
    What a contract's schema and Segment's rules require of each property, read once for all writers' schemas.

    `by_pointer` has the rules of each property that differs between events. `required` has the pointers
    of the properties that every event must have. `is_complete`: these and the constants are all that is required.
    """

    def __init__(self, contract: Contract, service_version: str) -> None:
        self.schema, self._version = contract.schema, service_version
        self.by_pointer: dict[str, list[Any]] = {}
        self.required: set[str] = set()
        self.is_complete = True
        self._validators: dict[tuple[str, tuple[int, ...]], Callable[[Any], bool]] = {}
        self._read(contract.event, contract.schema, (), [SEGMENT_RULES])

    def validator(self, pointer: str, numbers: tuple[int, ...]) -> Callable[[Any], bool]:
        """Whether a value obeys those of the property's rules that have these numbers. It takes 20 KiB or more."""
        key = (pointer, numbers)
        if key not in self._validators:
            rules = self.by_pointer[pointer]
            self._validators[key] = part_validator([rules[number] for number in numbers], self.schema)
        return self._validators[key]

    def _read(self, rule: Rule, schema: Any, names: tuple[str, ...], others: Sequence[Any]) -> None:
        """The rules of the properties of an object, and whether there are rules of other kinds."""
        if isinstance(rule, Object):
            self._read_object(rule, schema, names, others)
        elif isinstance(rule, Constant):
            self._read_constant(rule.value, schema, others)
        elif rule.sources[:1] == (SERVICE_VERSION,):
            self._read_constant(self._version, schema, others)
            self.by_pointer[rule.pointer] = []
        else:
            self.by_pointer[rule.pointer] = [schema, *others]

    def _read_constant(self, value: Any, schema: Any, others: Sequence[Any]) -> None:
        self.is_complete &= all(accepts(part, value, self.schema) for part in (schema, *others))

    def _read_object(self, rule: Object, schema: Any, names: tuple[str, ...], others: Sequence[Any]) -> None:
        for part in (schema, *others):
            self.is_complete &= set(part) <= _OBJECT_KEYWORDS
            self.is_complete &= accepts({"type": part.get("type", "object")}, {}, {})
            for name in part.get("required", ()):
                self.required.add(json_pointer(*names, name))
                self.is_complete &= name in rule.properties
        for name, inner in rule.properties.items():
            inner_others = [part["properties"][name] for part in others if name in part.get("properties", ())]
            self._read(inner, schema["properties"][name], (*names, name), inner_others)


class Proof:
    """
    Chooses for each property the test that is left for the records of one writer's schema.

    `is_whole`: the tests of the properties together are as strict as the contract's schema and Segment's rules. This is
    known when the code of the event exists.
    """

    def __init__(self, rules: EventRules) -> None:
        self._rules, self.is_whole = rules, rules.is_complete

    def check_of(
        self, field: Field, sources: Sequence[FieldPath], is_always_present: bool
    ) -> Callable[[Any], bool] | None:
        """The test of the field's property; None if every value passes."""
        if field.pointer in self._rules.required and not is_always_present:
            self.is_whole = False
        rules = self._rules.by_pointer[field.pointer]
        left = [number for number, rule in enumerate(rules) if not self._is_proven(rule, field, sources)]
        if not left:
            return None
        is_valid = self._rules.validator(field.pointer, tuple(left))
        if all(_is_proven_text(rules[number], field, sources, (_NOT_BLANK,)) for number in left):
            return lambda text: text.isascii() or is_valid(text)
        return is_valid

    def _is_proven(self, rule: Any, field: Field, sources: Sequence[FieldPath]) -> bool:
        """Whether every value that the event can have obeys the rule. Null is sent only where the schema allows it."""
        if isinstance(rule, bool):
            return rule
        if set(rule) <= _REMARKS or _is_proven_text(rule, field, sources):
            return True
        if field.has_default and not sources:
            return accepts(rule, field.default, self._rules.schema)
        if not sources or field.has_default or field.skip:
            return False
        if field.nullable and not check_fit(_NULL, rule, self._rules.schema).always:
            return False
        types = [alternative for source in sources for alternative in source.avro.alternatives]
        return all(self._is_type_proven(rule, avro, field) for avro in types)

    def _is_type_proven(self, rule: Mapping[str, Any], avro: AvroType, field: Field) -> bool:
        converted = sent_type(avro, field)
        if converted == ANYTHING or field.labels or not list_fit(converted_type(avro, field), field.list_form).can:
            return False
        if rule.get("format") == "date-time" and _is_time(avro, field):
            rule = {keyword: value for keyword, value in rule.items() if keyword != "format"}
        keywords = {keyword for _, part in subschemas(rule) for keyword in part}
        return keywords <= _TYPE_KEYWORDS and check_fit(converted, rule, self._rules.schema).always


def _is_proven_text(rule: Any, field: Field, sources: Sequence[FieldPath], patterns: tuple[str, ...] = ()) -> bool:
    """
    Whether the rule allows each text that the code lets through: a messageId, or a text that is not blank.

    `patterns`: those that each text matches.
    """
    if isinstance(rule, bool):
        return rule
    keywords = {keyword: value for keyword, value in rule.items() if keyword not in _REMARKS}
    types = keywords.pop("type", "string")
    if "string" not in ([types] if isinstance(types, str) else types):
        return False
    if field.sources == (KAFKA_MESSAGE_ID,):
        within = keywords.pop("minLength", 0) <= 1 and keywords.pop("maxLength", inf) >= MAX_MESSAGE_ID_LENGTH
        return within and not keywords
    is_text = all(avro.kind == "string" for source in sources for avro in source.avro.alternatives)
    fits = keywords.pop("minLength", 0) <= 1 and ("pattern" not in keywords or keywords.pop("pattern") in patterns)
    return is_text and bool(field.skip) and field.convert in ("", *KEEP_TEXT) and fits and not keywords


def _is_time(avro: AvroType, field: Field) -> bool:
    """Whether every value is sent as a time in ISO-8601 with a zone."""
    is_converted = field.convert.startswith("iso-8601") and avro.kind in ("int", "long") and not avro.logical
    return is_converted or (type_name(avro) == "timestamp" and field.convert in ("", "string", "iso-8601"))
