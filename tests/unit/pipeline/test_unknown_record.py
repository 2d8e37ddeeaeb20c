"""A record type without a contract, with the real record mapper and the real contracts of examples/several."""

from pathlib import Path
from typing import Any

import pytest

from consumer.avro import decoder, schema_files
from consumer.avro.auto_framing import framing
from consumer.avro.schema_keys import RAW
from consumer.contract.compiler import Contracts
from consumer.model import MappedRecord, Record
from consumer.pipeline.record_mapper import DecodeStages, RecordMapper
from consumer.pipeline.write_keys import WriteKeys
from tests.unit.pipeline.pipeline_world import KEY, PipelineWorld

FOLDER = Path(__file__).parents[3] / "examples" / "several"
SCHEMA = schema_files.raw_schema(FOLDER)
KNOWN_SCHEMAS = {RAW: SCHEMA}
ANSWERED = {"userId": "u", "answer": "yes"}
DISMISSED = {"userId": "u", "after": 3}
LOGIN = ("com.acme.audit.Login", {"userId": "u"})


class SeveralTypes(PipelineWorld):
    """Answers and dismissals have a contract, logins have none. All else that is rejected blocks."""

    def __init__(self, unknown: str) -> None:
        super().__init__(partitions=2, policy="block", unknown=unknown)
        frame = framing("raw", KNOWN_SCHEMAS)
        contracts = Contracts(FOLDER, "1.2.3")
        stages = DecodeStages(frame, lambda _: SCHEMA, decoder.union_branch, decoder.decode, contracts.mapper)
        self._mapper = RecordMapper(stages, WriteKeys({"": KEY}, lambda _: "namespace", "topic"))

    def map(self, record: Record) -> MappedRecord:
        return self._mapper.map(record)


def started(unknown: str) -> SeveralTypes:
    """A login between two records that have a contract, and another partition beside it."""
    world = SeveralTypes(unknown)
    world.group.give(0, *(decoder.encode(SCHEMA, value) for value in (ANSWERED, LOGIN, DISMISSED)))
    world.group.give(1, decoder.encode(SCHEMA, ANSWERED))
    world.settle()
    return world


def test_it_is_a_dead_letter_and_its_offset_waits_for_it() -> None:
    world = started("dead-letter")
    (dead_letter,) = world.dead_letters.open
    assert dead_letter.rejected.reason == "unknown_record"
    assert dead_letter.rejected.detail == "no contract is for com.acme.audit.Login"
    assert (dead_letter.record.offset, world.group.committed) == (1, {0: 1, 1: 1})
    world.dead_letters.confirm()
    world.run_once(2)
    assert world.group.committed == {0: 3, 1: 1}
    counters = world.reporter.counters
    assert (counters.delivered, counters.dead_lettered) == (3, {"unknown_record": 1})


def test_it_is_skipped_and_counted() -> None:
    world = started("skip")
    assert world.group.committed == {0: 3, 1: 1}
    assert (world.reporter.counters.delivered, world.reporter.counters.skipped) == (3, {"unknown_record": 1})
    assert not world.dead_letters.open


def test_it_blocks_its_partition_alone() -> None:
    world = started("block")
    assert world.group.committed == {0: 1, 1: 1}
    assert world.reporter.latest().blocked == {"unknown_record": 1}
    assert not world.dead_letters.open


@pytest.mark.parametrize("unknown", ["dead-letter", "skip"])
def test_every_other_rejected_record_follows_the_other_setting(unknown: str) -> None:
    world = SeveralTypes(unknown)
    anonymous: Any = {"userId": "", "answer": "yes"}
    world.group.give(0, decoder.encode(SCHEMA, anonymous))
    world.settle()
    assert world.reporter.latest().blocked == {"invalid": 1}
