"""The ledger finds records that are lost, doubled, misplaced or out of order, and no other records."""

from collections.abc import Mapping, Sequence

import pytest

from consumer.demo.expected import ExpectDeadLetter, ExpectDelivered, ExpectedOutcome, ExpectSkipped
from consumer.demo.ledger import Arrival, Ledger, LedgerDeadLetter, address_of, balance
from consumer.model import RecordAddress

PRODUCED: Mapping[RecordAddress, ExpectedOutcome] = {
    RecordAddress(0, 0): ExpectDelivered("production"),
    RecordAddress(0, 1): ExpectSkipped("anonymous"),
    RecordAddress(0, 2): ExpectDeadLetter("undecodable"),
    RecordAddress(0, 3): ExpectDelivered("production"),
    RecordAddress(1, 0): ExpectDelivered("development"),
}


def arrival(partition: int, offset: int, environment: str = "production") -> Arrival:
    return Arrival(environment, f"0123456789abcdef-{partition}-{offset}-1764000000000")


ARRIVED = [arrival(0, 0), arrival(1, 0, "development"), arrival(0, 3)]
DEAD_LETTERED = [LedgerDeadLetter(RecordAddress(0, 2), "undecodable")]
SKIPPED = {"anonymous": 1}


def ledger_of(
    arrivals: Sequence[Arrival] = ARRIVED,
    dead_letters: Sequence[LedgerDeadLetter] = DEAD_LETTERED,
    skipped: Mapping[str, int] = SKIPPED,
) -> Ledger:
    return balance(PRODUCED, arrivals, dead_letters, skipped)


def test_a_run_in_which_each_record_has_the_expected_outcome_is_even() -> None:
    ledger = ledger_of()
    assert ledger.even
    assert (ledger.produced, ledger.delivered, ledger.skipped, ledger.dead_lettered) == (
        5,
        3,
        {"anonymous": 1},
        {"undecodable": 1},
    )


def test_a_record_without_a_trace_is_lost() -> None:
    ledger = ledger_of(arrivals=ARRIVED[:2], dead_letters=[])
    assert ledger.lost == [RecordAddress(0, 2), RecordAddress(0, 3)]
    assert not ledger.even


def test_a_record_that_arrived_twice_is_a_duplicate() -> None:
    ledger = ledger_of(arrivals=[*ARRIVED, arrival(0, 0)], dead_letters=DEAD_LETTERED * 2)
    assert ledger.duplicates == [RecordAddress(0, 0), RecordAddress(0, 2)]
    assert ledger.delivered == 3
    assert not ledger.even


@pytest.mark.parametrize(
    ("arrivals", "dead_letters", "message"),
    [
        (
            [arrival(0, 1)],
            [],
            "0/1: delivered to production, expected skipped as anonymous",
        ),
        (
            [arrival(1, 0)],
            [],
            "1/0: delivered to production, expected delivered to development",
        ),
        ([arrival(9, 9)], [], "9/9: delivered to production, expected no such record"),
        ([Arrival("production", "a-b-c")], [], "messageId of no record: a-b-c"),
        (
            [],
            [LedgerDeadLetter(RecordAddress(0, 2), "other")],
            "0/2: dead-lettered as other, expected dead-lettered as undecodable",
        ),
        (
            [],
            [LedgerDeadLetter(RecordAddress(0, 0), "other")],
            "0/0: dead-lettered as other, expected delivered to production",
        ),
    ],
)
def test_another_outcome_is_unexpected(
    arrivals: list[Arrival], dead_letters: list[LedgerDeadLetter], message: str
) -> None:
    (line,) = ledger_of(arrivals, dead_letters).unexpected
    assert line.startswith(message)


@pytest.mark.parametrize("skipped", [{}, {"anonymous": 2}, {"anonymous": 1, "tombstone": 1}])
def test_a_wrong_count_of_skips_is_unexpected(skipped: dict[str, int]) -> None:
    assert len(ledger_of(skipped=skipped).unexpected) == 1


def test_order_is_kept_per_partition_and_environment_by_first_acceptance() -> None:
    assert ledger_of(arrivals=[arrival(0, 3), arrival(0, 0)]).out_of_order == [RecordAddress(0, 0)]
    assert ledger_of(arrivals=[arrival(0, 3), arrival(0, 0, "development")]).out_of_order == []
    assert ledger_of(arrivals=[arrival(0, 0), arrival(0, 3), arrival(0, 0)]).out_of_order == []


def test_a_message_id_names_its_record() -> None:
    assert address_of("0123456789abcdef-12-345--1") == RecordAddress(12, 345)
    assert address_of("0123456789abcdeF-12-345-1") is None
    assert address_of("") is None
