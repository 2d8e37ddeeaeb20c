"""What a replay would do with records that are selected by their addresses."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from consumer import factories
from consumer.cli.address_file import AddressSelection
from consumer.cli.output import with_progress
from consumer.cli.replay_history import group_of, progress
from consumer.cli.replay_pass import ReplayPass
from consumer.cli.replay_plan import plan_dead_letters
from consumer.cli.replay_summary import (
    ABSENT,
    FOREIGN,
    GONE,
    NOT_SELECTED,
    REPLAYED,
    WAITING,
    ReplaySummary,
    total_of,
)
from consumer.kafka.dead_letters import record_itself
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from consumer.model import MappedRecord, Record, RecordAddress, Skipped
from consumer.pipeline.record_mapper import MapRecord, RecordMapper
from consumer.settings import Settings


class AddressPlan(NamedTuple):
    """The passes of a replay of addresses, what they would do together, and the addresses that have no record."""

    summary: ReplaySummary
    passes: tuple[ReplayPass, ...]
    unsendable: tuple[RecordAddress, ...]


@dataclass(frozen=True, slots=True)
class AddressFilter:
    """Which records of KAFKA_TOPIC a replay sends. The others are read and passed over."""

    addresses: frozenset[RecordAddress]

    def map_record(self, mapper: RecordMapper) -> MapRecord:
        def map_selected(record: Record) -> MappedRecord:
            return mapper.map(record) if record.address in self.addresses else Skipped(NOT_SELECTED)

        return map_selected


class TopicProgress(NamedTuple):
    """By partition of KAFKA_TOPIC: its offsets, the service's committed offset, and that of earlier replays."""

    spans: Mapping[int, OffsetRange]
    committed: Mapping[int, int]
    replayed: Mapping[int, int]

    def obstacle(self, address: RecordAddress) -> str:
        """
        Why a replay passes the address over; "" if it has to look whether there is a record.

        What cannot be sent is never taken for replayed: the group of a replay does not say what it passed over.
        """
        partition, offset = address
        if partition not in self.spans or offset >= self.spans[partition].end:
            return ABSENT
        if offset < self.spans[partition].begin:
            return GONE
        return WAITING if offset >= self.committed[partition] else ""

    def is_replayed(self, address: RecordAddress) -> bool:
        """Whether an earlier replay settled the record at this address, if there is one."""
        return address.offset < self.replayed.get(address.partition, -1)


@dataclass(slots=True)
class _TopicPlan:
    """The records that are read from KAFKA_TOPIC itself."""

    summary: ReplaySummary = field(default_factory=ReplaySummary)
    to_send: set[RecordAddress] = field(default_factory=set)
    unsendable: set[RecordAddress] = field(default_factory=set)

    def pass_over(self, address: RecordAddress, obstacle: str) -> None:
        self.summary.passed_over[obstacle] += 1
        if obstacle in (ABSENT, GONE):
            self.unsendable.add(address)

    def read(self, reader: TopicReader, mapper: RecordMapper, topic_progress: TopicProgress) -> None:
        """Find out what becomes of the records to send, and which of them do not exist or were replayed."""
        absent, ranges = set(self.to_send), _ranges(self.to_send)
        total = sum(end - begin for begin, end in ranges.values())
        for record in with_progress(reader.read(ranges), total, "records"):
            if record.address not in absent:
                continue
            absent.remove(record.address)
            if topic_progress.is_replayed(record.address):
                self.to_send.remove(record.address)
                self.pass_over(record.address, REPLAYED)
            else:
                self.summary.add(mapper.map(record))
        for address in absent:  # removed by compaction, or a transaction's marker
            self.pass_over(address, ABSENT)
        self.to_send -= absent


def plan_addresses(settings: Settings, selection: AddressSelection, again: bool) -> AddressPlan:
    """
    What a replay of these addresses would do.

    A record that has a dead letter is read from the dead-letter topic, and any other from KAFKA_TOPIC. So a rejected
    record can be sent when KAFKA_TOPIC has deleted it, and it is sent once. Raises ServiceError.
    """
    if not selection.addresses:
        return AddressPlan(ReplaySummary(), (), ())
    with_dead_letters: set[RecordAddress] = set()
    dead_letters = plan_dead_letters(settings, selection, again, with_dead_letters.add)
    group, topic_plan = group_of(settings, selection), _TopicPlan()
    with ExitStack() as closing:
        reader = factories.topic_reader(settings, settings.kafka_topic, closing)
        spans = reader.spans()
        replayed = {} if again else progress(settings, group, settings.kafka_topic, spans)
        topic_progress = TopicProgress(spans, reader.committed(spans), replayed)
        for address in selection.addresses - with_dead_letters:
            if obstacle := topic_progress.obstacle(address):
                topic_plan.pass_over(address, obstacle)
            else:
                topic_plan.to_send.add(address)
        topic_plan.read(reader, factories.blocking_record_mapper(settings, closing), topic_progress)
    summary = total_of([dead_letters.summary, topic_plan.summary])
    summary.passed_over = dead_letters.summary.passed_over + topic_plan.summary.passed_over
    for reason in (FOREIGN, NOT_SELECTED):  # what the file does not name is of no interest
        summary.passed_over.pop(reason, None)
    if topic_plan.unsendable:
        summary.deleted = dead_letters.summary.deleted
    topic_pass = _topic_pass(settings, group, topic_plan, topic_progress)
    passes = dead_letters.replay_pass, replace(topic_pass, policy=dead_letters.replay_pass.policy)
    return AddressPlan(summary, passes, tuple(sorted(topic_plan.unsendable)))


def _topic_pass(settings: Settings, group: str, plan: _TopicPlan, topic_progress: TopicProgress) -> ReplayPass:
    """
    From the first to the last address of each partition. Of a partition without addresses, nothing is read: the group
    is put where the service is, because an address behind that waits, and a later replay can send it.

    A replay that was begun before continues where its group is, also if the broker still knows a member that crashed.
    """
    ranges = _ranges(plan.to_send)
    for partition, (low, high) in topic_progress.spans.items():
        replayed = topic_progress.replayed.get(partition, -1)
        offset = max(replayed, low) if replayed >= 0 else min(max(topic_progress.committed[partition], low), high)
        ranges.setdefault(partition, OffsetRange(offset, offset))
    is_begun = all(topic_progress.replayed.get(partition, -1) >= 0 for partition in ranges)
    return ReplayPass(
        topic=settings.kafka_topic,
        group=group,
        begins={} if is_begun else {partition: begin for partition, (begin, _) in ranges.items()},
        ends={partition: end for partition, (_, end) in ranges.items()},
        map_record=AddressFilter(frozenset(plan.to_send)).map_record,
        unwrap=record_itself,
        total=plan.summary.to_do,
    )


def _ranges(addresses: set[RecordAddress]) -> dict[int, OffsetRange]:
    ranges: dict[int, OffsetRange] = {}
    for partition, offset in addresses:
        begin, end = ranges.get(partition, (offset, offset))
        ranges[partition] = OffsetRange(min(begin, offset), max(end, offset + 1))
    return ranges
