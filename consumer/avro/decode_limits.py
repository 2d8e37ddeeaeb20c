"""How much memory a value can take while it is decoded: some bytes of Avro can become a hundred times as many."""

import sys

from consumer.avro.schema import AvroType

MAX_DECODED = 64 * 2**20
"""Bytes of Python objects that one value may become, so that no record ends the process in a pod of 192 MiB."""

_EMPTY = 72  # an empty list or dict
_SLOT = 18  # of a list's item, while the list grows
_ENTRY = 170  # of a map's, with a key of its own
_KEY = 3  # bytes of the shortest keys, of which there can be many
_TIME = 90  # the text of a time or a date, of which one byte can be the encoding
_NUMBER = 64  # the text of a decimal, besides its digits
_PER_BYTE = {"int": 18, "long": 18, "float": 6, "double": 3, "string": 26, "bytes": 15, "fixed": 36}
_LEAST = {"null": 0, "float": 4, "double": 8}


def longest(avro: AvroType) -> int:
    """The size in bytes up to which no value of this type can become more than MAX_DECODED."""
    return int(MAX_DECODED / max(1.0, _per_byte(avro)))


def _per_byte(avro: AvroType) -> float:
    """The most bytes of objects for each byte of encoding, besides what is there once (`_own`)."""
    match avro.kind:
        case "record" | "error":
            return max(map(_per_byte, avro.fields.values()), default=0.0)
        case "union":
            return max(_own(one) / (1 + _least(one)) + _per_byte(one) for one in avro.branches)
        case "array":
            return max(_EMPTY, _item(avro, _SLOT, 0))
        case "map":
            return max(_EMPTY, _item(avro, _ENTRY, _KEY))
    if avro.logical == "decimal":
        return float(_NUMBER + avro.digits)
    return float(_TIME if "time" in avro.logical or avro.logical == "date" else _PER_BYTE.get(avro.kind, 0))


def _item(avro: AvroType, place: int, key: int) -> float:
    """Of an array's or a map's items, each of which takes a place and, in a map, a key."""
    assert avro.items
    return (place + _own(avro.items)) / (key + _least(avro.items)) + _per_byte(avro.items)


def _own(avro: AvroType) -> int:
    """Bytes of the objects that are there however long the encoding is: a record's dict, and those in it."""
    if avro.kind not in ("record", "error"):
        return 0
    return sys.getsizeof(dict.fromkeys(avro.fields)) + sum(map(_own, avro.fields.values()))


def _least(avro: AvroType) -> int:
    """Bytes of the shortest encoding, or fewer."""
    match avro.kind:
        case "record" | "error":
            return sum(map(_least, avro.fields.values()))
        case "union":
            return 1 + min(map(_least, avro.branches))
    return _LEAST.get(avro.kind, 1)
