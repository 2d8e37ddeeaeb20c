"""A consumer of the group that stops where its topic ended when the command was started."""

from collections.abc import Mapping
from typing import Any

from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.records import LogPosition, ReadResult
from consumer.model import Record


class BoundedGroupConsumer(GroupConsumer):
    """It reads no record that was written after the start, so a replay never reads the dead letters that it causes."""

    def __init__(self, config: Mapping[str, Any], topic: str, ends: Mapping[int, int]) -> None:
        """`ends`: by partition, the offset before which reading stops."""
        super().__init__(config, topic, from_beginning=True)
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
        return ReadResult(records, ends, result.resets, result.start_resets)

    def commit(self, positions: Mapping[int, LogPosition]) -> None:
        super().commit(positions)
        self._settled |= {partition: position.offset for partition, position in positions.items()}
        assigned = [topic_partition.partition for topic_partition in self._consumer.assignment()]
        self.done = bool(assigned) and all(self._is_settled(partition) for partition in assigned)

    def _is_settled(self, partition: int) -> bool:
        return self._settled.get(partition, -1) >= self._end(partition)

    def _end(self, partition: int) -> int:
        return self._ends.get(partition, 0)
