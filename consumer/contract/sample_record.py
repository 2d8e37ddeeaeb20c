"""Sample records of an Avro schema, as people write them in cases."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from consumer.avro.schema import NO_VALUE, AvroType
from consumer.contract.field_guesses import Leaf, name_words, time_conversion
from consumer.contract.json_types import type_name
from consumer.contract.source_path import source_path

TIME = "2026-03-02T09:00:00Z"
SECONDS = 1_772_442_000
"""TIME since 1970."""

_TIMES = {
    "iso-8601": SECONDS * 1000,
    "iso-8601-seconds": SECONDS,
    "iso-8601-micros": SECONDS * 1_000_000,
}
_VALUES: Mapping[str, Any] = {
    "null": None,
    "boolean": True,
    "int": 7,
    "long": 42,
    "float": 0.5,
    "double": 0.5,
    "date": TIME[:10],
    "time": TIME[11:19],
    "timestamp": TIME,
    "decimal": "0",  # fits any precision and scale
    "uuid": "5b1f3f5c-6a53-4f6e-9c55-0d6f0f0b7a11",
}
"""By `type_name`."""
MAX_LEVELS = 6
"""Records inside each other. Deeper ones are left out where the schema allows that, for example of a recursive type."""
_MAX_BYTES = 1_000_000  # a larger fixed has no sample, which is reported when it is encoded
_KNOWN_TYPES = {"string": str, "int": int, "long": int}


class Sampler(NamedTuple):
    """
    Makes sample values, as `consumer.avro.json_to_avro` reads them.

    `known` has values of fields by their paths; they are used where the type is text or an integer as the value is.
    `is_sparse`: values are null where they can be, except for the field with the path `kept`, and lists and maps are
    empty.
    """

    known: Mapping[str, Any]
    is_sparse: bool = False
    kept: str = ""

    def value(self, avro: AvroType, path: str = "", level: int = 0) -> Any:
        """`level`: the records around the value."""
        match avro.kind:
            case "union":
                return self._union_value(avro.branches, path, level)
            case "record":
                return self._record(avro, f"{path}." if path else "", level + 1)
            case "array":
                return self._items(avro, level)
            case "map":
                return {f"key{number}": item for number, item in enumerate(self._items(avro, level), 1)}
            case "enum":
                return next(iter(avro.symbols), "")  # without symbols no value fits
            case _:
                return self._leaf_value(avro, path)

    def _record(self, avro: AvroType, prefix: str, level: int) -> dict[str, Any]:
        steps = {name: source_path((name,)) for name in avro.fields}
        return {name: self.value(inner, f"{prefix}{steps[name]}", level) for name, inner in avro.fields.items()}

    def _union_value(self, branches: Sequence[AvroType], path: str, level: int) -> Any:
        """Of the first branch, because a value that also fits another branch counts for the first that it fits."""
        others = [branch for branch in branches if branch.kind != "null"]
        is_nullable, is_kept = len(others) < len(branches), f"{self.kept}.".startswith(f"{path}.")
        is_left_out = (self.is_sparse and not is_kept) or level >= MAX_LEVELS
        if not others or others[0] == NO_VALUE or (is_nullable and is_left_out):
            return None
        return self.value(others[0], path, level)

    def _items(self, avro: AvroType, level: int) -> list[Any]:
        if self.is_sparse or level >= MAX_LEVELS or avro.items is None or avro.items == NO_VALUE:
            return []
        return [self.value(avro.items, "", level)]

    def _leaf_value(self, avro: AvroType, path: str) -> Any:
        name = type_name(avro)
        if name in _KNOWN_TYPES and isinstance(self.known.get(path), _KNOWN_TYPES[name]):
            return self.known[path]
        if name in ("bytes", "fixed"):
            return b64encode(bytes(min(avro.size, _MAX_BYTES) or 3)).decode()
        return _VALUES.get(name, " ".join(name_words(path)) or "text")


def known_values(leaves: Iterable[Leaf]) -> dict[str, Any]:
    """The values of fields that are times, by path."""
    values: dict[str, Any] = {}
    for leaf in leaves:
        convert = time_conversion(leaf)
        if convert is not None:
            values[leaf.path] = _TIMES.get(convert, TIME)
    return values
