"""`contract push`: prints the exact call, sends the same with --yes and never otherwise, and explains each refusal."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from consumer.cli.main import main
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.segment.public_api import MEDIA_TYPE, TOKEN_VARIABLE
from tests.http_peer import Peer, PeerRequest, json_response, peer
from tests.tunnels import proxy, read_head

ROOT = Path(__file__).parents[3]
TOKEN = "sgp_SecretTokenOfThePublicApi"
CLEAN = {TOKEN_VARIABLE: "", "SEGMENT_REGION": "", "SCHEMAS_DIR": "", "HTTPS_PROXY": "", "NO_PROXY": ""}
CONFIRMED = json_response({"data": {"status": "SUCCESS"}})


def push(*options: str, folder: str = "flat", **environment: str) -> Result:
    words = ["contract", "push", "--tracking-plan", "tp_1", "--schemas-dir", str(ROOT / "examples" / folder), *options]
    result = CliRunner().invoke(main, words, env={**CLEAN, **environment})
    assert TOKEN not in result.output
    return result


def confirm(_: PeerRequest) -> ScriptedResponse:
    return CONFIRMED


def rules_of(request: PeerRequest) -> list[Any]:
    rules: list[Any] = json.loads(request.body)["rules"]
    return rules


def request_of(server: Peer) -> PeerRequest:
    (request,) = server.requests
    return request


def test_nothing_is_sent_by_default_and_the_token_is_a_reference() -> None:
    with peer(confirm) as server:
        result = push("--api-url", server.url, **{TOKEN_VARIABLE: TOKEN})
        assert (result.exit_code, server.requests) == (0, [])
    assert f'"Authorization: Bearer ${TOKEN_VARIABLE}"' in result.stdout
    assert result.stderr.startswith("Nothing was sent.")


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("folder", ["flat", "nested", "several"])
def test_a_shell_sends_with_the_printed_call_what_yes_sends(folder: str) -> None:
    with peer(confirm) as server:
        result = push("--api-url", server.url, "--yes", folder=folder, **{TOKEN_VARIABLE: TOKEN})
        assert result.exit_code == 0, result.output
        call = push("--api-url", server.url, folder=folder).stdout
        environment = {"PATH": os.environ["PATH"], TOKEN_VARIABLE: TOKEN}
        subprocess.run(["sh", "-c", call], env=environment, check=True, capture_output=True, timeout=60)
    sent, by_shell = server.requests
    names = ("authorization", "content-type", "accept")
    assert [sent.headers[name] for name in names] == [f"Bearer {TOKEN}", MEDIA_TYPE, MEDIA_TYPE]
    assert [by_shell.headers[name] for name in names] == [sent.headers[name] for name in names]
    assert (sent.method, sent.path) == (by_shell.method, by_shell.path) == ("PATCH", "/tracking-plans/tp_1/rules")
    assert rules_of(sent) == rules_of(by_shell)


def test_the_rules_are_those_of_the_events_and_only_by_request_the_common_one() -> None:
    with peer(confirm) as server:
        push("--api-url", server.url, "--yes", **{TOKEN_VARIABLE: TOKEN})
        push("--api-url", server.url, "--yes", "--with-common", **{TOKEN_VARIABLE: TOKEN})
    exported = json.loads(
        CliRunner().invoke(main, ["contract", "export", "--schemas-dir", str(ROOT / "examples" / "flat")]).stdout
    )
    of_events, of_all = map(rules_of, server.requests)
    assert of_all == exported["rules"]
    assert of_events == [rule for rule in of_all if rule["type"] == "TRACK"]
    assert [rule["key"] for rule in of_events] == ["Survey Answered"]


def test_success_says_what_segment_has_now() -> None:
    with peer(confirm) as server:
        result = push("--api-url", server.url, "--yes", **{TOKEN_VARIABLE: TOKEN})
    assert result.stdout == "Segment has 1 rule of these contracts in the tracking plan tp_1\n"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (json_response({}, 401), "status 401: the token is wrong or expired"),
        (json_response({}, 403), "status 403: the token may not change this tracking plan"),
        (json_response({}, 404), "status 404: the workspace of the token has no such tracking plan"),
        (
            json_response({"errors": [{"type": "invalid", "message": "no\x1b[2J rule"}]}, 422),
            "status 422: Segment refuses the rules: no\\x1b[2J rule",
        ),
        (json_response({"errors": "?"}, 429), "status 429: too many requests"),
        (ScriptedResponse(503, b"<html>"), "status 503: Segment has a problem: try again later"),
        (ScriptedResponse(200, b"<html>"), "status 200 without Segment's answer"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, ScriptedResponse) else "",
)
def test_a_refusal_is_explained(response: ScriptedResponse, expected: str) -> None:
    with peer(lambda _: response) as server:
        result = push("--api-url", server.url, "--yes", **{TOKEN_VARIABLE: TOKEN})
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"Segment did not confirm the rules: {expected}" in " ".join(result.stderr.split())


def test_an_api_that_does_not_answer_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = push("--api-url", url, "--yes", **{TOKEN_VARIABLE: TOKEN})
    assert result.exit_code == 1
    assert f"no answer of {url}/tracking-plans/tp_1/rules: " in " ".join(result.stderr.split())


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "\u00fc"])
def test_a_token_is_required_for_sending(token: str) -> None:
    with peer(confirm) as server:
        result = push("--api-url", server.url, "--yes", **{TOKEN_VARIABLE: token})
        assert (result.exit_code, server.requests) == (2, [])
    assert result.stderr.startswith(f"{TOKEN_VARIABLE} must be a token of Segment's Public API")


@pytest.mark.parametrize(("region", "host"), [("", "api"), ("us", "api"), ("eu", "eu1.api")])
def test_the_region_chooses_the_api(region: str, host: str) -> None:
    assert f"'https://{host}.segmentapis.com/tracking-plans/tp_1/rules'" in push(SEGMENT_REGION=region).stdout


def test_the_request_takes_the_proxy_of_all_requests() -> None:
    heads = []

    def refuse(connection: socket.socket) -> None:
        heads.append(read_head(connection))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with proxy(refuse) as port:
        result = push("--yes", HTTPS_PROXY=f"http://127.0.0.1:{port}", **{TOKEN_VARIABLE: TOKEN})
    assert result.exit_code == 1
    assert {head.partition(b" HTTP")[0] for head in heads} == {b"CONNECT api.segmentapis.com:443"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--tracking-plan", "tp/../x"), "must be the id of a tracking plan, such as tp_123"),
        (("--api-url", "http://api.segmentapis.com"), "must be an https URL"),
        (("--api-url", "https://a'$(id)"), "must be an https URL"),
        (("--api-url", "https://["), "must be an https URL"),
        (("--api-url", "https://host:99999"), "must be an https URL"),
        (("--api-url", "https://:443"), "must be an https URL"),
        (("--api-url", "ftp://localhost"), "must be an https URL"),
    ],
)
def test_what_would_leak_the_token_or_break_the_call_is_refused(options: tuple[str, ...], expected: str) -> None:
    result = push(*options)
    assert result.exit_code == 2
    assert expected in " ".join(result.stderr.split())
