"""What would become of a sample of the topic's records: numbers, and the address of a record for each."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from consumer.avro.auto_framing import AutoFraming
from consumer.avro.framing import Framing
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import RAW, SchemaKey
from consumer.avro.value_formats import recognise
from consumer.cli.check_result import CheckResult
from consumer.cli.implausible_times import ImplausibleTime, implausible_times
from consumer.errors import RecordError
from consumer.jsonio import loads
from consumer.model import MappedRecord, Record, RecordAddress, Rejected, Skipped, TrackEvent
from consumer.pipeline.record_mapper import CompiledMapping
from consumer.reasons import Reason

NOT_RECOGNISED = "not recognised"

_Key = TypeVar("_Key", bound=Hashable)


class Tally(NamedTuple):
    """How many records have something in common, and the address of the first of them."""

    records: int
    address: RecordAddress

    def as_dict(self) -> dict[str, object]:
        return {"records": self.records, **self.address._asdict()}


class Tallies(dict[_Key, Tally], Generic[_Key]):
    """Records by what they have in common."""

    def add(self, key: _Key, record: Record) -> None:
        before = self.get(key, Tally(0, record.address))
        self[key] = before._replace(records=before.records + 1)

    def most_frequent(self) -> Sequence[tuple[_Key, Tally]]:
        """The most frequent first."""
        return sorted(self.items(), key=lambda item: -item[1].records)

    @property
    def total(self) -> int:
        return sum(tally.records for tally in self.values())


@dataclass(slots=True)
class TopicSample:
    """
    What was seen of the records so far. `configured` is AVRO_FRAMING, `frame` the framing that it names. `offsets` is
    the size of the sample, in which not every offset needs to have a record.

    `rejected` has the records by reason and then by detail, `waiting` those that would wait for the registry, by the
    cause. `writer_schemas` has the schemas of the records, each branch of a union for itself. `environments` has the
    names that the records hold: data of the sender, for the standard output alone.
    """

    configured: str
    frame: Framing
    offsets: int = 0
    records: int = 0
    delivered: int = 0
    skipped: Tallies[str] = field(default_factory=Tallies)
    rejected: dict[str, Tallies[str]] = field(default_factory=dict)
    waiting: Tallies[str] = field(default_factory=Tallies)
    times: Tallies[ImplausibleTime] = field(default_factory=Tallies)
    framings: Counter[str] = field(default_factory=Counter)
    schemas: Counter[str] = field(default_factory=Counter)
    writer_schemas: list[WriterSchema] = field(default_factory=list)
    environments: Counter[str] = field(default_factory=Counter)
    largest_event_bytes: int = 0
    ended_early: bool = False

    def add(self, record: Record, mapped: MappedRecord, now: datetime) -> None:
        """Note a record and what it becomes. `now` is for times in its event."""
        self.records += 1
        self._note_framing(record, mapped.reason if isinstance(mapped, Rejected) else "")
        match mapped:
            case TrackEvent(body=body):
                self.delivered += 1
                self.largest_event_bytes = max(self.largest_event_bytes, len(body))
                for time in set(implausible_times(loads(body), now)):
                    self.times.add(time, record)
            case Skipped(reason):
                self.skipped.add(reason, record)
            case Rejected(reason, detail=detail):
                self.rejected.setdefault(reason, Tallies()).add(detail, record)

    def add_waiting(self, record: Record, cause: str) -> None:
        """Note a record whose schema the registry does not give."""
        self.records += 1
        self._note_framing(record, "")
        self.waiting.add(cause, record)

    def observed(self, mapping: Callable[[WriterSchema], CompiledMapping]) -> Callable[[WriterSchema], CompiledMapping]:
        """The same stage, which also notes the schemas, and the environments of the records that have an event."""

        def observed_mapping(schema: WriterSchema) -> CompiledMapping:
            self.writer_schemas.append(schema)
            return _ObservedMapping(mapping(schema), self.environments)

        return observed_mapping

    def _note_framing(self, record: Record, reject_reason: str) -> None:
        if not record.value:
            return
        try:
            key = self.frame(record).key
        except RecordError:
            self.framings[_format_name(record, NOT_RECOGNISED)] += 1
            return
        self.framings[self._framing_name(record, key, reject_reason)] += 1
        if key != RAW:
            self.schemas[str(key)] += 1

    def _framing_name(self, record: Record, key: SchemaKey, reject_reason: str) -> str:
        if isinstance(self.frame, AutoFraming):
            return self.frame.detect(record)
        if key == RAW and reject_reason:  # any value can be raw
            return _format_name(record, RAW)
        if reject_reason == Reason.UNKNOWN_SCHEMA:  # bytes of another framing can look like an id
            name = _format_name(record, self.configured)
            return self.configured if (name, self.configured) == ("confluent", "apicurio") else name
        return self.configured

    def as_dict(self) -> Mapping[str, Any]:
        return {
            "records": self.records,
            "delivered": self.delivered,
            "skipped": [{"reason": reason, **tally.as_dict()} for reason, tally in self.skipped.items()],
            "rejected": [
                {"reason": reason, "detail": detail, **tally.as_dict()}
                for reason, tallies in self.rejected.items()
                for detail, tally in tallies.items()
            ],
            "waiting": [{"cause": cause, **tally.as_dict()} for cause, tally in self.waiting.items()],
            "framings": self.framings,
            "schemas": self.schemas,
            "environments": self.environments,
            "implausible_times": [{**time._asdict(), **tally.as_dict()} for time, tally in self.times.items()],
            "largest_event_bytes": self.largest_event_bytes,
        }


class SampleCheck(NamedTuple):
    """Results of `check`, and the sample if records could be read."""

    results: Sequence[CheckResult]
    sample: TopicSample | None = None


class _ObservedMapping:
    """A compiled contract that notes the environment of each event, also where one write key is for all of them."""

    def __init__(self, mapping: CompiledMapping, environments: Counter[str]) -> None:
        self._mapping, self._environments = mapping, environments
        self.environment, self.fields = mapping.environment, mapping.fields

    def body(self, decoded: Any, record: Record, message_id: str, is_large: bool = False) -> bytes:
        body = self._mapping.body(decoded, record, message_id, is_large)
        with suppress(RecordError):  # the service does not read the environment if one key is for all
            self._environments[self.environment(decoded)] += 1  # not before, because a skipped record needs no key
        return body


def _format_name(record: Record, otherwise: str) -> str:
    value_format = recognise(record)
    if value_format is None:
        return otherwise
    return value_format.framing or value_format.name
