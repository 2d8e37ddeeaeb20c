"""The account of a run: what was produced, compared with what arrived, was skipped or was rejected."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from consumer.demo.expected import ExpectDeadLetter, ExpectDelivered, ExpectedOutcome, ExpectSkipped
from consumer.model import RecordAddress

_MESSAGE_ID = re.compile(r"[0-9a-f]{16}-(\d+)-(\d+)-(-?\d+)")


class Arrival(NamedTuple):
    """An event that Segment accepted, and the environment that its write key is for."""

    environment: str
    message_id: str


class LedgerDeadLetter(NamedTuple):
    address: RecordAddress
    reason: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """
    Each record once: `even` if `produced == delivered + skipped + dead_lettered` and all lists are empty.

    `delivered` and `dead_lettered` count records, not repeats. A skipped record leaves no trace except its count, so a
    wrong count is in `unexpected`, as is a record with another outcome than the expected one.
    """

    produced: int
    delivered: int
    skipped: Mapping[str, int]
    dead_lettered: Mapping[str, int]
    lost: Sequence[RecordAddress]
    duplicates: Sequence[RecordAddress]
    unexpected: Sequence[str]
    out_of_order: Sequence[RecordAddress]

    @property
    def even(self) -> bool:
        settled = self.delivered + sum(self.skipped.values()) + sum(self.dead_lettered.values())
        has_problems = self.lost or self.duplicates or self.unexpected or self.out_of_order
        return settled == self.produced and not has_problems


def balance(
    produced: Mapping[RecordAddress, ExpectedOutcome],
    arrivals: Sequence[Arrival],
    dead_letters: Sequence[LedgerDeadLetter],
    skipped: Mapping[str, int],
) -> Ledger:
    """The ledger of a run; `arrivals` in order of acceptance, `skipped` as the service counted them by reason."""
    addressed = [(address_of(arrival.message_id), arrival) for arrival in arrivals]
    delivered = [(address, arrival) for address, arrival in addressed if address]
    unknown_ids = [arrival.message_id for address, arrival in addressed if not address]
    delivered_addresses = {address for address, _ in delivered}
    dead_lettered = {dead_letter.address: dead_letter.reason for dead_letter in dead_letters}
    return Ledger(
        produced=len(produced),
        delivered=len(delivered_addresses),
        skipped=dict(skipped),
        dead_lettered=Counter(dead_lettered.values()),
        lost=_lost(produced, delivered_addresses | dead_lettered.keys()),
        duplicates=[
            *_repeated(address for address, _ in delivered),
            *_repeated(dead_letter.address for dead_letter in dead_letters),
        ],
        unexpected=[
            *(f"messageId of no record: {message_id}" for message_id in unknown_ids),
            *_unexpected_outcomes(produced, delivered, dead_letters),
            *_wrong_skip_counts(produced, skipped),
        ],
        out_of_order=list(_out_of_order(delivered)),
    )


def address_of(message_id: str) -> RecordAddress | None:
    """The record that a messageId names; `None` if it names none."""
    match = _MESSAGE_ID.fullmatch(message_id)
    if match is None:
        return None
    return RecordAddress(int(match[1]), int(match[2]))


def _lost(produced: Mapping[RecordAddress, ExpectedOutcome], settled: set[RecordAddress]) -> list[RecordAddress]:
    return [
        address
        for address, expected in produced.items()
        if not isinstance(expected, ExpectSkipped) and address not in settled
    ]


def _repeated(addresses: Iterable[RecordAddress]) -> list[RecordAddress]:
    return [address for address, times in Counter(addresses).items() if times > 1]


def _unexpected_outcomes(
    produced: Mapping[RecordAddress, ExpectedOutcome],
    delivered: Sequence[tuple[RecordAddress, Arrival]],
    dead_letters: Sequence[LedgerDeadLetter],
) -> Iterator[str]:
    """Records with another outcome than the expected one. For a record that was never produced, none is expected."""
    outcomes: list[tuple[RecordAddress, ExpectedOutcome]] = []
    outcomes += [(address, ExpectDelivered(arrival.environment)) for address, arrival in delivered]
    outcomes += [(dead_letter.address, ExpectDeadLetter(dead_letter.reason)) for dead_letter in dead_letters]
    for address, outcome in outcomes:
        if produced.get(address) != outcome:
            expected = produced.get(address, "no such record")
            yield f"{address.partition}/{address.offset}: {outcome}, expected {expected}"


def _wrong_skip_counts(produced: Mapping[RecordAddress, ExpectedOutcome], skipped: Mapping[str, int]) -> Iterator[str]:
    expected = Counter(outcome.reason for outcome in produced.values() if isinstance(outcome, ExpectSkipped))
    for reason in sorted(expected.keys() | skipped.keys()):
        if expected[reason] != skipped.get(reason, 0):
            yield f"skipped as {reason}: {skipped.get(reason, 0)}, expected {expected[reason]}"


def _out_of_order(delivered: Sequence[tuple[RecordAddress, Arrival]]) -> Iterator[RecordAddress]:
    """Records that were first accepted after a later record of their partition and write key."""
    highest: dict[tuple[int, str], int] = {}
    accepted: set[RecordAddress] = set()
    for address, arrival in delivered:
        sequence = address.partition, arrival.environment
        if address not in accepted and address.offset < highest.get(sequence, -1):
            yield address
        accepted.add(address)
        highest[sequence] = max(address.offset, highest.get(sequence, -1))
