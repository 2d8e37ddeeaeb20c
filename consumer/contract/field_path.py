"""Paths into a record: the type that the writer's schema has there, the code for the value, and similar paths."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType
from consumer.contract.source_path import parent_and_name, path_steps, source_path

_MAX_SUGGESTED = 3


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
    for name in path_steps(path):
        if avro.kind == "record":
            code, inner = f"{code}[{name!r}]", avro.fields.get(name)
        else:
            code, inner = f"get_field({code}, {name!r})", _optional_type(avro, name)
        if inner is None:
            return None
        avro = inner
    return FieldPath(code, avro)


def field_paths(root: AvroType) -> Iterator[str]:
    """Every path that `resolve_path` finds in records of type `root`, except for the keys of maps."""
    for alternative in root.alternatives:
        for name, inner in alternative.fields.items():
            step = source_path((name,))
            yield step
            yield from (f"{step}.{path}" for path in field_paths(inner))


def suggested_fields(path: str, paths: Sequence[str]) -> str:
    """
    A question whether one of `paths` was meant, "" if none is similar to a path that does not exist.

    If the path leads into a record that exists, only the fields of this record are suggested, up to three.
    """
    parent, name = parent_and_name(path)
    siblings = {parent_and_name(other)[1]: other for other in paths if other.startswith(f"{parent}.")}
    if not parent or not siblings:
        return similar_field(path, paths)
    names = _similar(name, siblings) or list(siblings)[:_MAX_SUGGESTED]
    return f"; did you mean {' or '.join(siblings[sibling] for sibling in names)}?"


def similar_field(path: str, paths: Iterable[str], min_similarity: float = 0.6) -> str:
    """A question whether the most similar of `paths` was meant, "" if none is similar. Case and _ do not matter."""
    return "".join(f"; did you mean {match}?" for match in _similar(path, paths, min_similarity))


def _similar(name: str, candidates: Iterable[str], min_similarity: float = 0.6) -> list[str]:
    by_letters = {_letters(candidate): candidate for candidate in candidates}
    return [by_letters[match] for match in get_close_matches(_letters(name), by_letters, 1, min_similarity)]


def _letters(path: str) -> str:
    return path.replace("_", "").casefold()


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
