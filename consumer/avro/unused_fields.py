"""Which fields of a record are passed over without building their values, because nobody uses these fields."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from consumer.avro.schema import NO_VALUE, AvroType, Part, WriterSchema
from consumer.avro.schema_tree import takes_no_bytes

MIN_PASSED_OVER = 8
"""Consecutive fields. To pass over fewer fields takes about as long as to decode them."""

_BEGINS_WITH_NUMBER = frozenset({"int", "long", "string", "bytes", "union", "array", "map"})


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
            parts.append(Part(_record(schema, run), _record(schema, [])))
            decoded = []
        else:
            decoded += run
    return (*parts, Part(_record(schema, [*decoded, last]))) if parts else ()


def _record(schema: WriterSchema, fields: Sequence[Any]) -> Any:
    return {**schema.strict, "fields": fields}


def _can_be_passed_over(avro: AvroType) -> bool:
    """
    Not a recursive type, whose depth is limited by decoding it, and no enum, whose symbols are checked by decoding it.

    Not an array whose items are all of a fixed length: the library would count to the number of items, which can be
    any number in damaged bytes, without a look at the end of the bytes.
    """
    if avro == NO_VALUE or avro.kind == "enum":
        return False
    if avro.kind == "array" and avro.items and not _ends_with_bytes(avro.items):
        return False
    return all(map(_can_be_passed_over, avro.inner))


def _ends_with_bytes(avro: AvroType) -> bool:
    """Whether the library notices that there are no bytes left for a value of this type: it reads a number in it."""
    return avro.kind in _BEGINS_WITH_NUMBER or any(map(_ends_with_bytes, avro.fields.values()))
