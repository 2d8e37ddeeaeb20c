"""Which fields of a record are passed over without building their values, because nobody uses these fields."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from consumer.avro.schema import NO_VALUE, AvroType, Part, WriterSchema
from consumer.avro.schema_tree import takes_no_bytes

MIN_PASSED_OVER = 8
"""Consecutive fields. To pass over fewer fields takes about as long as to decode them."""

MAX_ITEMS = 1000
"""Of an array or a map that is passed over. A record with a longer one is decoded as a whole."""

_KEPT_ITEMS = 8
"""The types of so many items are kept, because most arrays are short."""

_BEGINS_WITH_NUMBER = frozenset({"int", "long", "string", "bytes", "union", "array", "map"})


class _OneBlock(dict[Any, Any]):
    """
    An array or a map to pass over, as a union: the library looks up the number of items like that of a branch.

    In place of a branch is a record of so many items and of the end. Anything but one block of items is no branch, so
    that the whole record is decoded. The library would trust the size in bytes behind a number below zero, which
    decoding ignores, and so find other values in the fields behind. Source: fastavro 1.13 (_read.pyx: skip_array,
    skip_map, skip_union).
    """

    _END: Mapping[Any, Any] = {"type": "union", 0: "null"}

    def __init__(self, item: Sequence[Any]) -> None:
        """`item`: the types of which an item is made."""
        super().__init__(self._END)
        self._item = [{"type": avro} for avro in item]

    def __missing__(self, count: int) -> Any:
        if not 0 < count <= MAX_ITEMS:
            raise KeyError(count)
        block = {"type": "record", "fields": [*self._item * count, {"type": self._END}]}
        if count <= _KEPT_ITEMS:
            self[count] = block
        return block


def decode_only(schema: WriterSchema, names: Collection[str]) -> WriterSchema:
    """A copy of the schema for those who use these fields of a record only. Decoding may leave out other fields."""
    return replace(schema, parts=_parts(schema, names))


def _parts(schema: WriterSchema, names: Collection[str]) -> tuple[Part, ...]:
    """
    None if decoding the whole record is as good.

    The last field is always decoded. The library passes over bytes behind the end without an error, and the last field
    cannot be decoded then.
    """
    types = schema.root.fields
    if not types or takes_no_bytes([*types.values()][-1]):
        return ()

    def is_passed_over(field: Any) -> bool:
        return field["name"] not in names and _can_be_passed_over(types[field["name"]])

    *fields, last = schema.strict["fields"]
    parts: list[Part] = []
    decoded: list[Any] = []
    for is_unused, group in groupby(fields, is_passed_over):
        run = [*group]
        if is_unused and len(run) >= MIN_PASSED_OVER:
            if decoded:
                parts.append(Part(_record(schema, decoded)))
            skipped = [{**field, "type": _in_one_block(field["type"])} for field in run]
            parts.append(Part(_record(schema, skipped), _record(schema, [])))
            decoded = []
        else:
            decoded += run
    return (*parts, Part(_record(schema, [*decoded, last]))) if parts else ()


def _record(schema: WriterSchema, fields: Sequence[Any]) -> Any:
    return {**schema.strict, "fields": fields}


def _in_one_block(strict: Any) -> Any:
    """The form of a strict type to pass over: each array and each map outside of records is a _OneBlock."""
    match strict:
        case {"type": "array", "items": items}:
            return _OneBlock([_in_one_block(items)])
        case {"type": "map", "values": values}:
            return _OneBlock(["string", _in_one_block(values)])
        case {"type": "union"}:
            return {key: branch if key == "type" else _in_one_block(branch) for key, branch in strict.items()}
    return strict


def _can_be_passed_over(avro: AvroType) -> bool:
    """
    Not a recursive type, whose depth is limited by decoding it, and no enum, whose symbols are checked by decoding it.

    Not an array whose items are all of a fixed length: the library would count to the number of items, which can be
    any number in damaged bytes, without a look at the end of the bytes. Not a record with an array or a map: a record
    can stand for its name, and the definition of the name is that for decoding.
    """
    if avro == NO_VALUE or avro.kind == "enum":
        return False
    if avro.kind == "array" and avro.items and not _ends_with_bytes(avro.items):
        return False
    if avro.kind == "record" and any(map(_has_items, avro.fields.values())):
        return False
    return all(map(_can_be_passed_over, avro.inner))


def _has_items(avro: AvroType) -> bool:
    return avro.kind in ("array", "map") or any(map(_has_items, avro.inner))


def _ends_with_bytes(avro: AvroType) -> bool:
    """Whether the library notices that there are no bytes left for a value of this type: it reads a number in it."""
    return avro.kind in _BEGINS_WITH_NUMBER or any(map(_ends_with_bytes, avro.fields.values()))
