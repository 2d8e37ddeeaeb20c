"""Unions whose decoded values do not tell how they are written: their logical types apply while they are decoded."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from consumer.avro.connect_types import VARIABLE_SCALE_DECIMAL
from consumer.avro.logical_types import PYTHON_TYPES
from consumer.avro.schema import NO_VALUE, AvroType


def is_ambiguous(union: AvroType) -> bool:
    """
    Whether branches of the union have one Python type, and are written in different ways.

    In a union of a date and a long, 5 can be a day or a number.
    """
    branches = union.alternatives
    python_types = Counter(PYTHON_TYPES[branch.kind] for branch in branches)
    return any(python_types[PYTHON_TYPES[branch.kind]] > 1 and branch.has_texts for branch in branches)


def types_in_ambiguous_unions(parsed: Any, root: AvroType, names: Mapping[str, Any]) -> frozenset[int]:
    """
    The identities of all types that are inside an ambiguous union of `parsed`, also through names.

    A schema that is a union itself is none: each of its branches is decoded by itself. `parsed` is a schema in full
    names, `root` its type, and `names` has the definitions of the named types.
    """
    inside: set[int] = set()
    for union in _ambiguous_unions(parsed, root, names):
        waiting = [union]
        while waiting:
            definition = _definition(waiting.pop(), names)
            if isinstance(definition, dict | list) and id(definition) not in inside:
                inside.add(id(definition))
                waiting += _parts(definition)
    return frozenset(inside)


def _ambiguous_unions(parsed: Any, root: AvroType, names: Mapping[str, Any]) -> Iterator[Any]:
    seen: set[int] = set()
    waiting = [(parsed, root)]
    while waiting:
        definition, avro = waiting.pop()
        definition = _definition(definition, names)
        if not isinstance(definition, dict | list) or id(definition) in seen or _is_closed(avro):
            continue
        seen.add(id(definition))
        if avro.kind == "union" and avro is not root and is_ambiguous(avro):
            yield definition
        waiting += zip(_parts(definition), avro.inner, strict=True)


def _is_closed(avro: AvroType) -> bool:
    """Whether the tree has nothing of what is in the definition: it has no value, or is text."""
    return avro == NO_VALUE or avro.logical == VARIABLE_SCALE_DECIMAL


def _definition(parsed: Any, names: Mapping[str, Any]) -> Any:
    """What a name stands for; a primitive type stands for itself."""
    return names.get(parsed, parsed) if isinstance(parsed, str) else parsed


def _parts(parsed: Any) -> Iterable[Any]:
    """The types that a type is made of, in the order of `AvroType.inner`."""
    if isinstance(parsed, list):
        return parsed
    match parsed["type"]:
        case "record" | "error":
            return [field["type"] for field in parsed["fields"]]
        case "array":
            return [parsed["items"]]
        case "map":
            return [parsed["values"]]
    return []
