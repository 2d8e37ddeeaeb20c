"""How a Kafka value says which schema wrote it."""

from collections.abc import Callable, Hashable, Mapping

from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.model import Message

SchemaKey = Hashable
Framing = Callable[[Message], tuple[SchemaKey, int]]
"""
The key of the writer's schema, and where in the value the Avro body begins.

Raises SkipRecord `tombstone` for a null value, UnprocessableRecord `empty_value` or `not_framed`.
"""

RAW = "raw"
"""The key of the one schema that all `raw` values are written with."""

_HEAD = 5


def confluent(message: Message) -> tuple[SchemaKey, int]:
    """
    Confluent's wire format: a zero byte, the schema's id in four bytes (big endian), the body.

    Source: docs.confluent.io, "Formats, serializers, and deserializers", wire format.
    """
    value = _value(message)
    if value[0] != 0 or len(value) < _HEAD:
        raise UnprocessableRecord("not_framed", "expected a zero byte and four bytes of schema id")
    return int.from_bytes(value[1:_HEAD], "big"), _HEAD


def raw(message: Message) -> tuple[SchemaKey, int]:
    """Nothing but the Avro body."""
    _value(message)
    return RAW, 0


def _value(message: Message) -> bytes:
    if message.value is None:
        raise SkipRecord("tombstone")
    if not message.value:
        raise UnprocessableRecord("empty_value")
    return message.value


FRAMINGS: Mapping[str, Framing] = {"confluent": confluent, "raw": raw}
"""By the name that AVRO_FRAMING gives them."""
