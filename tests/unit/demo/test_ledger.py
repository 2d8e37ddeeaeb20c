"""The ledger finds what is lost, doubled, misplaced or out of order, and nothing else."""

from collections.abc import Mapping, Sequence

import pytest

from consumer.demo.expected import Deliver, Fate, SetAside, Skip
from consumer.demo.ledger import Address, Arrival, DeadLetter, Ledger, address_of, settle

PRODUCED: Mapping[Address, Fate] = {
    Address(0, 0): Deliver("production"),
    Address(0, 1): Skip("anonymous"),
    Address(0, 2): SetAside("undecodable"),
    Address(0, 3): Deliver("production"),
    Address(1, 0): Deliver("development"),
}


def arrival(partition: int, offset: int, environment: str = "production") -> Arrival:
    return Arrival(environment, f"0123456789abcdef-{partition}-{offset}-1764000000000")


ARRIVED = [arrival(0, 0), arrival(1, 0, "development"), arrival(0, 3)]
ASIDE = [DeadLetter(Address(0, 2), "undecodable")]
SKIPPED = {"anonymous": 1}


def settled(
    arrivals: Sequence[Arrival] = ARRIVED,
    letters: Sequence[DeadLetter] = ASIDE,
    skipped: Mapping[str, int] = SKIPPED,
) -> Ledger:
    return settle(PRODUCED, arrivals, letters, skipped)


def test_a_run_in_which_all_met_its_fate_is_even() -> None:
    ledger = settled()
    assert ledger.even
    assert (ledger.produced, ledger.delivered, ledger.skipped, ledger.dead_lettered) == (
        5,
        3,
        {"anonymous": 1},
        {"undecodable": 1},
    )


def test_what_nobody_saw_again_is_lost() -> None:
    ledger = settled(arrivals=ARRIVED[:2], letters=[])
    assert ledger.lost == [Address(0, 2), Address(0, 3)]
    assert not ledger.even


def test_what_arrived_twice_is_a_duplicate() -> None:
    ledger = settled(arrivals=[*ARRIVED, arrival(0, 0)], letters=ASIDE * 2)
    assert ledger.duplicates == [Address(0, 0), Address(0, 2)]
    assert ledger.delivered == 3
    assert not ledger.even


@pytest.mark.parametrize(
    ("arrivals", "letters", "told"),
    [
        ([arrival(0, 1)], [], "0/1: Deliver(environment='production'), expected Skip(reason='anonymous')"),
        ([arrival(1, 0)], [], "1/0: Deliver(environment='production'), expected Deliver(environment='development')"),
        ([arrival(9, 9)], [], "9/9: Deliver(environment='production'), expected no such record"),
        ([Arrival("production", "a-b-c")], [], "messageId of no record: a-b-c"),
        ([], [DeadLetter(Address(0, 2), "other")], "0/2: SetAside(reason='other'), expected"),
        ([], [DeadLetter(Address(0, 0), "other")], "0/0: SetAside(reason='other'), expected Deliver("),
    ],
)
def test_another_fate_is_unexpected(arrivals: list[Arrival], letters: list[DeadLetter], told: str) -> None:
    (line,) = settled(arrivals, letters).unexpected
    assert line.startswith(told)


@pytest.mark.parametrize("skipped", [{}, {"anonymous": 2}, {"anonymous": 1, "tombstone": 1}])
def test_a_wrong_count_of_skips_is_unexpected(skipped: dict[str, int]) -> None:
    assert len(settled(skipped=skipped).unexpected) == 1


def test_order_is_kept_per_partition_and_environment_by_first_acceptance() -> None:
    assert settled(arrivals=[arrival(0, 3), arrival(0, 0)]).out_of_order == [Address(0, 0)]
    assert settled(arrivals=[arrival(0, 3), arrival(0, 0, "development")]).out_of_order == []
    assert settled(arrivals=[arrival(0, 0), arrival(0, 3), arrival(0, 0)]).out_of_order == []


def test_a_message_id_names_its_record() -> None:
    assert address_of("0123456789abcdef-12-345--1") == Address(12, 345)
    assert address_of("0123456789abcdeF-12-345-1") is None
    assert address_of("") is None
