"""What a loaded schema keeps in memory, and how much of it one schema may keep."""

import sys
from collections.abc import Iterable
from typing import Any

from consumer.avro.schema import AvroType, WriterSchema
from consumer.errors import UnsafeSchema

MAX_SCHEMA_BYTES = 16 * 2**20
"""Of memory. A schema with MAX_TYPES types keeps about 10 MiB."""


def memory_bytes(label: str, *parts: object) -> int:
    """What the parts of a schema keep in memory, with all that they refer to. Raises UnsafeSchema beyond the limit."""
    sizes: dict[int, int] = {}
    inner: list[Any] = list(parts)
    while inner:
        value = inner.pop()
        if id(value) not in sizes:
            sizes[id(value)] = sys.getsizeof(value)
            inner.extend(_parts(value))
    size = sum(sizes.values())
    if size > MAX_SCHEMA_BYTES:
        problem = f"takes {size} bytes of memory, {MAX_SCHEMA_BYTES} at most; make the schema smaller"
        raise UnsafeSchema(f"{label}: {problem}")
    return size


def _parts(value: object) -> Iterable[Any]:
    match value:
        case dict():
            return (*value.keys(), *value.values())
        case list() | tuple():
            return value
        case AvroType() | WriterSchema():
            return (getattr(value, name) for name in value.__dataclass_fields__)
    return ()
