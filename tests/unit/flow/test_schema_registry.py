"""`run` with a registry that refuses its credentials or a reference, that it does not trust, or that never answers."""

import json
import ssl
import struct
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from consumer import paths
from consumer.demo import fault_scripts
from consumer.demo.fault_scripts import ReceivedBatch, ScriptedResponse
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.http_peer import Peer, PeerRequest, json_response, peer
from tests.support import KEYS, Flow, Member, is_refused, wait_until

SECRET = "s3cret-pass"
BASIC = b64encode(f"jane:{SECRET}".encode()).decode()
RESPONSE = (paths.schemas() / "sprig" / "response.avsc").read_text()
SCHEMA = json_response({"schema": RESPONSE})


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        flow = Flow(broker.address, topic, segment)
        flow.produce(100, frame=lambda body: struct.pack(">bI", 0, 7) + body)
        yield flow


def settings(server: Peer, **config: str) -> dict[str, str]:
    """With the log level debug, and a password for the registry."""
    options = {"basic.auth.user.info": f"jane:{SECRET}", **config}
    return {
        "SCHEMA_REGISTRY_URL": server.url,
        "SCHEMA_REGISTRY_CONFIG": json.dumps(options),
        "LOG_LEVEL": "debug",
    }


def registry_errors(member: Member) -> list[tuple[str, str]]:
    """Level and reason of each log line about the registry."""
    lines = [json.loads(line) for line in member.lines if "schema registry does not answer" in line]
    return [(line["level"], line["error"]) for line in lines]


def assert_waits_for_it(flow: Flow, member: Member) -> None:
    wait_until(lambda: registry_errors(member), "a log line about the registry")
    assert not any(flow.committed().values())
    assert not flow.dead_letters()
    assert 'sprig_to_segment_schema_lookups_total{outcome="unreachable"}' in httpx.get(f"{member.url}/metrics").text


def assert_ends_well(flow: Flow, member: Member) -> None:
    flow.wait_until_settled()
    assert member.terminate() == 0
    assert flow.ledger().even
    assert "the schema registry answers again" in member.output
    assert SECRET not in member.output
    assert BASIC not in member.output


def test_refused_credentials_delay_the_records_until_they_are_accepted(flow: Flow) -> None:
    with peer(lambda _: json_response({"error_code": 40101, "message": SECRET}, 401)) as server:
        flow.settings = settings(server)
        with flow.member() as member:
            assert_waits_for_it(flow, member)
            server.answer = lambda _: SCHEMA
            assert_ends_well(flow, member)
    assert registry_errors(member) == [
        ("error", "HTTP status 401, the registry refuses the credentials: look at SCHEMA_REGISTRY_CONFIG"),
    ]
    assert server.requests[-1].headers["authorization"] == f"Basic {BASIC}"


def test_an_expired_certificate_delays_the_records_until_it_is_renewed(flow: Flow, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1)).configure_cert(context)
    with peer(lambda _: SCHEMA, context) as server:
        flow.settings = settings(server, **{"ssl.ca.location": str(tmp_path / "ca.pem")})
        with flow.member() as member:
            assert_waits_for_it(flow, member)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            assert_ends_well(flow, member)
    ((level, why),) = registry_errors(member)
    assert level == "error"
    assert "certificate has expired" in why


def test_a_registry_that_never_answers_does_not_delay_the_end_of_the_service(flow: Flow) -> None:
    silence = fault_scripts.hang()(ReceivedBatch(1, "", [], {}))
    assert silence
    with peer(lambda _: silence) as server:
        flow.settings = settings(server, timeout="0.5")
        with flow.member() as member:
            assert_waits_for_it(flow, member)
            assert member.terminate() == 0
    level, why = registry_errors(member)[0]
    assert level == "warning"
    assert why.startswith("the request took longer than its timeout: look at SCHEMA_REGISTRY_URL")
    assert not any(flow.committed().values())


def test_a_reference_that_the_registry_denies_delays_the_records_until_it_is_registered(flow: Flow) -> None:
    """As in a mirror that has the subject of the topic, and not the subject that its schema refers to."""
    name = json.loads(RESPONSE)["namespace"] + "." + json.loads(RESPONSE)["name"]
    references = [{"name": name, "subject": "response", "version": 1}]
    registered = {"/schemas/ids/7": json_response({"schema": json.dumps(name), "references": references})}
    not_found = json_response({"error_code": 40401, "message": SECRET}, 404)

    def answer(request: PeerRequest) -> ScriptedResponse:
        return registered.get(request.path.partition("?")[0], not_found)

    with peer(answer) as server:
        flow.settings = settings(server)
        with flow.member() as member:
            wait_until(
                lambda: "schema incomplete in the registry, retrying" in member.output, "a line about the schema"
            )
            assert not any(flow.committed().values())
            assert not flow.dead_letters()
            registered["/subjects/response/versions/1"] = json_response(
                {"subject": "response", "version": 1, "id": 8, "schema": RESPONSE}
            )
            flow.wait_until_settled()
            assert member.terminate() == 0
    assert flow.ledger().even
    (line,) = [json.loads(line) for line in member.lines if "schema incomplete" in line]
    assert (line["level"], line["schema"]) == ("error", "7")
    assert (
        "schema id 7 refers to version 1 of the subject 'response', which the registry does not have" in line["error"]
    )
    assert SECRET not in member.output
