"""The way of one record from its bytes to a call: its writer's schema, its contract, its write key."""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from consumer.avro.schema import WriterSchema
from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.jsonio import dumps
from consumer.model import Call, Message, Pending, Skipped, Translation, Unprocessable, WriteKey, folded

EVENT_MAX_BYTES = 32_000  # Segment's limit is 32 KB; nobody says which KB

# Without the name: what a record says is its sender's, and is shown nowhere.
UNKNOWN_ENVIRONMENT = "SEGMENT_WRITE_KEYS has none for the environment that the record names"
NO_ENVIRONMENT = "SEGMENT_WRITE_KEYS is by environment, and the record names none"


SchemaOf = Callable[[Hashable], WriterSchema | Pending]


class Mapper(Protocol):
    """A contract, compiled for one writer's schema."""

    @property
    def environment(self) -> Callable[[Any], str]: ...
    def call(self, record: Any, message: Message, message_id: str) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Steps:
    """
    The doors of the rooms that a record passes. Each raises UnprocessableRecord for a record that cannot pass.

    `branch` says of the value of a union's schema which branch it is, and where that begins.
    """

    frame: Callable[[Message], tuple[Hashable, int]]
    schema: SchemaOf
    branch: Callable[[bytes, int], tuple[int, int]]
    decode: Callable[[WriterSchema, bytes, int], Any]
    mapper: Callable[[WriterSchema], Mapper]


class _Met(NamedTuple):
    """A schema that records came with, and the contract compiled for it."""

    schema: WriterSchema
    mapper: Mapper
    label: str


class _Several(NamedTuple):
    """A schema that is a union: one of these for each of its branches."""

    branches: Mapping[int, _Met | Unprocessable]

    def branch(self, number: int) -> _Met | Unprocessable:
        found = self.branches.get(number)
        if found is None:
            raise UnprocessableRecord("undecodable", "no branch of the union")
        return found


class _Sender(NamedTuple):
    """A write key, and how the messageIds begin that are sent with it."""

    key: WriteKey | None
    prefix: str


_NOBODY = _Sender(None, "")


class Translator:
    """
    A record always gives the same call: nothing but the record, its schema and the contract goes into it.

    `namespace` says of a key what makes its messageIds different from those of all other sources.
    """

    def __init__(
        self, steps: Steps, topic: str, keys: Mapping[str, WriteKey], namespace: Callable[[WriteKey], str]
    ) -> None:
        self._schema, self._mapper = steps.schema, steps.mapper
        self._frame, self._branch, self._decode = steps.frame, steps.branch, steps.decode
        self._senders = {
            folded(environment): _Sender(key, message_id_prefix(namespace(key), topic))
            for environment, key in keys.items()
        }
        self._only_sender = self._senders.get("")
        self._met: dict[Hashable, _Met | _Several | Unprocessable] = {}

    def translate(self, message: Message) -> Translation:
        """What becomes of one record."""
        stage: str = "framing"
        reference: Hashable = ""
        try:
            reference, start = self._frame(message)
            stage = "schema"
            met = self._met.get(reference) or self._meet(reference)
            stage = "decoding"
            if isinstance(met, _Several):
                number, start = self._branch(message.value or b"", start)
                met = met.branch(number)
            if not isinstance(met, _Met):
                return met
            record = self._decode(met.schema, message.value or b"", start)
            stage = "mapping"
            return self._call(met, record, message)
        except SkipRecord as skip:
            return Skipped(skip.reason)
        except UnprocessableRecord as error:
            return Unprocessable(error.reason, stage, error.detail, str(reference))

    def _meet(self, reference: Hashable) -> _Met | _Several | Pending | Unprocessable:
        """The first record of a schema: find its contract and compile it, or remember why there is none."""
        schema = self._schema(reference)
        if isinstance(schema, Pending):
            return schema
        self._met[reference] = self._compiled(schema, str(reference))
        return self._met[reference]

    def _compiled(self, schema: WriterSchema, label: str) -> _Met | _Several | Unprocessable:
        if schema.branches:
            return _Several({number: self._one(branch, label) for number, branch in enumerate(schema.branches)})
        return self._one(schema, label)

    def _one(self, schema: WriterSchema, label: str) -> _Met | Unprocessable:
        try:
            return _Met(schema, self._mapper(schema), label)
        except UnprocessableRecord as error:
            return Unprocessable(error.reason, "mapping", error.detail, label)

    def _call(self, met: _Met, record: Any, message: Message) -> Call:
        mapper = met.mapper
        environment = "" if self._only_sender else folded(mapper.environment(record))
        key, prefix = self._only_sender or self._senders.get(environment, _NOBODY)
        message_id = f"{prefix}-{message.partition}-{message.offset}-{message.timestamp}"
        body = dumps(mapper.call(record, message, message_id))
        if key is None:  # only now, as a record with nothing to send needs no key
            raise UnprocessableRecord("no_write_key", UNKNOWN_ENVIRONMENT if environment else NO_ENVIRONMENT)
        if len(body) > EVENT_MAX_BYTES:
            raise UnprocessableRecord("event_too_large", f"{len(body)} bytes, {EVENT_MAX_BYTES} at most")
        return Call(message, key, body, met.label)


def message_id_prefix(namespace: str, topic: str) -> str:
    """16 hex digits that no other source or topic has, so that Segment's global deduplication keeps them apart."""
    return hashlib.sha256(f"{namespace}\0{topic}".encode()).hexdigest()[:16]
