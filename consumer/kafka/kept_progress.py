"""What a member has settled of the partitions that it lost, in case that it gets them back."""

from collections.abc import Mapping

from consumer.kafka.records import Progress


class KeptProgress:
    """Kept from the loss of a partition to its next assignment, and then used or dropped."""

    def __init__(self) -> None:
        self._lost: dict[int, Progress] = {}
        self._regained: dict[int, Progress] = {}

    def keep(self, progress: Mapping[int, Progress]) -> None:
        """The group removed this member, which has settled this much of its partitions."""
        self._lost |= progress

    def take(self, partition: int) -> Progress | None:
        """What was kept of a partition that is assigned again."""
        return self._lost.pop(partition, None)

    def use(self, partition: int, progress: Progress) -> None:
        """Nobody has committed for the partition meanwhile, so what this member settled is not delivered again."""
        self._regained[partition] = progress

    def drop(self, partition: int) -> None:
        """The partition was revoked, or its offsets belong to other records now."""
        self._regained.pop(partition, None)

    def is_settled(self, partition: int, offset: int) -> bool:
        """Whether this member settled the record before it lost the partition and got it back."""
        return partition in self._regained and self._regained[partition].is_settled(offset)
