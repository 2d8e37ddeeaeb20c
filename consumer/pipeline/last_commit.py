"""The commit before an error ends the service."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from consumer.internal_errors import as_service_error, describe
from consumer.kafka.consumer import GroupConsumer
from consumer.pipeline.buffers import PartitionBuffers

log = logging.getLogger(__name__)

COMMIT_SECONDS = 3.0

Callback = Callable[[Sequence[int]], None]


class LastCommit:
    """Commits everything that is settled before an error ends the service."""

    def __init__(self, consumer: GroupConsumer, buffers: PartitionBuffers) -> None:
        self._consumer, self._buffers = consumer, buffers

    @contextmanager
    def before_errors(self) -> Iterator[None]:
        """Whatever is raised in the block becomes ServiceError, and the last commit is before that."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - also a defect of ours
            self._commit()
            raise as_service_error(error) from None

    def in_callback(self, callback: Callback) -> Callback:
        """A callback of the client. Partitions that it takes away can be committed inside the callback only."""

        def guarded(partitions: Sequence[int]) -> None:
            with self.before_errors():
                callback(partitions)

        return guarded

    def _commit(self) -> None:
        try:
            self._consumer.commit_and_wait(self._buffers.committable(self._buffers.partitions), COMMIT_SECONDS)
        except Exception as error:  # noqa: BLE001 - the first error is the cause, so a second one is only logged
            log.warning("last commit failed: settled records are delivered again", extra={"error": describe(error)})
