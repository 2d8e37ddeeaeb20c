"""`run` with a framing that is not that of the topic: each rejected record says what to set."""

import json
import struct
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker, records
from tests.support import KEYS, Flow, registry

SCHEMA = '{"type": "record", "name": "com.sprig.Response", "fields": []}'
SET_GLUE = "set SCHEMA_REGISTRY_URL, SCHEMA_REGISTRY_TYPE=glue and AVRO_FRAMING=glue"
GLUE_ID = UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63").bytes


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(broker.address, topic, segment)


def confluent(body: bytes) -> bytes:
    return struct.pack(">bI", 0, 7) + body


def glue(body: bytes) -> bytes:
    return b"\3\0" + GLUE_ID + body


def rejections(flow: Flow) -> list[tuple[str, str]]:
    """Reason and detail of each dead letter, without those of empty values."""
    headers = [dict(record.headers()) for record in records(flow.bootstrap, f"{flow.topic}.dead-letter")]
    pairs = [(head["dead-letter-reason"].decode(), head["dead-letter-detail"].decode()) for head in headers]
    return [(reason, detail) for reason, detail in pairs if reason != "empty_value"]


@pytest.mark.parametrize(
    ("frame", "with_registry", "hint"),
    [
        (confluent, False, "the value looks like Confluent's wire format: set SCHEMA_REGISTRY_URL"),
        (glue, False, f"the value looks like AWS Glue's framing: {SET_GLUE}"),
        (glue, True, f"the value looks like AWS Glue's framing: {SET_GLUE}"),
    ],
    ids=["no registry", "glue as raw", "glue as confluent"],
)
def test_a_rejected_record_says_what_to_set(
    flow: Flow, frame: Callable[[bytes], bytes], with_registry: bool, hint: str
) -> None:
    flow.produce(12, frame=frame)
    with registry({7: SCHEMA}) as url:
        if with_registry:
            flow.settings = {"SCHEMA_REGISTRY_URL": url}
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
    found_reasons = rejections(flow)
    assert found_reasons
    assert {reason for reason, _ in found_reasons} <= {"undecodable", "trailing_bytes", "not_framed"}
    assert all(detail.endswith(hint) for _, detail in found_reasons), found_reasons
    logged = [json.loads(line).get("detail", "") for line in member.lines if "record rejected" in line]
    assert any(detail.endswith(hint) for detail in logged)
    assert "Error" not in "".join(detail for _, detail in found_reasons)
