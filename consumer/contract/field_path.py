"""Paths into a record: what the writer's schema says is there, and the code that gets it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from consumer.avro.schema import AvroType

_NOWHERE = AvroType("union")


class Reach(NamedTuple):
    """A Python expression over `record` (and `get`), and what it can evaluate to."""

    code: str
    avro: AvroType

    @property
    def exists(self) -> bool:
        """Whether the writer's schema has such a field."""
        return self.avro is not _NOWHERE


def reach(root: AvroType, path: Sequence[str]) -> Reach:
    """The field at `path` of records of type `root`; names are quoted, whatever they hold."""
    found = Reach("record", root)
    for name in path:
        found = _record_step(found, name) if found.avro.kind == "record" else _step(found, name)
    return found


def get(value: Any, name: str) -> Any:
    """A step through what may be null, a map, or one of several types at run time."""
    return value.get(name) if type(value) is dict else None


def _record_step(found: Reach, name: str) -> Reach:
    return Reach(f"{found.code}[{name!r}]", found.avro.fields.get(name, _NOWHERE))


def _step(found: Reach, name: str) -> Reach:
    inner = [kind for one in found.avro.alternatives for kind in _inside(one, name)]
    avro = AvroType("union", branches=(AvroType("null"), *inner)) if inner else _NOWHERE
    return Reach(f"get({found.code}, {name!r})", avro)


def _inside(avro: AvroType, name: str) -> list[AvroType]:
    if avro.kind == "map" and avro.items:
        return [avro.items]
    return [avro.fields[name]] if name in avro.fields else []
