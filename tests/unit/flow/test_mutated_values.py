"""Values that were damaged in every way, through decoding and mapping: a call within every rule, or a reason."""

import json
import os
import random
import resource
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

import consumer.settings
from consumer import app, paths
from consumer.avro import decoder, schema_files
from consumer.demo.samples import responses
from consumer.demo.segment_rules import OURS, SEGMENTS_OWN
from consumer.model import Call, Message, Skipped, Unprocessable
from consumer.pipeline.record_processor import EVENT_MAX_BYTES
from consumer.reasons import SET_ASIDE

SEED = int(os.environ["SEED"])  # which the head of each run tells
WARM_UP = 5_000
LEAK = 8 * 2**20  # bytes that the process may grow by, after its warm-up
SLOWEST = 2.0  # seconds of the processor for one value


def corpus() -> list[bytes]:
    schema = schema_files.raw_schema(paths.schemas())
    made = [sample.payload(lambda record: decoder.encode(schema, record)) for sample in responses(300, 1)]
    return [value for value in made if value and len(value) < 2_000]


def mutated(good: list[bytes], dice: random.Random) -> bytes:
    """A value with one to four wounds, or bytes that were never one."""
    if dice.random() < 0.05:
        return dice.randbytes(dice.randrange(200))
    value = bytearray(dice.choice(good))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(value) + 1)
        match dice.randrange(6):
            case 0 if value:
                value[at % len(value)] ^= 1 << dice.randrange(8)
            case 1:
                value[at : at + dice.randrange(20)] = b""
            case 2:
                value[at:at] = dice.randbytes(dice.randrange(1, 12))
            case 3:
                value[at:at] = b"\xff" * dice.randrange(1, 11)  # a number that is huge, or never ends
            case 4:
                other = dice.choice(good)
                value[at:] = other[dice.randrange(len(other)) :]
            case _:
                value[at : at + 8] = dice.choice([b"\0" * 8, b"\x7f" * 8, b"\0\0\0\0\0\0\xf8\x7f", b"\xed\xa0\x80"])
    return bytes(value)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize(
    "count", [20_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(290)])], ids="{:,}".format
)
def test_no_value_crashes_hangs_leaks_or_makes_a_call_that_breaks_a_rule(count: int) -> None:
    dice, good = random.Random(SEED), corpus()
    settings = consumer.settings.load(environ={"KAFKA_BOOTSTRAP_SERVERS": "unused:9092", "SEGMENT_WRITE_KEY": "key"})
    fates = {Call: 0, Skipped: 0, Unprocessable: 0}
    begin = 0
    with ExitStack() as closing:
        translator = app.translator_at_once(settings, closing)
        for number in range(count):
            value = mutated(good, dice)
            started = time.thread_time()
            made = translator.translate(Message(0, number, 1_772_000_000_000, None, value, ()))
            assert time.thread_time() - started < SLOWEST, value.hex()
            fates[type(made)] += 1
            if isinstance(made, Call):
                event = json.loads(made.body)
                assert len(made.body) <= EVENT_MAX_BYTES
                assert not [rule for rule in (*SEGMENTS_OWN, *OURS) if not rule.kept(event)], value.hex()
            elif isinstance(made, Unprocessable):
                assert made.reason in SET_ASIDE, value.hex()
            if number == WARM_UP:
                begin = resident()
    assert all(fates.values()), fates
    assert resident() - begin < LEAK
