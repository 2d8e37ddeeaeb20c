"""The account of a run: what was produced against what arrived, was skipped and was set aside."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from consumer.demo.expected import Deliver, Fate, SetAside, Skip

_MESSAGE_ID = re.compile(r"[0-9a-f]{16}-(\d+)-(\d+)-(-?\d+)")


class Address(NamedTuple):
    partition: int
    offset: int


class Arrival(NamedTuple):
    """An event that Segment accepted, and the environment that its write key is for."""

    environment: str
    message_id: str


class DeadLetter(NamedTuple):
    address: Address
    reason: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """
    Each record once: `produced == delivered + skipped + dead_lettered` and all lists are empty, else it is not `even`.

    `delivered` and `dead_lettered` count records, not repeats. Skips leave no trace but their count, so a wrong count
    stands in `unexpected`, as do records with another fate than theirs.
    """

    produced: int
    delivered: int
    skipped: Mapping[str, int]
    dead_lettered: Mapping[str, int]
    lost: Sequence[Address]
    duplicates: Sequence[Address]
    unexpected: Sequence[str]
    out_of_order: Sequence[Address]

    @property
    def even(self) -> bool:
        seen = self.delivered + sum(self.skipped.values()) + sum(self.dead_lettered.values())
        return seen == self.produced and not (self.lost or self.duplicates or self.unexpected or self.out_of_order)


def settle(
    produced: Mapping[Address, Fate],
    arrivals: Sequence[Arrival],
    dead_letters: Sequence[DeadLetter],
    skipped: Mapping[str, int],
) -> Ledger:
    """Compares; `arrivals` in order of acceptance, `skipped` as the service counted them by reason."""
    placed = [(address, arrival) for arrival in arrivals if (address := address_of(arrival.message_id))]
    arrived = {address for address, _ in placed}
    aside = {letter.address: letter.reason for letter in dead_letters}
    settled = arrived | aside.keys()
    return Ledger(
        produced=len(produced),
        delivered=len(arrived),
        skipped=dict(skipped),
        dead_lettered=Counter(aside.values()),
        lost=[address for address, fate in produced.items() if not isinstance(fate, Skip) and address not in settled],
        duplicates=_repeated(address for address, _ in placed) + _repeated(letter.address for letter in dead_letters),
        unexpected=[
            *(f"messageId of no record: {a.message_id}" for a in arrivals if not address_of(a.message_id)),
            *_strangers(produced, placed, dead_letters),
            *_miscounted(produced, skipped),
        ],
        out_of_order=list(_out_of_order(placed)),
    )


def address_of(message_id: str) -> Address | None:
    """The record that a messageId names; `None` if it names none."""
    match = _MESSAGE_ID.fullmatch(message_id)
    return Address(int(match[1]), int(match[2])) if match else None


def _repeated(addresses: Iterable[Address]) -> list[Address]:
    return [address for address, times in Counter(addresses).items() if times > 1]


def _strangers(
    produced: Mapping[Address, Fate], placed: Sequence[tuple[Address, Arrival]], dead_letters: Sequence[DeadLetter]
) -> Iterator[str]:
    """Records that met another fate than theirs. One that was never produced has none, so anything is wrong for it."""
    fates = [(address, Deliver(arrival.environment)) for address, arrival in placed]
    asides = [(letter.address, SetAside(letter.reason)) for letter in dead_letters]
    for address, fate in [*fates, *asides]:
        if produced.get(address) != fate:
            yield f"{address.partition}/{address.offset}: {fate}, expected {produced.get(address, 'no such record')}"


def _miscounted(produced: Mapping[Address, Fate], skipped: Mapping[str, int]) -> Iterator[str]:
    expected = Counter(fate.reason for fate in produced.values() if isinstance(fate, Skip))
    for reason in sorted(expected.keys() | skipped.keys()):
        if expected[reason] != skipped.get(reason, 0):
            yield f"skipped as {reason}: {skipped.get(reason, 0)}, expected {expected[reason]}"


def _out_of_order(placed: Sequence[tuple[Address, Arrival]]) -> Iterator[Address]:
    """Records whose first acceptance came after that of a later record of their partition, with the same key."""
    highest: dict[tuple[int, str], int] = {}
    first: set[Address] = set()
    for address, arrival in placed:
        lane = address.partition, arrival.environment
        if address not in first and address.offset < highest.get(lane, -1):
            yield address
        first.add(address)
        highest[lane] = max(address.offset, highest.get(lane, -1))
