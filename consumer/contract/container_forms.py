"""How the values inside lists, maps and records are converted, each by the form of its own type."""

from collections.abc import Callable, Mapping
from typing import Any

from consumer.contract.conversions import Convert

OMITTED: Any = object()
"""In place of a value that is left out."""

Forms = Mapping[type, Convert]
"""By Python type: the function that a value goes through. A value of any other type is sent as it is."""


def as_convert(forms: Forms) -> Convert | None:
    """One function for values of all types; None if every value is sent as it is."""
    if not forms:
        return None
    form_of = forms.get

    def convert(value: Any, pointer: str) -> Any:
        form = form_of(type(value))
        return value if form is None else form(value, pointer)

    return convert


def list_form(forms: Forms, omits: bool) -> Convert:
    """Of a list whose items have one of the forms. `omits`: an item can become OMITTED."""
    form_of = forms.get

    def convert(value: list[Any], pointer: str) -> list[Any]:
        items = [item if (form := form_of(type(item))) is None else form(item, pointer) for item in value]
        return [item for item in items if item is not OMITTED] if omits else items

    return convert


def map_form(forms: Forms, omits: bool) -> Convert:
    """Of a map, like `list_form`; also of a record of which only the values are known."""
    form_of = forms.get

    def convert(value: dict[str, Any], pointer: str) -> dict[str, Any]:
        items = {
            name: item if (form := form_of(type(item))) is None else form(item, pointer) for name, item in value.items()
        }
        return {name: item for name, item in items.items() if item is not OMITTED} if omits else items

    return convert


def record_form(fields: Mapping[str, Forms], omits: bool) -> Convert:
    """Of a record; `fields` has the forms of the fields that need some."""
    converts = [(name, convert_field) for name, forms in fields.items() if (convert_field := as_convert(forms))]

    def convert(value: dict[str, Any], pointer: str) -> dict[str, Any]:
        items = {**value, **{name: convert_field(value[name], pointer) for name, convert_field in converts}}
        return {name: item for name, item in items.items() if item is not OMITTED} if omits else items

    return convert


CONTAINER_FORMS: Mapping[type, Callable[[Forms, bool], Convert]] = {list: list_form, dict: map_form}
"""Of arrays and maps, by the Python type of their values."""
