"""A record type without a contract, by the real translator and the real contracts of examples/several."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from consumer.avro import decoder, schema_files
from consumer.avro.framing import RAW, framing
from consumer.contract.mapper import Contracts
from consumer.model import Message, Translation
from consumer.pipeline.record_processor import Steps, Translator
from tests.unit.pipeline.test_loop import KEY, World

FOLDER = Path(__file__).parents[3] / "examples" / "several"
SCHEMA = schema_files.raw_schema(FOLDER)
KNOWN = {RAW: SCHEMA}
ANSWERED = {"userId": "u", "answer": "yes"}
DISMISSED = {"userId": "u", "after": 3}
LOGIN = ("com.acme.audit.Login", {"userId": "u"})


class Several(World):
    """Answers and dismissals have a contract, logins have none. All else that cannot be sent holds."""

    def __init__(self, unknown: str) -> None:
        super().__init__(partitions=2, policy="block", unknown=unknown)
        contracts = Contracts(FOLDER, "1.2.3")
        framed = framing("raw", KNOWN, Counter())
        steps = Steps(framed, lambda key: SCHEMA, decoder.branch, decoder.decode, contracts.mapper)
        self._translator = Translator(steps, "topic", {"": KEY}, lambda key: "namespace")

    def translate(self, message: Message) -> Translation:
        return self._translator.translate(message)


def started(unknown: str) -> Several:
    """A login between two records that have a contract, and another partition beside it."""
    world = Several(unknown)
    world.group.give(0, *(decoder.encode(SCHEMA, one) for one in (ANSWERED, LOGIN, DISMISSED)))
    world.group.give(1, decoder.encode(SCHEMA, ANSWERED))
    world.settle()
    return world


def test_it_is_a_dead_letter_and_its_offset_waits_for_it() -> None:
    world = started("dead-letter")
    (letter,) = world.letters.open
    assert (letter.reason, letter.detail) == ("unknown_record", "no contract is for com.acme.audit.Login")
    assert (letter.message.offset, world.group.committed) == (1, {0: 1, 1: 1})
    world.letters.confirm()
    world.turn(2)
    assert world.group.committed == {0: 3, 1: 1}
    assert (world.status.counts.delivered, world.status.counts.dead_lettered) == (3, {"unknown_record": 1})


def test_it_is_skipped_and_counted() -> None:
    world = started("skip")
    assert world.group.committed == {0: 3, 1: 1}
    assert (world.status.counts.delivered, world.status.counts.skipped) == (3, {"unknown_record": 1})
    assert not world.letters.open


def test_it_holds_its_partition_alone() -> None:
    world = started("block")
    assert world.group.committed == {0: 1, 1: 1}
    assert world.status.latest().holding == {"unknown_record": 1}
    assert not world.letters.open


@pytest.mark.parametrize("unknown", ["dead-letter", "skip"])
def test_what_is_unprocessable_otherwise_goes_by_the_other_setting(unknown: str) -> None:
    world = Several(unknown)
    anonymous: Any = {"userId": "", "answer": "yes"}
    world.group.give(0, decoder.encode(SCHEMA, anonymous))
    world.settle()
    assert world.status.latest().holding == {"invalid": 1}
