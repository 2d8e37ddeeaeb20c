"""What a list becomes by `x-list`: its first item, a text, its length, or an object of its keys and values."""

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from consumer.contract.container_forms import OMITTED, Forms
from consumer.contract.conversions import Convert
from consumer.contract.rules import FIRST, JOIN, KEY, LENGTH, OBJECT, OMIT, VALUE, Field
from consumer.errors import MappingError
from consumer.jsonio import dumps
from consumer.reasons import Reason

log = logging.getLogger(__name__)


def list_forms(field: Field, item_forms: Forms, types: Iterable[type], guard: Callable[[Convert], Convert]) -> Forms:
    """
    The forms of the values of these Python types, if the field has a list form.

    `item_forms` convert the items first. `guard` applies `x-on-invalid` to a value that cannot become the form.
    """
    form = guard(_transform(field))
    return {python_type: _after(item_forms.get(python_type), form) for python_type in types}


def _transform(field: Field) -> Convert:
    """Of a converted list. Raises MappingError `invalid` for other values, with the annotation in place of a rule."""
    transforms = {**_TRANSFORMS, JOIN: _joined_by(field.separator), OBJECT: _object_of(field.on_invalid == OMIT)}
    transform = transforms[field.list_form]

    def convert(value: Any, pointer: str) -> Any:
        try:
            if type(value) is list:
                return transform(value, pointer)
        except TypeError:
            pass
        raise MappingError(Reason.INVALID, f"{pointer}: x-list")

    return convert


def _after(convert_items: Convert | None, form: Convert) -> Convert:
    if convert_items is None:
        return form

    def convert(value: Any, pointer: str) -> Any:
        converted = convert_items(value, pointer)
        if converted is None or converted is OMITTED:  # by x-on-invalid, or JSON null
            return converted
        return form(converted, pointer)

    return convert


def _first(items: list[Any], _: str) -> Any:
    """The first item that is not null; null if there is none."""
    return next((item for item in items if item is not None), None)


def _length(items: list[Any], _: str) -> int:
    return len(items)


def _joined_by(separator: str) -> Convert:
    """The items that are not null, as text. Raises TypeError for a list or an object among the items."""
    return lambda items, _: separator.join([_text(item) for item in items if item is not None])


def _object_of(omits: bool) -> Convert:
    """
    The value of each key; of a key that comes twice, the last value.

    Null is passed over. Raises TypeError for an item without a key. An item without a value also raises it, unless
    `omits`: `x-on-invalid` can have left the value out.
    """

    def convert(items: list[Any], pointer: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for item in items:
            if item is None:
                continue
            if type(item) is not dict or not (omits or VALUE in item):
                raise TypeError
            key = _text(item.get(KEY))
            if key in values:
                _warn_of_repeated_key(pointer)
            if VALUE in item:
                values[key] = item[VALUE]
        return values

    return convert


@lru_cache
def _warn_of_repeated_key(pointer: str) -> None:
    """Once for each property, because all lists of one producer have the same keys."""
    log.warning("list has a key twice, using the last value", extra={"property": pointer})


def _text(item: Any) -> str:
    """The same text, or a number or a boolean as JSON writes it."""
    if type(item) is str:
        return item
    if not isinstance(item, bool | int | float):
        raise TypeError
    return dumps(item).decode()


_TRANSFORMS: Mapping[str, Convert] = {FIRST: _first, LENGTH: _length}
