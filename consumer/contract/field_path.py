"""Paths into a record: the type that the writer's schema has there, and the code that gets the value."""

from typing import Any, NamedTuple

from consumer.avro.schema import AvroType


class FieldPath(NamedTuple):
    """A Python expression over `decoded` (and `get_field`), and the type of its value."""

    code: str
    avro: AvroType


def resolve_path(root: AvroType, path: str) -> FieldPath | None:
    """
    The field at a dotted path of records of type `root`, None if the writer's schema has no such field.

    Names are quoted in the code, whatever characters they hold.
    """
    code, avro = "decoded", root
    for name in path.split("."):
        if avro.kind == "record":
            code, inner = f"{code}[{name!r}]", avro.fields.get(name)
        else:
            code, inner = f"get_field({code}, {name!r})", _optional_type(avro, name)
        if inner is None:
            return None
        avro = inner
    return FieldPath(code, avro)


def get_field(value: Any, name: str) -> Any:
    """The field of a value that may be null, a map, or of one of several types at run time."""
    return value.get(name) if type(value) is dict else None


def _optional_type(avro: AvroType, name: str) -> AvroType | None:
    """The type of the field `name` of any alternative, or null; None if no alternative has such a field."""
    inner = [field for alternative in avro.alternatives for field in _field_types(alternative, name)]
    if not inner:
        return None
    return AvroType("union", branches=(AvroType("null"), *inner))


def _field_types(avro: AvroType, name: str) -> list[AvroType]:
    if avro.kind == "map" and avro.items:
        return [avro.items]
    return [avro.fields[name]] if name in avro.fields else []
