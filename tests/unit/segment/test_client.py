"""One attempt over real sockets: what Segment gets, and what each failure on the way becomes."""

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from consumer.http_client.proxies import Proxies
from consumer.model import (
    Accepted,
    BatchRequest,
    Chunk,
    Misconfigured,
    Outcome,
    Record,
    Refused,
    Retry,
    TrackEvent,
    WriteKey,
)
from consumer.segment import body
from consumer.segment.client import Endpoint, SegmentClient

SECRET = "s3cr3t-write-key"
KEY = WriteKey("production", SECRET)


@pytest.fixture
def stand_in() -> Iterator[SegmentStandIn]:
    with SegmentStandIn([SECRET]) as segment:
        yield segment


OPEN: list[SegmentClient] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def client(url: str, timeout: float = 5.0, gzip: bool = False) -> SegmentClient:
    OPEN.append(
        SegmentClient(Endpoint(url, timeout, gzip, any_body=False, user_agent="sprig-to-segment/test"), Proxies.none())
    )
    return OPEN[-1]


def request(count: int = 1, attempts: int = 0) -> BatchRequest:
    events = tuple(TrackEvent(Record(0, offset, 0, None, b"", ()), KEY, event(offset)) for offset in range(count))
    return BatchRequest(KEY, (Chunk.of(0, KEY, events),), 0.0, attempts)


def event(number: int) -> bytes:
    context = {"integration": {"name": "sprig", "version": "1.0.0"}}
    properties = {"type": "track", "event": "e", "userId": "u", "messageId": f"m-{number}", "context": context}
    return json.dumps({**properties, "timestamp": "2026-05-01T00:00:00Z", "properties": {}}).encode()


@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_batch_arrives_in_the_form_that_segment_documents(stand_in: SegmentStandIn, is_gzip: bool) -> None:
    batches: list[fault_scripts.ReceivedBatch] = []
    stand_in.script = lambda received: batches.append(received)  # noqa: PLW0108 - a script gives None
    assert client(stand_in.url, gzip=is_gzip).attempt(request(3)) == Accepted()
    assert [accepted.event["messageId"] for accepted in stand_in.accepted] == ["m-0", "m-1", "m-2"]
    assert not stand_in.breaches
    headers = batches[0].headers
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "sprig-to-segment/test"
    assert "x-retry-count" not in headers


def test_a_repeat_names_its_attempts(stand_in: SegmentStandIn) -> None:
    counts: list[str] = []
    stand_in.script = lambda received: counts.append(received.headers["x-retry-count"])
    client(stand_in.url).attempt(request(attempts=3))
    assert counts == ["3"]


def test_a_connection_is_kept_and_replaced_after_a_5xx(stand_in: SegmentStandIn) -> None:
    segment = client(stand_in.url)
    assert segment.attempt(request()) == Accepted()
    assert segment.attempt(request()) == Accepted()
    stand_in.script = fault_scripts.fail(times=1)
    assert segment.attempt(request()) == Retry("http_500")
    assert segment.attempt(request()) == Accepted()


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (fault_scripts.throttle(retry_after="7"), Retry("http_429", 7.0, throttled=True)),
        (fault_scripts.down(), Retry("http_503")),
        (fault_scripts.refuse(lambda _: True), Refused("http_400")),
        (fault_scripts.page(), Misconfigured("200_not_segment")),
        (
            fault_scripts.repeatedly(fault_scripts.ScriptedResponse(302, headers={"Location": "http://127.0.0.1:1/"})),
            Misconfigured("http_302"),
        ),
        (
            fault_scripts.repeatedly(fault_scripts.ScriptedResponse(body=b'{"success": true}' + b" " * 200_000)),
            Misconfigured("200_not_segment"),
        ),
    ],
)
def test_what_responses_become(stand_in: SegmentStandIn, script: fault_scripts.Script, outcome: Outcome) -> None:
    stand_in.script = script
    assert client(stand_in.url).attempt(request()) == outcome


@pytest.mark.parametrize(
    ("script", "reasons"),
    [
        (fault_scripts.reset(), {"read_error"}),
        (fault_scripts.cut_off(), {"remote_protocol_error", "read_error"}),
        (fault_scripts.hang(), {"read_timeout"}),
        (fault_scripts.dribble(), {"read_timeout"}),
    ],
    ids=["reset", "cut off", "hang", "dribble"],
)
def test_failures_end_within_the_deadline_and_are_retried(
    stand_in: SegmentStandIn, script: fault_scripts.Script, reasons: set[str]
) -> None:
    stand_in.script = script
    began = time.monotonic()
    outcome = client(stand_in.url, timeout=0.5).attempt(request())
    assert (
        time.monotonic() - began < 10
    )  # without a deadline a slow response takes longer, and one that hangs takes for ever
    assert isinstance(outcome, Retry)
    assert outcome.reason in reasons
    assert SECRET not in repr(outcome)


def test_a_peer_that_reads_nothing_is_given_up_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf_peer:
        large = TrackEvent(Record(0, 0, 0, None, b"", ()), KEY, b"x" * 30_000_000)
        outcome = client(f"http://127.0.0.1:{deaf_peer.getsockname()[1]}/", timeout=0.5).attempt(
            BatchRequest(KEY, (Chunk.of(0, KEY, (large,)),), 0.0)
        )
    assert isinstance(outcome, Retry)
    assert outcome.reason == "write_timeout"


def test_a_port_without_a_listener_is_retried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_later:
        port = closed_later.getsockname()[1]
    outcome = client(f"http://127.0.0.1:{port}/").attempt(request())
    assert isinstance(outcome, Retry)
    assert outcome.reason == "connect_error"


def test_a_name_that_does_not_resolve_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)  # what a name server says depends on where a test runs
    outcome = client("http://no-such-host.invalid/").attempt(request())
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.detail) == ("connect_error", "[Errno -2] Name or service not known")


def test_threads_share_no_connection(stand_in: SegmentStandIn) -> None:
    segment = client(stand_in.url)
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(segment.attempt(request()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert outcomes == [Accepted()] * 4


def test_the_body_is_json_whatever_the_key_holds() -> None:
    odd = WriteKey("", 'a"b\\c')
    encoded = body.encode([b'{"a":1}', b'{"b":2}'], odd, datetime(2026, 5, 1, tzinfo=UTC))
    assert json.loads(encoded) == {
        "batch": [{"a": 1}, {"b": 2}],
        "sentAt": "2026-05-01T00:00:00Z",
        "writeKey": 'a"b\\c',
    }
    assert json.loads(gzip.decompress(body.compress(encoded))) == json.loads(encoded)
    longest = body.encode([b"{}", b"{}"], odd, datetime(2026, 5, 1, microsecond=1, tzinfo=UTC))
    assert len(longest) == body.overhead(odd) + 5


def test_a_write_key_shows_its_secret_nowhere() -> None:
    assert SECRET not in repr(KEY) + str(KEY) + repr(request())


def test_an_unforeseen_exception_is_a_failed_attempt_that_shows_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise ValueError("the body, or the key")

    monkeypatch.setattr("consumer.segment.client.encode", fail)
    outcome = client("http://127.0.0.1:1").attempt(request())
    assert isinstance(outcome, Retry)
    assert outcome.reason == "internal_error"
    assert re.fullmatch(r"ValueError at consumer/segment/client\.py:\d+", outcome.detail)
