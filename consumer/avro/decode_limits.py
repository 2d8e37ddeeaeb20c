"""The size up to which a value may be decoded: a few bytes of Avro can become a hundred times as many in memory."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

from consumer.avro.connect_types import MAX_SCALE, NEGATIVE_SCALE_DECIMAL, VARIABLE_SCALE_DECIMAL
from consumer.avro.schema import AvroType

MAX_DECODED_BYTES = 64 * 2**20
"""
Bytes of Python objects that one value may become, so that no record ends the process in a pod of 192 MiB.

What is made of a value, also of JSON in its texts, comes on top: `consumer.contract.size_check` bounds it for large
values.
"""

_EMPTY_CONTAINER_BYTES = 72  # an empty list or dict
_LIST_SLOT_BYTES = 18  # of one item, while the list grows
_MAP_ENTRY_BYTES = 170  # of one item, with a key of its own
_KEY_ENCODED_BYTES = 3  # of the shortest keys of which there can be many
_TIME_OBJECT_BYTES = 122  # the number and the text of a time or a date, whose encoding can be one byte
_DECIMAL_OBJECT_BYTES = 98  # the bytes and the text of a decimal, without its digits
_OBJECT_BYTES_PER_ENCODED_BYTE = {
    "int": 18,
    "long": 18,
    "float": 6,
    "double": 3,
    "string": 26,
    "bytes": 15,
    "fixed": 36,
}
_MIN_VARIABLE_SCALE_DECIMAL_BYTES = 3  # a scale of two bytes for a long text, and a length
_MIN_ENCODED_BYTES = {"null": 0, "float": 4, "double": 8}  # 1 for all other types, or more


class _Size(NamedTuple):
    """
    The most bytes of objects that a value can become: `objects` for the shortest encoding, which has `encoded` bytes,
    and `rate` for each further byte.
    """

    encoded: int
    objects: float
    rate: float


def max_value_bytes(avro: AvroType) -> int:
    """The size in bytes up to which no value of this type can become more than MAX_DECODED_BYTES."""
    size = _size(avro)
    return max(0, int(size.encoded + (MAX_DECODED_BYTES - size.objects) / max(1.0, size.rate)))


def _size(avro: AvroType) -> _Size:
    match avro.kind:
        case "record" | "error":
            return _size_of_record([*map(_size, avro.fields.values())], avro)
        case "union":
            return _size_of_union([*map(_size, avro.branches)])
        case "array":
            return _size_of_container(avro, _LIST_SLOT_BYTES, 0)
        case "map":
            return _size_of_container(avro, _MAP_ENTRY_BYTES, _KEY_ENCODED_BYTES)
    encoded, rate = _MIN_ENCODED_BYTES.get(avro.kind, 1), _leaf_rate(avro)
    return _Size(encoded, encoded * rate, rate)


def _size_of_record(fields: Sequence[_Size], avro: AvroType) -> _Size:
    objects = sys.getsizeof(dict.fromkeys(avro.fields)) + sum(size.objects for size in fields)
    return _Size(sum(size.encoded for size in fields), objects, max((size.rate for size in fields), default=0.0))


def _size_of_union(branches: Sequence[_Size]) -> _Size:
    """The number of the branch is a byte. The rate must cover a branch whose shortest encoding is longer."""
    shortest = min((size.encoded for size in branches), default=0)
    objects = max((size.objects for size in branches if size.encoded == shortest), default=0.0)
    rates = [size.rate for size in branches]
    rates += [(size.objects - objects) / (size.encoded - shortest) for size in branches if size.encoded > shortest]
    return _Size(1 + shortest, objects, max(rates, default=0.0))


def _size_of_container(avro: AvroType, slot_bytes: int, key_encoded_bytes: int) -> _Size:
    """The shortest is empty. Each item needs a slot and, in a map, the encoding of a key."""
    assert avro.items
    item = _size(avro.items)
    rate = (slot_bytes + item.objects) / (key_encoded_bytes + item.encoded)
    return _Size(1, _EMPTY_CONTAINER_BYTES, max(rate, item.rate))


def _leaf_rate(avro: AvroType) -> float:
    if avro.logical in ("decimal", NEGATIVE_SCALE_DECIMAL):
        return float(_DECIMAL_OBJECT_BYTES + avro.digits)
    if avro.logical == VARIABLE_SCALE_DECIMAL:
        return (_DECIMAL_OBJECT_BYTES + MAX_SCALE) / _MIN_VARIABLE_SCALE_DECIMAL_BYTES
    if "time" in avro.logical or avro.logical == "date":
        return float(_TIME_OBJECT_BYTES)
    return float(_OBJECT_BYTES_PER_ENCODED_BYTE.get(avro.kind, 0))
