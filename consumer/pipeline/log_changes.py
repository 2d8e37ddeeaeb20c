"""What happens to a partition whose log is not the one that was read: deleted records, lost records, another topic."""

import logging

from consumer.kafka.consumer import GroupConsumer
from consumer.kafka.records import OffsetReset
from consumer.model import Blocked
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.dispatcher import Dispatcher
from consumer.pipeline.partition_buffer import PartitionBuffer
from consumer.pipeline.status_reporter import StatusReporter

log = logging.getLogger(__name__)


class LogChanges:
    """It belongs to the loop's thread, like the buffers."""

    def __init__(
        self, consumer: GroupConsumer, buffers: PartitionBuffers, dispatcher: Dispatcher, reporter: StatusReporter
    ) -> None:
        self._consumer, self._buffers, self._dispatcher, self._reporter = consumer, buffers, dispatcher, reporter

    def restart(self, partition: int) -> PartitionBuffer:
        """The topic was recreated: what is buffered is of the old one."""
        log.warning("topic recreated, reading the partition from its start", extra={"partition": partition})
        buffer = self._with_new_buffer(partition)
        self._consumer.restart(partition)  # last: until then, what is committed is of the old topic
        return buffer

    def reset(self, reset: OffsetReset) -> None:
        """
        The partition could not be read on: count and log what the broker does not have any more.

        The new position is committed even if nothing comes, because the next assignment would count the loss again. If
        the partition is blocked until the next start, the next start counts that, from the committed offset on.
        """
        buffer = self._buffers.get(reset.partition)
        if buffer is None or buffer.waits_for_restart:
            return
        fields = {"partition": reset.partition, "offset": reset.expected}
        deleted = reset.deleted
        if buffer.position is not None:  # past transaction markers, which the client does not count
            deleted = min(deleted, max(0, reset.low - buffer.position))
        if deleted:
            self._reporter.counters.lost_to_retention += deleted
            log.error("records were deleted before they were read", extra={**fields, "lost": deleted})
        if reset.truncated:
            self._reporter.counters.lost_to_truncation += reset.truncated
            log.error("the broker lost records that were read", extra={**fields, "lost": reset.truncated})
            buffer = self._with_new_buffer(reset.partition)
        if reset.goes_on:
            buffer.advance(reset.goes_on_at)
        else:
            offset = reset.low if reset.expected < 0 else reset.expected
            self._dispatcher.block(buffer, Blocked(reset.block_reason, offset=offset))

    def _with_new_buffer(self, partition: int) -> PartitionBuffer:
        """Forget everything of the partition, because other records have the offsets of those that were read."""
        self._dispatcher.forget([partition])
        self._buffers.assign([partition])
        return self._buffers[partition]
