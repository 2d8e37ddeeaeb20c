"""From the bytes of one record to a track event: its writer's schema, its contract, its write key."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from consumer.avro.schema import WriterSchema
from consumer.errors import DecodingError, MappingError, RecordRejected, RecordSkipped, ServiceError
from consumer.internal_errors import describe
from consumer.jsonio import dumps
from consumer.model import MappedRecord, Pending, Record, Rejected, Skipped, TrackEvent
from consumer.pipeline.message_id import message_id
from consumer.pipeline.write_keys import WriteKeys, missing_key
from consumer.reasons import Reason
from consumer.segment_limits import MAX_EVENT_BYTES

MapRecord = Callable[[Record], MappedRecord]
SchemaOf = Callable[[Hashable], WriterSchema | Pending]
HintOf = Callable[[Record, str], str]
"""From a rejected record and its reason to what to set, "" if nothing is to be said."""


class CompiledMapping(Protocol):
    """A contract, compiled for one writer's schema."""

    @property
    def environment(self) -> Callable[[Any], str]:
        """The Sprig environment that a decoded record names, "" if it names none."""

    def event(self, decoded: Any, record: Record, message_id: str) -> dict[str, Any]:
        """The track event as JSON values. Raises RecordSkipped and MappingError."""


def no_hint(_record: Record, _reason: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class DecodeStages:
    """
    The stages that a record passes. Each raises RecordRejected for a record that cannot pass.

    `frame` gives the reference to the writer's schema and the index at which the Avro body begins. `branch` says which
    branch of its union a value is, and where that branch begins. `hint` is asked for rejected records only.
    """

    frame: Callable[[Record], tuple[Hashable, int]]
    schema: SchemaOf
    branch: Callable[[bytes, int], tuple[int, int]]
    decode: Callable[[WriterSchema, bytes, int], Any]
    mapping: Callable[[WriterSchema], CompiledMapping]
    hint: HintOf = no_hint


class _CompiledSchema(NamedTuple):
    """A schema that records were written with, and the contract that was compiled for it. `label` names the schema."""

    schema: WriterSchema
    mapping: CompiledMapping
    label: str


class _CompiledUnion(NamedTuple):
    """A schema that is a union, with each of its branches compiled, or with the reason why there is no contract."""

    branches: Mapping[int, _CompiledSchema | Rejected]

    def branch(self, number: int) -> _CompiledSchema | Rejected:
        if number not in self.branches:
            raise DecodingError(Reason.UNDECODABLE, "no branch of the union")
        return self.branches[number]


class RecordMapper:
    """
    A record always gives the same event: it depends on nothing but the record, its schema and the contract.

    An exception that nobody foresaw rejects its record and no other.
    """

    def __init__(self, stages: DecodeStages, write_keys: WriteKeys) -> None:
        self._stages, self._write_keys = stages, write_keys
        self._compiled: dict[Hashable, _CompiledSchema | _CompiledUnion | Rejected] = {}

    def map(self, record: Record) -> MappedRecord:
        """What one record becomes. Raises ServiceError, only if looking up a schema does."""
        reference: Hashable = ""
        try:
            reference, start = self._stages.frame(record)
            compiled = self._compiled.get(reference) or self._compile_first(reference)
            value = record.value or b""
            if isinstance(compiled, _CompiledUnion):
                number, start = self._stages.branch(value, start)
                compiled = compiled.branch(number)
            if not isinstance(compiled, _CompiledSchema):
                return compiled
            decoded = self._stages.decode(compiled.schema, value, start)
            return self._event(compiled, decoded, record)
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

    def _compile_first(self, reference: Hashable) -> _CompiledSchema | _CompiledUnion | Pending | Rejected:
        """The first record of a schema: find its contract and compile it, or remember why there is none."""
        schema = self._stages.schema(reference)
        if isinstance(schema, Pending):
            return schema
        self._compiled[reference] = self._compile(schema, str(reference))
        return self._compiled[reference]

    def _compile(self, schema: WriterSchema, label: str) -> _CompiledSchema | _CompiledUnion | Rejected:
        if schema.branches:
            branches = enumerate(schema.branches)
            return _CompiledUnion({number: self._compile_record(branch, label) for number, branch in branches})
        return self._compile_record(schema, label)

    def _compile_record(self, schema: WriterSchema, label: str) -> _CompiledSchema | Rejected:
        try:
            return _CompiledSchema(schema, self._stages.mapping(schema), label)
        except RecordRejected as error:
            return Rejected(error.reason, error.stage, error.detail, label)

    def _event(self, compiled: _CompiledSchema, decoded: Any, record: Record) -> TrackEvent:
        mapping = compiled.mapping
        environment = ""
        sender = self._write_keys.only_sender
        if sender is None:
            environment = mapping.environment(decoded)
            sender = self._write_keys.sender(environment)
        prefix = sender.message_id_prefix if sender else ""
        body = dumps(mapping.event(decoded, record, message_id(prefix, record)))
        if sender is None:  # only now, because a record with nothing to send needs no key
            raise missing_key(environment)
        if len(body) > MAX_EVENT_BYTES:
            raise MappingError(Reason.EVENT_TOO_LARGE, f"{len(body)} bytes, {MAX_EVENT_BYTES} at most")
        return TrackEvent(record, sender.key, body, compiled.label)
