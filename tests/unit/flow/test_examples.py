"""`run` with each folder of examples/: the events of its cases arrive at Segment."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from consumer.avro import decoder, json_to_avro, schema_files
from consumer.contract.cases import read_cases
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.support import KEYS, Flow

ROOT = Path(__file__).parents[3] / "examples"
KEY = KEYS["production"]
ONE_KEY = {"SEGMENT_WRITE_KEY": KEY, "SEGMENT_WRITE_KEYS": ""}


@pytest.mark.parametrize(
    ("name", "settings", "events"),
    [
        ("flat", ONE_KEY, {"Survey Answered": 1}),
        ("nested", {}, {"Feedback Given": 3}),
        ("several", ONE_KEY, {"Survey Answered": 1, "Survey Dismissed": 1}),
    ],
)
def test_an_example_runs(
    broker: MockBroker, topic: str, name: str, settings: Mapping[str, str], events: Mapping[str, int]
) -> None:
    folder = ROOT / name
    schema, cases = schema_files.raw_schema(folder), read_cases(folder)
    for case in cases:
        broker.produce(
            topic, 0, None, decoder.encode(schema, json_to_avro.avro_value(schema.root, case.record, "record"))
        )
    broker.flush()
    with SegmentStandIn(KEYS.values()) as segment:
        flow = Flow(broker.address, topic, segment, settings={**settings, "SCHEMAS_DIR": str(folder)})
        flow.ends[0] = len(cases)
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
        assert Counter(arrival.event["event"] for arrival in segment.accepted) == events
        assert {arrival.key for arrival in segment.accepted} == {KEY}
        assert not segment.dropped
    rejected = [case.expected["rejected"]["reason"] for case in cases if "rejected" in case.expected]
    assert [dead_letter.reason for dead_letter in flow.dead_letters()] == rejected
