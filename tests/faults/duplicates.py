"""What may come twice: what members that were killed, or given up by the broker, had settled and not committed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from consumer.demo.ledger import Address, address_of
from tests.faults.offset_watcher import Watch
from tests.support import Flow, Member, wait_until

ONE_BATCH = 50  # BATCH_MAX_EVENTS of `Flow`
UNDER_WAY = 2 * ONE_BATCH  # offsets that the events of a batch may be spread over, with the skips between them


class Risks:
    """Each repeat must be explained by a loss of its own: its partition was lost, its offset not committed."""

    def __init__(self, flow: Flow, watch: Watch) -> None:
        self._flow, self._watch = flow, watch
        self._at_risk: list[dict[int, range]] = []

    def killed(self, member: Member) -> None:
        """The member is dead: nothing of it is committed or sent any more."""
        self._watch.look()
        self._add({part: self._watch.committed.get(part, 0) for part in member.partitions})

    @contextmanager
    def all_given_up(self) -> Iterator[None]:
        """A block after which any member may be given up, and no commit is of before that."""
        before = {part: self._watch.committed.get(part, 0) for part in range(self._flow.partitions)}
        yield
        wait_until(
            lambda: all(self._watch.committed[part] > offset for part, offset in before.items()),
            "each partition to be committed again",
        )
        self._add(before)

    def _add(self, committed: Mapping[int, int]) -> None:
        highest = {part: self._watch.highest(part) for part in committed}
        self._at_risk.append({part: range(low, highest[part] + UNDER_WAY) for part, low in committed.items()})

    def unexplained(self, letters: list[Address]) -> list[Address]:
        """Repeats, `letters` among them, that no loss explains."""
        sent = [address_of(message_id) for reason, message_id in self._flow.segment.dropped if reason == "duplicate"]
        times = Counter([address for address in sent if address] + letters)
        return [address for address, count in times.items() if count > self._losses(address)]

    def _losses(self, address: Address) -> int:
        return sum(address.offset in risk.get(address.partition, ()) for risk in self._at_risk)
