"""A registry that gives no answer, in whatever way: the look-up is over in time, and says nothing about the id."""

import time

import pytest

from consumer.avro.schema_lookup import Misconfigured, Unreachable
from consumer.avro.schema_registry import Registry
from consumer.demo import fault_scripts
from consumer.demo.fault_scripts import Answer, Received, Script
from tests.http_peer import Asked, peer, says

TIMEOUT = 0.4
IN_TIME = 10.0  # seconds, also on a busy machine; an answer that dribbles takes longer, one that hangs for ever
SCHEMA = {"schema": '{"type": "record", "name": "a.Inner", "fields": []}'}
PAGE = b"<html>Sign in</html>"


def wire(script: Script) -> Answer:
    """A schema, sent in the way of a script for Segment's stand-in."""
    answer = script(Received(1, "", [], {}))
    assert answer
    return Answer(200, says(SCHEMA).body, wire=answer.wire)


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (wire(fault_scripts.hang()), Unreachable, "it took longer than its timeout"),
        (wire(fault_scripts.dribble()), Unreachable, "it took longer than its timeout"),
        (wire(fault_scripts.reset()), Unreachable, "Connection reset by peer"),
        (wire(fault_scripts.cut_off()), Unreachable, "RemoteProtocolError"),
        (Answer(500, b'{"error_code": 50001}'), Unreachable, "HTTP status 500"),
        (Answer(502, PAGE), Unreachable, "HTTP status 502"),
        (Answer(503, b""), Unreachable, "HTTP status 503"),
        (Answer(429, b""), Unreachable, "HTTP status 429"),
        (
            Answer(403, b'{"error_code": 40301}'),
            Misconfigured,
            "refuses our credentials: look at SCHEMA_REGISTRY_CONFIG",
        ),
        (Answer(404, PAGE), Misconfigured, "without a registry's error code: look at SCHEMA_REGISTRY_URL"),
        (Answer(404, b'{"error_code": 404}'), Misconfigured, "look at SCHEMA_REGISTRY_URL"),
        (Answer(200, PAGE), Misconfigured, "an answer that is no registry's: look at SCHEMA_REGISTRY_URL"),
        (Answer(200, b"\xff"), Misconfigured, "an answer that is no registry's"),
        (Answer(200, b"[]"), Misconfigured, "an answer that is no registry's"),
        (Answer(200, b"null"), Misconfigured, "an answer that is no registry's"),
        (Answer(200, b""), Misconfigured, "an answer that is no registry's"),
        (says({}), Misconfigured, "an answer that is no registry's"),
        (says({"schema": 5}), Misconfigured, "an answer that is no registry's"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_answer_is_over_in_time_and_told_by_what_was_seen(
    answer: Answer, error: type[Unreachable], why: str
) -> None:
    with peer(lambda _: answer) as server:
        registry = Registry(server.url, {"timeout": TIMEOUT})
        began = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            registry.fetch(1)
        assert time.monotonic() - began < IN_TIME
        registry.close()
    assert type(caught.value) is error
    assert why in str(caught.value)


def test_an_answer_that_is_none_is_not_kept_for_one() -> None:
    with peer(lambda _: says({"status": "starting"})) as server:
        registry = Registry(server.url, {})
        with pytest.raises(Misconfigured):
            registry.fetch(1)
        server.answer = lambda _: says(SCHEMA)
        assert registry.fetch(1).root.name == "a.Inner"
        registry.close()


def test_a_redirect_is_said_and_not_followed() -> None:
    with peer(lambda _: says(SCHEMA)) as target:
        moved = Answer(302, headers={"Location": f"{target.url}/schemas/ids/1"})
        with peer(lambda _: moved) as server:
            registry = Registry(server.url, {"basic.auth.user.info": "jane:s3cret-pass"})
            with pytest.raises(Misconfigured, match="a redirect, which is not followed: look at SCHEMA_REGISTRY_URL"):
                registry.fetch(1)
            registry.close()
    assert not target.asked


@pytest.mark.parametrize("answer", [wire(fault_scripts.hang()), wire(fault_scripts.dribble()), Answer(503, b"")])
def test_the_next_of_several_addresses_is_asked_in_its_own_time(answer: Answer) -> None:
    with peer(lambda _: answer) as sick, peer(lambda _: says(SCHEMA)) as well:
        registry = Registry(f"{sick.url},{well.url}", {"timeout": TIMEOUT})
        assert registry.fetch(1).root.name == "a.Inner"
        registry.close()


def test_a_proxy_that_dribbles_is_left_in_time() -> None:
    with peer(lambda _: wire(fault_scripts.dribble())) as proxy:
        registry = Registry("http://registry.example", {"timeout": TIMEOUT, "proxy": proxy.url})
        began = time.monotonic()
        with pytest.raises(Unreachable, match="longer than its timeout"):
            registry.fetch(1)
        assert time.monotonic() - began < IN_TIME
        registry.close()
    assert [asked.path for asked in proxy.asked] == ["http://registry.example/schemas/ids/1"]


def test_a_token_issuer_that_dribbles_is_left_in_time() -> None:
    with peer(lambda _: wire(fault_scripts.dribble())) as issuer, peer(lambda _: says(SCHEMA)) as server:
        oauth = {
            "bearer.auth.credentials.source": "OAUTHBEARER",
            "bearer.auth.logical.cluster": "lsrc-1",
            "bearer.auth.client.id": "jane",
            "bearer.auth.client.secret": "s3cret-pass",
            "bearer.auth.scope": "schemas",
            "bearer.auth.issuer.endpoint.url": issuer.url,
        }
        registry = Registry(server.url, {"timeout": TIMEOUT, **oauth})
        began = time.monotonic()
        with pytest.raises(Misconfigured, match="no token"):
            registry.fetch(1)
        assert time.monotonic() - began < IN_TIME
        registry.close()
    assert not server.asked


def test_a_closed_registry_asks_for_no_further_reference() -> None:
    """Else a process could not end before it had them all, one slow answer after the other."""
    nested = {**SCHEMA, "references": [{"name": "b.B", "subject": "b", "version": 1}]}

    def answer(asked: Asked) -> Answer:
        registry.close()
        return says(nested)

    with peer(answer) as server:
        registry = Registry(server.url, {})
        with pytest.raises(Unreachable):
            registry.fetch(1)
    assert len(server.asked) == 1
