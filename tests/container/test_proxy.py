"""A real proxy (tinyproxy) as the only way to a Segment with TLS, whose name has a meaning behind the proxy only."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from tests.cli_runner import CommandRunner
from tests.ports import free_port
from tests.support import KEYS, Flow, is_refused, wait_until
from tests.tunnels import Tunnels, proxy

HOST = "segment.example"
PASSWORD = "hush7391"
TOOL = Path(__file__).parents[1] / "infra" / "debian_tool"


@pytest.fixture(scope="session")
def tinyproxy() -> str:
    return subprocess.check_output([TOOL, "tinyproxy", "tinyproxy-bin"], text=True).strip()


@pytest.fixture
def flow(kafka: Any, topic: str, tinyproxy: str, tmp_path: Path) -> Iterator[Flow]:
    """Its Segment is `https://segment.example`, which only the proxy can reach."""
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with ExitStack() as closing:
        segment = SegmentStandIn(KEYS.values())
        segment._server.socket = tls.wrap_socket(
            segment._server.socket, server_side=True, do_handshake_on_connect=False
        )
        segment.script = fault_scripts.refuse(is_refused)
        closing.enter_context(segment)
        tunnels = Tunnels(segment._server.port)
        port = closing.enter_context(running(tinyproxy, closing.enter_context(proxy(tunnels.serve)), tmp_path))
        settings = {
            "SEGMENT_ENDPOINT": f"https://{HOST}/v1/batch",
            "HTTPS_PROXY": f"http://sprig:{PASSWORD}@127.0.0.1:{port}",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        }
        yield Flow(kafka.bootstrap, topic, segment, settings=settings)
        assert not any(key.encode() in tunnels.bytes_sent for key in KEYS.values())


class running:  # noqa: N801 - a block
    """The port of a tinyproxy inside a block. It asks the proxy at `next_port` for tunnels to HOST."""

    def __init__(self, command: str, next_port: int, folder: Path) -> None:
        self._port = free_port()
        config = folder / "tinyproxy.conf"
        config.write_text(
            f"""
            Listen 127.0.0.1
            Port {self._port}
            Timeout 60
            BasicAuth sprig {PASSWORD}
            ConnectPort 443
            Upstream http 127.0.0.1:{next_port} "{HOST}"
            """
        )
        self._process = subprocess.Popen([command, "-d", "-c", config], stdout=subprocess.DEVNULL)

    def __enter__(self) -> int:
        wait_until(self._listens, "the proxy to listen")
        return self._port

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._port)) == 0


def test_all_events_arrive_through_the_proxy(flow: Flow) -> None:
    flow.produce(500)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert ledger.even, ledger
    assert flow.segment.accepted
    assert PASSWORD not in member.output


def test_a_refusal_is_retried_and_named_until_the_setting_is_right(flow: Flow) -> None:
    flow.produce(20)
    wrong = flow.settings["HTTPS_PROXY"].replace(PASSWORD, "wrong-password")
    with flow.member(HTTPS_PROXY=wrong) as member:
        wait_until(lambda: member.output.count('"proxy_refused"') > 1, "a retry")
        # For missing credentials tinyproxy answers 407, for wrong ones 401.
        assert "the proxy of HTTPS_PROXY refuses the tunnel with status 401" in member.output
        assert not flow.segment.requests
        assert "wrong-password" not in member.output
    with flow.member():
        flow.wait_until_settled()
    ledger = flow.ledger()
    assert not ledger.lost
    assert not ledger.unexpected
    assert not ledger.out_of_order
    assert not flow.segment.duplicates  # both members reject the bad records behind the first event that waits


def test_without_the_proxy_nothing_arrives(flow: Flow) -> None:
    flow.produce(20)
    with flow.member(TRUST_PROXY_ENV="false", SEGMENT_TIMEOUT_SECONDS="2") as member:
        wait_until(lambda: '"reason": "connect_' in member.output, "a failed request")
    assert not flow.segment.requests


def test_check_shows_the_way_and_takes_it(flow: Flow) -> None:
    report = CommandRunner(flow).json("check", "--json", "--send-test", "--no-sample")
    ways = [look["found"] for look in report["looks"] if look["what"] == "proxy"]
    assert len(ways) == 1
    assert ways[0].startswith(f"Segment: https://{HOST}/v1/batch is reached through the proxy 127.0.0.1:")
    assert flow.segment.accepted
    assert PASSWORD not in json.dumps(report)
