"""Owns the explanation of duplicates: a member that is lost repeats events that were settled and not committed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from consumer.demo.ledger import address_of
from consumer.model import RecordAddress
from tests.faults.offset_watcher import OffsetWatcher
from tests.support import Flow, Member, wait_until

ONE_BATCH = 50  # BATCH_MAX_EVENTS of `Flow`
REMOVED_SECONDS = 30.0  # at most, until a member learns that it was removed
IN_FLIGHT = 2 * ONE_BATCH  # offsets that the events of one batch can be spread over, with the skipped records between


class DuplicateExplainer:
    """
    Each loss of a member explains one repeat of each record that it put at risk.

    A record is at risk if its partition was lost while its offset was not committed.
    """

    def __init__(self, flow: Flow, watcher: OffsetWatcher) -> None:
        self._flow, self._watcher = flow, watcher
        self._losses: list[dict[int, range]] = []

    def note_kill(self, member: Member) -> None:
        """Note that the member is dead: it commits and sends nothing any more."""
        self._watcher.take_sample()
        self._add({partition: self._watcher.committed.get(partition, 0) for partition in member.partitions})

    @contextmanager
    def any_member_may_be_removed(self) -> Iterator[None]:
        """
        A block in which the broker may remove any member from its group.

        It ends with a commit of each partition that is newer than the block: those who own the partitions now are
        members. A commit of the block itself can be older than the removal.
        """
        before = self._committed()
        yield
        in_block = self._committed()
        wait_until(
            lambda: all(self._committed()[partition] > offset for partition, offset in in_block.items()),
            "another commit of each partition",
        )
        self._add(before)

    def note_removals(self, members: Iterable[Member]) -> None:
        """
        Note each removal that a member has logged: the broker of a busy machine may remove a member at any time.

        The member can have been removed before it learnt of that. What it settled in between is not committed.
        """
        for member in members:
            for lost_at, partitions in member.losses():
                samples = self._watcher.history
                before = [sample for sample in samples if sample.at <= lost_at - REMOVED_SECONDS] or samples[:1]
                after = [sample for sample in samples if sample.at >= lost_at + 1] or samples[-1:]
                begins, ends = before[-1].committed, after[0].settled_ends
                self._losses.append({number: range(begins[number], ends[number] + IN_FLIGHT) for number in partitions})

    def _committed(self) -> dict[int, int]:
        """The offset of each partition, as of the last sample."""
        return {partition: self._watcher.committed.get(partition, 0) for partition in range(self._flow.partitions)}

    def _add(self, committed: Mapping[int, int]) -> None:
        ends = {partition: self._watcher.settled_end(partition) for partition in committed}
        self._losses.append(
            {partition: range(offset, ends[partition] + IN_FLIGHT) for partition, offset in committed.items()}
        )

    def unexplained(self, repeated_dead_letters: list[RecordAddress]) -> list[RecordAddress]:
        """The repeated events and dead letters that no loss explains."""
        dropped = self._flow.segment.dropped
        repeated_events = [address_of(message_id) for reason, message_id in dropped if reason == "duplicate"]
        repeats = Counter([address for address in repeated_events if address] + repeated_dead_letters)
        return [address for address, count in repeats.items() if count > self._count_losses(address)]

    def _count_losses(self, address: RecordAddress) -> int:
        return sum(address.offset in at_risk.get(address.partition, ()) for at_risk in self._losses)
