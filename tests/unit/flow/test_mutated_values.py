"""Values that were damaged in every way, through decoding and mapping: an event within every rule, or a reason."""

import json
import os
import random
import resource
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

import consumer.settings
from consumer import factories, paths
from consumer.avro import decoder, schema_files
from consumer.demo.samples import responses
from consumer.demo.segment_rules import PROJECT_RULES, SEGMENT_RULES
from consumer.model import Record, Rejected, Skipped, TrackEvent
from consumer.reasons import REJECTED
from consumer.segment_limits import MAX_EVENT_BYTES

SEED = int(os.environ["SEED"])  # printed at the head of each run
WARM_UP = 5_000
MAX_GROWTH = 8 * 2**20  # bytes of the process, after its warm-up
MAX_CPU_SECONDS = 2.0  # for one value


def corpus() -> list[bytes]:
    schema = schema_files.raw_schema(paths.schemas())
    values = [sample.payload(lambda record: decoder.encode(schema, record)) for sample in responses(300, 1)]
    return [value for value in values if value and len(value) < 2_000]


def mutated(valid: list[bytes], dice: random.Random) -> bytes:
    """A value with one to four mutations, or random bytes."""
    if dice.random() < 0.05:
        return dice.randbytes(dice.randrange(200))
    value = bytearray(dice.choice(valid))
    for _ in range(dice.randint(1, 4)):
        index = dice.randrange(len(value) + 1)
        match dice.randrange(6):
            case 0 if value:
                value[index % len(value)] ^= 1 << dice.randrange(8)
            case 1:
                value[index : index + dice.randrange(20)] = b""
            case 2:
                value[index:index] = dice.randbytes(dice.randrange(1, 12))
            case 3:
                value[index:index] = b"\xff" * dice.randrange(1, 11)  # a number that is huge, or never ends
            case 4:
                other = dice.choice(valid)
                value[index:] = other[dice.randrange(len(other)) :]
            case _:
                value[index : index + 8] = dice.choice(
                    [b"\0" * 8, b"\x7f" * 8, b"\0\0\0\0\0\0\xf8\x7f", b"\xed\xa0\x80"]
                )
    return bytes(value)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize(
    "count", [20_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(290)])], ids="{:,}".format
)
def test_no_value_crashes_hangs_leaks_or_becomes_an_event_that_breaks_a_rule(count: int) -> None:
    dice, valid = random.Random(SEED), corpus()
    settings = consumer.settings.load(environ={"KAFKA_BOOTSTRAP_SERVERS": "unused:9092", "SEGMENT_WRITE_KEY": "key"})
    outcomes = {TrackEvent: 0, Skipped: 0, Rejected: 0}
    begin = 0
    with ExitStack() as closing:
        mapper = factories.blocking_record_mapper(settings, closing)
        for number in range(count):
            value = mutated(valid, dice)
            started = time.thread_time()
            mapped = mapper.map(Record(0, number, 1_772_000_000_000, None, value, ()))
            assert time.thread_time() - started < MAX_CPU_SECONDS, value.hex()
            outcomes[type(mapped)] += 1
            if isinstance(mapped, TrackEvent):
                event = json.loads(mapped.body)
                assert len(mapped.body) <= MAX_EVENT_BYTES
                assert not [rule for rule in (*SEGMENT_RULES, *PROJECT_RULES) if not rule.is_met(event)], value.hex()
            elif isinstance(mapped, Rejected):
                assert mapped.reason in REJECTED, value.hex()
            if number == WARM_UP:
                begin = resident_bytes()
    assert all(outcomes.values()), outcomes
    assert resident_bytes() - begin < MAX_GROWTH
