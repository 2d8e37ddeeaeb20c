"""Three framings and two types of record on one topic, with schemas of their own and as branches of a union."""

import itertools
import json
import re
import shutil
import struct
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from consumer import paths
from consumer.avro import decoder
from consumer.avro.framing import HEADER
from consumer.demo import fault_scripts
from consumer.demo.expected import ExpectDeadLetter, ExpectDelivered, ExpectedOutcome
from consumer.demo.samples import responses
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.avro_values import record, zigzag
from tests.support import KEYS, Flow, guid, is_refused, registry

Frame = Callable[[bytes], tuple[bytes, list[tuple[str, bytes]]]]
"""From the Avro bytes to a record's value and headers."""

RESPONSE = json.loads((paths.schemas() / "sprig" / "response.avsc").read_text())
PING = record("com.example.Ping", user="string", environment="string")
EITHER = ["null", PING, RESPONSE]
IDS = {7: RESPONSE, 8: PING, 9: EITHER}
PINGED = {
    "x-record": "*.Ping",
    "x-environment": "environment",
    "required": ["type", "event", "userId", "messageId"],
    "properties": {
        "type": {"const": "track"},
        "event": {"const": "Pinged"},
        "userId": {"type": "string", "minLength": 1, "x-source": "user"},
        "messageId": {"type": "string", "x-source": "$kafka.messageId"},
        "properties": {"properties": {"environment": {"type": "string"}}},
    },
}


def by_id(number: int, branch: bytes = b"") -> Frame:
    return lambda body: (struct.pack(">bI", 0, number) + branch + body, [])


def by_guid(number: int, branch: bytes = b"") -> Frame:
    return lambda body: (branch + body, [(HEADER, b"\1" + guid(number).bytes)])


def by_fingerprint(schema: Any) -> Frame:
    fingerprint = bytes.fromhex(decoder.fingerprint(decoder.load_schema("test", schema)))
    return lambda body: (b"\xc3\x01" + fingerprint + body, [])


OF_PING, OF_RESPONSE = zigzag(1), zigzag(2)
RESPONSES = (by_id(7), by_guid(7), by_fingerprint(RESPONSE), by_id(9, OF_RESPONSE), by_guid(9, OF_RESPONSE))
PINGS = (by_id(8), by_guid(8), by_fingerprint(PING), by_id(9, OF_PING), by_guid(9, OF_PING))
REJECTED: Mapping[tuple[bytes, str], ExpectedOutcome] = {
    (by_id(9)(zigzag(0))[0], "a branch that is not a record"): ExpectDeadLetter("unknown_record"),
    (by_id(9)(zigzag(3))[0], "a branch that does not exist"): ExpectDeadLetter("undecodable"),
    (b"\xc3\x01" + bytes(8), "a fingerprint without a file"): ExpectDeadLetter("unknown_schema"),
    (b"{}", "no framing"): ExpectDeadLetter("not_framed"),
}


@pytest.fixture
def flow(broker: MockBroker, topic: str, tmp_path: Path) -> Iterator[Flow]:
    shutil.copytree(paths.schemas(), tmp_path, dirs_exist_ok=True)
    (tmp_path / "sprig" / "ping.avsc").write_text(json.dumps(PING))
    (tmp_path / "segment" / "pinged.json").write_text(json.dumps(PINGED))
    with (
        registry({number: json.dumps(schema) for number, schema in IDS.items()}) as url,
        SegmentStandIn(KEYS.values()) as segment,
    ):
        segment.script = fault_scripts.refuse(is_refused)
        settings = {"AVRO_FRAMING": "auto", "SCHEMA_REGISTRY_URL": url, "SCHEMAS_DIR": str(tmp_path)}
        yield Flow(broker.address, topic, segment, settings=settings)


class Mixer:
    """Produces records, each with the next of several framings."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._producer = Producer({"bootstrap.servers": flow.bootstrap, "enable.idempotence": True})

    def put(self, key: bytes, value: bytes | None, expected: ExpectedOutcome, headers: Any = ()) -> None:
        partition = zlib.crc32(key) % self._flow.partitions
        self._producer.produce(self._flow.topic, value, key, partition, headers=list(headers))
        self._flow.note_produced(partition, expected)

    def responses(self, count: int) -> None:
        schema, frames = decoder.load_schema("test", RESPONSE), itertools.cycle(RESPONSES)
        for sample in responses(count, seed=1):
            body = sample.payload(lambda response: decoder.encode(schema, response))
            value, headers = next(frames)(body) if body else (body, [])
            self.put(sample.key, value, sample.expected, headers)

    def pings(self, count: int) -> None:
        schema = decoder.load_schema("test", PING)
        for number, frame in zip(range(count), itertools.cycle(PINGS), strict=False):
            value, headers = frame(decoder.encode(schema, {"user": f"pinged-{number}", "environment": "development"}))
            self.put(b"%d" % number, value, ExpectDelivered("development"), headers)

    def rejected(self) -> None:
        for (value, description), expected in REJECTED.items():
            self.put(description.encode(), value, expected)

    def flush(self) -> None:
        assert self._producer.flush(30) == 0


def framings(lines: list[str]) -> Mapping[str, float]:
    """How often the member that wrote these lines read each framing."""
    url = next(line["http"] for line in map(json.loads, lines) if line["event"] == "started")
    with urllib.request.urlopen(f"{url}metrics", timeout=10) as answer:
        samples = re.findall(r'framings_seen_total\{framing="(.+)"\} (\S+)', answer.read().decode())
    return {name: float(value) for name, value in samples}


def test_auto_tells_framings_and_types_apart_record_by_record(flow: Flow) -> None:
    mixer = Mixer(flow)
    mixer.responses(200)
    mixer.pings(20)
    mixer.rejected()
    mixer.flush()
    with flow.member() as member:
        flow.wait_until_settled()
        counts = framings(member.lines)
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert ledger.even, ledger
    assert not flow.segment.dropped
    assert sum(accepted.event["event"] == "Pinged" for accepted in flow.segment.accepted) == 20
    assert set(counts) == {"confluent", "confluent-header", "single-object"}
    assert all(count >= 40 for count in counts.values())
    assert {json.loads(line)["logger"].partition(".")[0] for line in member.lines} == {"consumer"}
