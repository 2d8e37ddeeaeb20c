"""The size up to which a value may be decoded: a few bytes of Avro can become a hundred times as many in memory."""

import sys

from consumer.avro.schema import AvroType

MAX_DECODED_BYTES = 64 * 2**20
"""Bytes of Python objects that one value may become, so that no record ends the process in a pod of 192 MiB."""

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
_MIN_ENCODED_BYTES = {"null": 0, "float": 4, "double": 8}


def max_value_bytes(avro: AvroType) -> int:
    """The size in bytes up to which no value of this type can become more than MAX_DECODED_BYTES."""
    return int(MAX_DECODED_BYTES / max(1.0, _object_bytes_per_encoded_byte(avro)))


def _object_bytes_per_encoded_byte(avro: AvroType) -> float:
    """The most bytes of objects for each byte of encoding, besides `_constant_object_bytes`."""
    match avro.kind:
        case "record" | "error":
            return max(map(_object_bytes_per_encoded_byte, avro.fields.values()), default=0.0)
        case "union":
            return max(
                _constant_object_bytes(branch) / (1 + _min_encoded_bytes(branch))
                + _object_bytes_per_encoded_byte(branch)
                for branch in avro.branches
            )
        case "array":
            return max(_EMPTY_CONTAINER_BYTES, _item_bytes_per_encoded_byte(avro, _LIST_SLOT_BYTES, 0))
        case "map":
            return max(_EMPTY_CONTAINER_BYTES, _item_bytes_per_encoded_byte(avro, _MAP_ENTRY_BYTES, _KEY_ENCODED_BYTES))
    if avro.logical == "decimal":
        return float(_DECIMAL_OBJECT_BYTES + avro.digits)
    if "time" in avro.logical or avro.logical == "date":
        return float(_TIME_OBJECT_BYTES)
    return float(_OBJECT_BYTES_PER_ENCODED_BYTE.get(avro.kind, 0))


def _item_bytes_per_encoded_byte(avro: AvroType, slot_bytes: int, key_encoded_bytes: int) -> float:
    """Of the items of an array or a map: each item needs a slot and, in a map, the encoding of a key."""
    assert avro.items
    object_bytes = slot_bytes + _constant_object_bytes(avro.items)
    encoded_bytes = key_encoded_bytes + _min_encoded_bytes(avro.items)
    return object_bytes / encoded_bytes + _object_bytes_per_encoded_byte(avro.items)


def _constant_object_bytes(avro: AvroType) -> int:
    """Bytes of the objects that do not depend on the length of the encoding: a record's dict, and the dicts in it."""
    if avro.kind not in ("record", "error"):
        return 0
    return sys.getsizeof(dict.fromkeys(avro.fields)) + sum(map(_constant_object_bytes, avro.fields.values()))


def _min_encoded_bytes(avro: AvroType) -> int:
    """Bytes of the shortest encoding, or fewer."""
    match avro.kind:
        case "record" | "error":
            return sum(map(_min_encoded_bytes, avro.fields.values()))
        case "union":
            return 1 + min(map(_min_encoded_bytes, avro.branches))
    return _MIN_ENCODED_BYTES.get(avro.kind, 1)
