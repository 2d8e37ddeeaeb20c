"""From the bytes of one record to a track event: its writer's schema, its contract, its write key."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

from consumer.avro.framing import Framing
from consumer.avro.repaired_texts import REPLACEMENT, RepairedRecord
from consumer.avro.schema import WriterSchema
from consumer.errors import DecodingError, MappingError, RecordRejected, RecordSkipped, ServiceError
from consumer.internal_errors import describe
from consumer.model import MappedRecord, Pending, Record, Rejected, Skipped, TrackEvent
from consumer.pipeline.message_id import message_id
from consumer.pipeline.write_keys import WriteKeys, missing_key
from consumer.reasons import Reason
from consumer.segment_limits import MAX_EVENT_BYTES

MapRecord = Callable[[Record], MappedRecord]
SchemaOf = Callable[[Hashable], WriterSchema | Pending]
HintOf = Callable[[Record, str], str]
"""From a rejected record and its reason to what to set, "" if nothing is to be said."""

TEXT_REPAIRED = "text_repaired"
"""Counts events with a repaired text; such an event is counted once. The other changes are those of contracts."""

MAX_COMPILED = 500
"""Of schemas at a time, each branch of a union for itself. A contract of 30 fields takes 10 KiB and 2 ms for each."""


class CompiledMapping(Protocol):
    """A contract, compiled for one writer's schema."""

    @property
    def environment(self) -> Callable[[Any], str]:
        """The Sprig environment that a decoded record names, "" if it names none."""

    @property
    def fields(self) -> Collection[str]:
        """The names of all fields of a record that the mapping uses."""

    def body(self, decoded: Any, record: Record, message_id: str, is_large: bool = False, /) -> bytes:
        """
        The track event in JSON. Raises RecordSkipped and MappingError.

        `is_large`: the record could take much memory.
        """


def decode_all(schema: WriterSchema, _names: Collection[str]) -> WriterSchema:
    return replace(schema)


def no_hint(_record: Record, _reason: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class DecodeStages:
    """
    The stages that a record passes. Each raises RecordRejected for a record that cannot pass.

    `frame` gives the reference to the writer's schema, and a value with the index at which its Avro body begins: that
    of the record, or its body if that was compressed. `branch` says which branch of its union a value is, and where
    that branch begins. `hint` is asked for rejected records only.
    `decode_only` gives a copy of a schema that decodes at least the fields with these names.
    `changed_values` counts what stands in place of values that cannot be sent.
    """

    frame: Framing
    schema: SchemaOf
    branch: Callable[[bytes, int], tuple[int, int]]
    decode: Callable[[WriterSchema, bytes, int], Any]
    mapping: Callable[[WriterSchema], CompiledMapping]
    hint: HintOf = no_hint
    changed_values: Counter[str] = field(default_factory=Counter)
    decode_only: Callable[[WriterSchema, Collection[str]], WriterSchema] = decode_all


class _Compiled(NamedTuple):
    """The contract that was compiled for a schema, and a copy of the schema. `label` names the schema."""

    mapping: CompiledMapping
    label: str
    schema: WriterSchema


class RecordMapper:
    """
    A record always gives the same event: it depends on nothing but the record, its schema and the contract.

    What is compiled for a schema is kept for as long as somebody else keeps the schema.
    An exception that nobody foresaw rejects its record and no other.
    """

    def __init__(self, stages: DecodeStages, write_keys: WriteKeys) -> None:
        self._stages, self._write_keys = stages, write_keys
        self.changed_values = stages.changed_values
        self.changed_values[TEXT_REPAIRED] = 0
        self._compiled: WeakKeyDictionary[WriterSchema, _Compiled | Rejected] = WeakKeyDictionary()

    def map(self, record: Record) -> MappedRecord:
        """What one record becomes. Raises ServiceError, only if looking up a schema does."""
        reference: Hashable = ""
        try:
            reference, start, value = self._stages.frame(record)
            schema = self._stages.schema(reference)
            if isinstance(schema, Pending):
                return schema
            if schema.branches:
                number, start = self._stages.branch(value, start)
                schema = _branch(schema, number)
            compiled = self._compiled.get(schema) or self._compile(schema, str(reference))
            if isinstance(compiled, Rejected):
                return compiled
            decoded = self._stages.decode(compiled.schema, value, start)
            return self._event(compiled, decoded, record, schema.is_large(len(value)))
        except RecordSkipped as skip:
            return Skipped(skip.reason)
        except RecordRejected as error:
            return Rejected(error.reason, error.stage, self._detail(record, error), str(reference))
        except (ServiceError, KeyboardInterrupt, SystemExit):  # not about the record
            raise
        except BaseException as error:  # noqa: BLE001 - a defect of ours, or a panic in a library, which is no Exception
            return Rejected(str(Reason.INTERNAL_ERROR), "internal", describe(error), str(reference))

    def _detail(self, record: Record, error: RecordRejected) -> str:
        try:
            hint = self._stages.hint(record, error.reason)
        except Exception:  # noqa: BLE001 - a defect in a hint must not hide the reason
            return error.detail
        return "; ".join(text for text in (error.detail, hint) if text)

    def _compile(self, schema: WriterSchema, label: str) -> _Compiled | Rejected:
        """For the first record of a schema: its contract, compiled, or why there is none."""
        if len(self._compiled) >= MAX_COMPILED:
            self._compiled.clear()
        try:
            mapping = self._stages.mapping(schema)
            self._compiled[schema] = _Compiled(mapping, label, self._stages.decode_only(schema, mapping.fields))
        except RecordRejected as error:
            self._compiled[schema] = Rejected(error.reason, error.stage, error.detail, label)
        return self._compiled[schema]

    def _event(self, compiled: _Compiled, decoded: Any, record: Record, is_large: bool) -> TrackEvent:
        mapping = compiled.mapping
        environment = ""
        sender = self._write_keys.only_sender
        if sender is None:
            environment = mapping.environment(decoded)
            sender = self._write_keys.sender(environment)
        prefix = sender.message_id_prefix if sender else ""
        body = mapping.body(decoded, record, message_id(prefix, record), is_large)
        if sender is None:  # only now, because a record with nothing to send needs no key
            raise missing_key(environment)
        if len(body) > MAX_EVENT_BYTES:
            raise MappingError(Reason.EVENT_TOO_LARGE, f"{len(body)} bytes, {MAX_EVENT_BYTES} at most")
        if type(decoded) is RepairedRecord and REPLACEMENT in body:
            self.changed_values[TEXT_REPAIRED] += 1
        return TrackEvent(record, sender.key, body, compiled.label)


def _branch(schema: WriterSchema, number: int) -> WriterSchema:
    if not 0 <= number < len(schema.branches):
        raise DecodingError(Reason.UNDECODABLE, "no branch of the union")
    return schema.branches[number]
