"""A record as the Kafka client has it, as ours."""

from collections.abc import Sequence
from typing import Any

from consumer.model import Message

OVERHEAD = 400  # bytes of Python objects around one held record


def message_of(raw: Any, now: float) -> Message:
    """The client's message as ours. `now` in monotonic seconds."""
    key, value, headers = raw.key(), raw.value(), _headers(raw)
    weight = OVERHEAD + len(value or b"") + len(key or b"") + (_weight(headers) if headers else 0)
    return Message(raw.partition(), raw.offset(), raw.timestamp()[1], key, value, headers, now, weight)


def _headers(raw: Any) -> Sequence[tuple[str, bytes | None]]:
    try:
        return raw.headers() or ()
    except UnicodeDecodeError:  # whoever wrote the record chose the names' bytes
        return ()


def _weight(headers: Any) -> int:
    return sum(len(name) + len(value or b"") + 100 for name, value in headers)
