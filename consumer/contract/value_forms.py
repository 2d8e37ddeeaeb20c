"""The forms in which values of an Avro type are sent: which values need another form, and what else is not sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from consumer.avro.logical_types import PYTHON_TYPES, OutOfRange, range_reason
from consumer.avro.schema import AvroType
from consumer.contract.container_forms import (
    CONTAINER_FORMS,
    OMITTED,
    Forms,
    as_convert,
    list_form,
    map_form,
    record_form,
)
from consumer.contract.conversions import CONVERSIONS, JSON_TEXTS, Convert, json_form, label, scalar_text
from consumer.contract.json_text import count_nothing, parse_json
from consumer.contract.list_forms import list_forms
from consumer.contract.rules import LABEL, NULL, OMIT, REJECT, STRING, Field
from consumer.errors import MappingError
from consumer.jsonio import dumps

_UNSENDABLE = (int, float, bytes, OutOfRange)  # bytes of an int can hold more than 32 bits
_CONVERTED = {"json": (*_UNSENDABLE, str), LABEL: (*_UNSENDABLE, str, bool)}


class CountInvalid(Protocol):
    """Counts a changed or missing value, by what is done to it, and a JSON text with a key twice."""

    def __call__(self, action: str, /) -> None: ...


def field_forms(field: Field, avro: AvroType, count_invalid: CountInvalid) -> Forms:
    """The forms of the values of one source of a field."""
    forms = _FormBuilder.of_field(field, count_invalid).forms(avro)
    if not field.list_form:
        return forms
    types = {PYTHON_TYPES[alternative.kind] for alternative in avro.alternatives} | forms.keys()
    if any(alternative.can_be_out_of_range for alternative in avro.alternatives):
        types.add(str)  # what is text already when it is decoded
    return list_forms(field, forms, types, _guard(field.on_invalid, count_invalid))


def readable(avro: AvroType, value: Any) -> Any:
    """A decoded value of this type for people: as it would be sent, or as text where it cannot be sent."""
    convert = as_convert(field_forms(Field("", (), on_invalid=STRING), avro, count_nothing))
    return convert(value, "") if convert else value


def comparable_forms(avro: AvroType) -> Forms:
    """The forms in which single values of this type are compared with the values of a skip rule: as text."""

    def guard(form: Convert) -> Convert:
        return _replaced(form, lambda _: OMITTED)  # what has no text equals no text

    return _FormBuilder(lambda value, _: value, (), guard, {OutOfRange: lambda *_: OMITTED}, False).forms(avro)


@dataclass(frozen=True, slots=True)
class _FormBuilder:
    """
    Builds forms. `leaf` converts a value that is no list, map or record; the values of `leaf_types` go through it.

    `guard` makes of a form one that obeys `x-on-invalid`. `plain` has the forms of a value whose type is not known.
    """

    leaf: Convert
    leaf_types: tuple[type, ...]
    guard: Callable[[Convert], Convert]
    plain: Forms
    omits: bool

    @classmethod
    def of_field(cls, field: Field, count_invalid: CountInvalid) -> "_FormBuilder":
        guard = _guard(field.on_invalid, count_invalid)
        omits = field.on_invalid == OMIT
        leaf: Convert = label(field.labels) if field.convert == LABEL else CONVERSIONS.get(field.convert, json_form)
        if field.convert == "json":
            leaf = _parsed(_plain_forms(json_form, _UNSENDABLE, guard, omits), count_invalid)
        leaf_types = _CONVERTED.get(field.convert, _UNSENDABLE)
        return cls(leaf, leaf_types, guard, _plain_forms(leaf, leaf_types, guard, omits), omits)

    def forms(self, avro: AvroType) -> Forms:
        """Of all values of a type. Branches with one Python type need no forms of their own, or are text already."""
        by_type: dict[type, list[AvroType]] = {}
        for alternative in avro.alternatives:
            by_type.setdefault(PYTHON_TYPES[alternative.kind], []).append(alternative)
        forms: dict[type, Convert] = {}
        for python_type, alternatives in by_type.items():
            if len(alternatives) == 1:
                forms |= self._forms_of_one(alternatives[0])
            elif python_type in self.plain:
                forms[python_type] = self.plain[python_type]
            if any(alternative.can_be_out_of_range for alternative in alternatives):
                forms |= {OutOfRange: self.plain[OutOfRange]}
                if str in self.plain:
                    forms[str] = self.plain[str]
        return forms

    def _forms_of_one(self, avro: AvroType) -> Forms:
        if avro.kind == "record":
            fields = {name: self.forms(inner) for name, inner in avro.fields.items()}
            fields = {name: forms for name, forms in fields.items() if forms}
            return {dict: record_form(fields, self.omits)} if fields else {}
        if avro.items:
            forms, python_type = self.forms(avro.items), PYTHON_TYPES[avro.kind]
            return {python_type: CONTAINER_FORMS[python_type](forms, self.omits)} if forms else {}
        python_type = PYTHON_TYPES[avro.kind]
        if avro.text_form:
            return {python_type: self.guard(self._text(avro))}
        return {python_type: self.plain[python_type]} if python_type in self.plain else {}

    def _text(self, avro: AvroType) -> Convert:
        """The form of a logical type's stored values: text, then converted like any text."""
        form, reason, leaf, converts = avro.text_form, range_reason(avro.logical), self.leaf, str in self.leaf_types
        assert form

        def text(value: Any, pointer: str) -> Any:
            try:
                written = form(value)
            except (OverflowError, ValueError):
                raise MappingError(reason, pointer) from None
            return leaf(written, pointer) if converts else written

        return text


def _plain_forms(
    leaf: Convert, leaf_types: tuple[type, ...], guard: Callable[[Convert], Convert], omits: bool
) -> Forms:
    """Of values whose Avro type is not known: by their Python type alone."""
    forms: dict[type, Convert] = dict.fromkeys(leaf_types, guard(leaf))
    forms |= {OutOfRange: guard(_out_of_range), list: list_form(forms, omits), dict: map_form(forms, omits)}
    return forms


def _out_of_range(value: OutOfRange, pointer: str) -> Any:
    raise MappingError(value.reason, pointer)


def _parsed(inner: Forms, count_invalid: CountInvalid) -> Convert:
    """The conversion of JSON text to its value, in which each value has one of the inner forms."""

    def convert(value: Any, pointer: str) -> Any:
        parsed = parse_json(value, pointer, count_invalid) if type(value) in JSON_TEXTS else value
        form = inner.get(type(parsed))
        return parsed if form is None else form(parsed, pointer)

    return convert


def _guard(on_invalid: str, count_invalid: CountInvalid) -> Callable[[Convert], Convert]:
    """What makes of a form one that never raises, but gives what `x-on-invalid` says."""
    if on_invalid == REJECT:
        return lambda form: form

    def replace(value: Any) -> Any:
        count_invalid(on_invalid)
        return _REPLACEMENTS[on_invalid](value)

    return lambda form: _replaced(form, replace)


def _replaced(form: Convert, replace: Callable[[Any], Any]) -> Convert:
    def convert(value: Any, pointer: str) -> Any:
        try:
            return form(value, pointer)
        except MappingError:
            return replace(value)

    return convert


def _text_in_place(value: Any) -> str:
    if isinstance(value, list | dict):  # of which `x-list` cannot make anything
        return dumps(value).decode()
    return scalar_text(value.stored if type(value) is OutOfRange else value)


_REPLACEMENTS: Mapping[str, Callable[[Any], Any]] = {
    NULL: lambda _: None,
    OMIT: lambda _: OMITTED,
    STRING: _text_in_place,
}
