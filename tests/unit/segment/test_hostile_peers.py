"""Peers that are not Segment, or hostile: certificates that prove nothing, and responses that would fill the memory."""

import gzip
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from consumer.demo.fault_scripts import ScriptedResponse
from consumer.http_client.proxies import Proxies
from consumer.model import Accepted, BatchRequest, Chunk, Misconfigured, Outcome, Record, Retry, TrackEvent, WriteKey
from consumer.segment.client import Endpoint, SegmentClient
from tests.http_peer import Peer, json_response, peer

KEY = WriteKey("production", "s3cr3t-write-key")
SUCCESS = json_response({"success": True})


def attempt(url: str) -> Outcome:
    event = TrackEvent(Record(0, 0, 0, None, b"", ()), KEY, b"{}")
    segment = SegmentClient(Endpoint(url, 5.0, False, False, "sprig-to-segment/test"), Proxies.none())
    try:
        return segment.attempt(BatchRequest(KEY, (Chunk.of(0, KEY, (event,)),), 0.0))
    finally:
        segment.close()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """The one authority that is trusted."""
    trusted = trustme.CA()
    trusted.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return trusted


def serving(cert: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


def test_a_certificate_of_a_trusted_authority_is_enough(authority: trustme.CA) -> None:
    with peer(lambda _: SUCCESS, serving(authority.issue_cert("127.0.0.1"))) as server:
        assert attempt(server.url) == Accepted()


@pytest.mark.parametrize(
    ("issue", "error"),
    [
        (lambda _: trustme.CA().issue_cert("127.0.0.1"), "unable to get local issuer certificate"),
        (lambda ca: ca.issue_cert("segment.example"), "IP address mismatch"),
        (lambda ca: ca.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1)), "has expired"),
    ],
    ids=["wrong authority", "wrong name", "expired"],
)
def test_a_certificate_that_proves_nothing_gets_no_key(
    authority: trustme.CA, issue: Callable[[trustme.CA], trustme.LeafCert], error: str
) -> None:
    with peer(lambda _: SUCCESS, serving(issue(authority))) as server:
        outcome = attempt(server.url)
    assert isinstance(outcome, Retry)
    assert outcome.reason == "connect_error"
    assert error in outcome.detail
    assert not server.requests


def spaces(client: socket.socket, answer: bytes, _stopped: threading.Event) -> bool:
    """100 MB of spaces, until the client stops reading."""
    client.sendall(answer)
    with suppress(OSError):
        for _ in range(1000):
            client.sendall(b" " * 100_000)
    return False


def peak(server: Peer) -> tuple[Outcome, int]:
    """The outcome, and the most memory that the attempt took, in bytes."""
    tracemalloc.start()
    try:
        outcome = attempt(server.url)
        return outcome, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "response",
    [
        ScriptedResponse(headers={"Content-Length": "100000000"}, wire=spaces),
        ScriptedResponse(body=gzip.compress(b" " * 100_000_000), headers={"Content-Encoding": "gzip"}),
        ScriptedResponse(body=b"x", headers={"Content-Length": "100000000000"}),
        ScriptedResponse(headers={"X-Padding": "x" * 60_000}, body=b"{}"),
    ],
    ids=["100 MB", "a bomb", "a wrong length", "a long header"],
)
def test_a_response_of_any_size_takes_little_memory_and_is_no_acceptance(response: ScriptedResponse) -> None:
    with peer(lambda _: response) as server:
        outcome, peak_bytes = peak(server)
    assert isinstance(outcome, Misconfigured | Retry)
    assert peak_bytes < 2_000_000


def test_a_redirect_is_not_followed_and_its_target_gets_nothing() -> None:
    with peer(lambda _: SUCCESS) as elsewhere:
        redirect = ScriptedResponse(307, headers={"Location": elsewhere.url})
        with peer(lambda _: redirect) as server:
            assert attempt(server.url) == Misconfigured("http_307")
        assert not elsewhere.requests
