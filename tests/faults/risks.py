"""What may come twice: of each member that was killed, what it had settled and not committed, or under way."""

from collections import Counter

from consumer.demo.ledger import Address, address_of
from tests.faults.watch import Watch
from tests.support import Flow, Member

ONE_BATCH = 50  # BATCH_MAX_EVENTS of `Flow`
UNDER_WAY = 2 * ONE_BATCH  # offsets that the events of a batch may be spread over, with the skips between them


class Risks:
    """Each repeat must be explained by a kill of its own: its partition was the member's, its offset not committed."""

    def __init__(self, flow: Flow, watch: Watch) -> None:
        self._flow, self._watch = flow, watch
        self._at_risk: list[dict[int, range]] = []

    def killed(self, member: Member) -> None:
        """The member is dead: nothing of it is committed or sent any more."""
        self._watch.look()
        offsets = {part: (self._watch.committed.get(part, 0), self._watch.highest(part)) for part in member.partitions}
        self._at_risk.append({part: range(low, high + UNDER_WAY) for part, (low, high) in offsets.items()})

    def unexplained(self, letters: list[Address]) -> list[Address]:
        """Repeats, `letters` among them, that no kill explains."""
        sent = [address_of(message_id) for reason, message_id in self._flow.segment.dropped if reason == "duplicate"]
        times = Counter([address for address in sent if address] + letters)
        return [address for address, count in times.items() if count > self._kills(address)]

    def _kills(self, address: Address) -> int:
        return sum(address.offset in risk.get(address.partition, ()) for risk in self._at_risk)
