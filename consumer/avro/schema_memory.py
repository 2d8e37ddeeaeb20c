"""The results of schema look-ups, in memory within a bound."""

from collections import OrderedDict
from typing import Generic, TypeVar

from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import SchemaKey

MAX_CACHE_BYTES = 32 * 2**20
"""Of memory. Two of the largest schemas always fit."""

_ENTRY_BYTES = 2_500  # a key with its place in the memory, and a reason in words
_Failure = TypeVar("_Failure")


class SchemaMemory(Generic[_Failure]):
    """Schemas, and why there is none, by key: at most `max_bytes` of them. What was not used for longest goes first."""

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._max_bytes, self._kept_bytes = max_bytes, 0
        self._unused: SchemaKey | None = None
        self._results: OrderedDict[SchemaKey, WriterSchema | _Failure] = OrderedDict()

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, key: SchemaKey) -> bool:
        return key in self._results

    @property
    def has_unused(self) -> bool:
        """Whether the newest result was not used yet."""
        return self._unused is not None

    def use(self, key: SchemaKey) -> WriterSchema | _Failure | None:
        """The result of the key's look-up; None if there was none, or if it is forgotten."""
        result = self._results.get(key)
        if result is None:
            return None
        self._results.move_to_end(key)
        if key == self._unused:
            self._unused = None
        return result

    def put(self, key: SchemaKey, result: WriterSchema | _Failure) -> None:
        self.remove(key)
        self._results[key] = result
        self._unused = key
        self._kept_bytes += _memory_bytes(result)
        while self._kept_bytes > self._max_bytes:
            self.remove(next(iter(self._results)))

    def remove(self, key: SchemaKey) -> None:
        if key in self._results:
            self._kept_bytes -= _memory_bytes(self._results.pop(key))


def _memory_bytes(result: object) -> int:
    if isinstance(result, WriterSchema):
        return _ENTRY_BYTES + result.memory_bytes
    return _ENTRY_BYTES
