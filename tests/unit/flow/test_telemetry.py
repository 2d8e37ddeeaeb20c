"""A member that exports with OpenTelemetry delivers the same, whatever its collector does."""

import json
from collections.abc import Iterator, Mapping

import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from consumer.observability.prometheus import PREFIX
from tests.otlp_receiver import OtlpReceiver, attributes_of, otlp_receiver
from tests.support import KEYS, Flow, is_refused


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture
def segment() -> Iterator[SegmentStandIn]:
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield segment


@pytest.fixture
def flow(broker: MockBroker, topic: str, segment: SegmentStandIn) -> Flow:
    return Flow(broker.address, topic, segment)


def delivered_by_member(flow: Flow, variables: Mapping[str, str]) -> list[str]:
    """The events of the log of a member that delivers everything and is stopped."""
    flow.produce(100)
    with flow.member(**variables) as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    assert flow.ledger().even
    return [json.loads(line)["event"] for line in member.lines]


def test_spans_and_metrics_arrive_and_agree_with_what_was_delivered(flow: Flow, receiver: OtlpReceiver) -> None:
    events = delivered_by_member(flow, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
    assert "OpenTelemetry started" in events
    assert events[-1] == "stopped"
    accepted = len(flow.segment.accepted)
    batches = [attributes_of(span.attributes) for span in receiver.spans if span.name == f"process {flow.topic}"]
    sizes = [batch["messaging.batch.message_count"] for batch in batches if "error.type" not in batch]
    assert sum(map(int, sizes)) == accepted
    (delivered,) = receiver.latest_metrics[f"{PREFIX}records_delivered_total"].sum.data_points
    assert delivered.as_int == accepted


@pytest.mark.parametrize("kind", ["refuses", "hangs"])
def test_a_collector_that_is_away_delays_and_breaks_nothing(flow: Flow, receiver: OtlpReceiver, kind: str) -> None:
    url = "http://127.0.0.1:1"
    if kind == "hangs":
        receiver.hangs.set()
        url = receiver.url
    events = delivered_by_member(flow, {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "10"})
    assert events[-1] == "stopped"
