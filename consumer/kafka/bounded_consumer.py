"""Consumers that stop where their topic ended when the command was started."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from confluent_kafka import TopicPartition

from consumer.kafka.consumer import GroupConsumer, RebalanceCallback
from consumer.kafka.records import LogPosition, ReadResult
from consumer.model import Record


class BoundedGroupConsumer(GroupConsumer):
    """It reads no record that was written after the start, so a replay never reads the dead letters that it causes."""

    def __init__(
        self, config: Mapping[str, Any], topic: str, ends: Mapping[int, int], from_beginning: bool = True
    ) -> None:
        """`ends`: by partition, the offset before which reading stops. `from_beginning`: as in `GroupConsumer`."""
        super().__init__(config, topic, from_beginning)
        self._ends = ends
        self._settled: dict[int, int] = {}
        self.done = False
        """Whether all records before the ends of this member's partitions are settled."""

    def read(self, limit: int, timeout: float) -> ReadResult:
        result = super().read(limit, timeout)
        records: dict[int, list[Record]] = {}
        ends = {partition: self._end(partition) for partition in result.ends}
        for partition, all_records in result.records.items():
            end = self._end(partition)
            bounded = [record for record in all_records if record.offset < end]
            if bounded:
                records[partition] = bounded
            if len(bounded) < len(all_records):
                ends[partition] = end
        return replace(result, records=records, ends=ends)

    def commit(self, positions: Mapping[int, LogPosition]) -> None:
        super().commit(positions)
        self._note_settled(positions)

    def _note_settled(self, positions: Mapping[int, LogPosition]) -> None:
        self._settled |= {partition: position.offset for partition, position in positions.items()}
        assigned = [topic_partition.partition for topic_partition in self._consumer.assignment()]
        self.done = bool(assigned) and all(self._is_settled(partition) for partition in assigned)

    def _is_settled(self, partition: int) -> bool:
        return self._settled.get(partition, -1) >= self._end(partition)

    def _end(self, partition: int) -> int:
        return self._ends.get(partition, 0)


class DryRunConsumer(BoundedGroupConsumer):
    """
    It reads from the committed offsets of the group and leaves no trace.

    It joins no group, so the members of the group keep their partitions, and what it commits is only noted here.
    """

    def subscribe(self, on_assign: RebalanceCallback, *_: RebalanceCallback) -> None:
        """Assign all partitions. Nobody revokes them, so the other callbacks are not called."""
        topic_partitions = [TopicPartition(self.topic, partition) for partition in self._ends]
        self._consumer.incremental_assign(self._start_offsets.start_positions(topic_partitions))
        on_assign(list(self._ends))

    def commit(self, positions: Mapping[int, LogPosition]) -> None:
        self._note_settled(positions)

    def commit_and_wait(self, positions: Mapping[int, LogPosition], seconds: float) -> bool:  # noqa: ARG002
        self._note_settled(positions)
        return True

    @property
    def unsettled(self) -> frozenset[int]:
        """The partitions with a record that is not settled; any thread may ask."""
        return frozenset(partition for partition in self._ends if not self._is_settled(partition))
