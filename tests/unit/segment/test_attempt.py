"""One attempt over real sockets: what Segment gets, and what each fault on the way becomes."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import Segment as StandIn
from consumer.model import Call, Message, WriteKey
from consumer.request import Accepted, Misconfigured, Outcome, Part, Refused, Request, Retry
from consumer.segment import body
from consumer.segment.client import Endpoint, Segment

SECRET = "s3cr3t-write-key"
KEY = WriteKey("production", SECRET)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn([SECRET]) as segment:
        yield segment


OPEN: list[Segment] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def client(url: str, timeout: float = 5.0, gzip: bool = False) -> Segment:
    OPEN.append(Segment(Endpoint(url, timeout, gzip, any_body=False, user_agent="sprig-to-segment/test")))
    return OPEN[-1]


def request(count: int = 1, attempts: int = 0) -> Request:
    calls = tuple(Call(Message(0, i, 0, None, b"", ()), KEY, event(i)) for i in range(count))
    return Request(KEY, (Part(0, KEY, calls, attempts),), 0.0)


def event(number: int) -> bytes:
    context = {"integration": {"name": "sprig", "version": "1.0.0"}}
    call = {"type": "track", "event": "e", "userId": "u", "messageId": f"m-{number}", "context": context}
    return json.dumps({**call, "timestamp": "2026-05-01T00:00:00Z", "properties": {}}).encode()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_batch_arrives_as_segment_wants_it(stand_in: StandIn, zipped: bool) -> None:
    seen: list[fault_scripts.Received] = []
    stand_in.script = lambda received: seen.append(received)  # noqa: PLW0108 - a script gives None
    assert client(stand_in.url, gzip=zipped).attempt(request(3)) == Accepted()
    assert [accepted.event["messageId"] for accepted in stand_in.accepted] == ["m-0", "m-1", "m-2"]
    assert not stand_in.breaches
    headers = seen[0].headers
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "sprig-to-segment/test"
    assert "x-retry-count" not in headers


def test_a_repeat_says_so(stand_in: StandIn) -> None:
    seen: list[str] = []
    stand_in.script = lambda received: seen.append(received.headers["x-retry-count"])
    client(stand_in.url).attempt(request(attempts=3))
    assert seen == ["3"]


def test_a_connection_is_kept_and_replaced_after_a_5xx(stand_in: StandIn) -> None:
    ours = client(stand_in.url)
    assert ours.attempt(request()) == Accepted()
    assert ours.attempt(request()) == Accepted()
    stand_in.script = fault_scripts.fail(times=1)
    assert ours.attempt(request()) == Retry("http_500")
    assert ours.attempt(request()) == Accepted()


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (fault_scripts.throttle(retry_after="7"), Retry("http_429", 7.0, throttled=True)),
        (fault_scripts.down(), Retry("http_503")),
        (fault_scripts.refuse(lambda _: True), Refused("http_400")),
        (fault_scripts.page(), Misconfigured("200_not_segment")),
        (
            fault_scripts.repeatedly(fault_scripts.Answer(302, headers={"Location": "http://127.0.0.1:1/"})),
            Misconfigured("http_302"),
        ),
        (
            fault_scripts.repeatedly(fault_scripts.Answer(body=b'{"success": true}' + b" " * 200_000)),
            Misconfigured("200_not_segment"),
        ),
    ],
)
def test_what_answers_become(stand_in: StandIn, script: fault_scripts.Script, outcome: Outcome) -> None:
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
def test_faults_end_within_the_deadline_and_are_tried_again(
    stand_in: StandIn, script: fault_scripts.Script, reasons: set[str]
) -> None:
    stand_in.script = script
    began = time.monotonic()
    outcome = client(stand_in.url, timeout=0.5).attempt(request())
    assert time.monotonic() - began < 10  # an answer that dribbles takes longer, one that hangs for ever
    assert isinstance(outcome, Retry)
    assert outcome.reason in reasons
    assert SECRET not in repr(outcome)


def test_a_peer_that_reads_nothing_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        big = Call(Message(0, 0, 0, None, b"", ()), KEY, b"x" * 30_000_000)
        outcome = client(f"http://127.0.0.1:{deaf.getsockname()[1]}/", timeout=0.5).attempt(
            Request(KEY, (Part(0, KEY, (big,)),), 0.0)
        )
    assert isinstance(outcome, Retry)
    assert outcome.reason == "write_timeout"


def test_nobody_there_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    outcome = client(f"http://127.0.0.1:{port}/").attempt(request())
    assert isinstance(outcome, Retry)
    assert outcome.reason == "connect_error"


def test_a_name_that_does_not_resolve_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)  # what a name server says depends on where a test runs
    outcome = client("http://no-such-host.invalid/").attempt(request())
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.detail) == ("connect_error", "[Errno -2] Name or service not known")


def test_threads_share_no_connection(stand_in: StandIn) -> None:
    ours = client(stand_in.url)
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(ours.attempt(request()))) for _ in range(4)]
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
