"""`check` asks a registry that lists no schemas, also if there is no record to look at."""

import json
from collections.abc import Mapping

import pytest

import consumer.settings
from consumer.cli.check_registry import check_registry
from consumer.cli.check_result import CheckResult
from consumer.demo.fault_scripts import ScriptedResponse
from tests.http_peer import json_response, peer

TOKEN = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": "t"}
CONFIG: Mapping[str, Mapping[str, str]] = {
    "confluent": {},
    "glue": {"region": "eu-west-1"},
    "azure": TOKEN,
    "apicurio": {"apicurio.registry.use-id": "globalId"},
}
NOT_FOUND = {
    "glue": json_response({"__type": "EntityNotFoundException"}, 400),
    "azure": json_response({"error": {"code": "ItemNotFound"}}, 404),
    "apicurio": json_response({"name": "ArtifactNotFoundException"}, 404),
}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")


def results(url: str, registry: str, **settings: str) -> list[CheckResult]:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY": "wk0123456789", "SCHEMA_REGISTRY_URL": url}
    environ |= {"SCHEMA_REGISTRY_TYPE": registry, "SCHEMA_REGISTRY_CONFIG": json.dumps(CONFIG[registry])}
    return list(check_registry(consumer.settings.load(environ=environ | settings)))


@pytest.mark.parametrize("registry", NOT_FOUND)
def test_a_registry_that_does_not_know_the_id_answers(registry: str) -> None:
    with peer(lambda _: NOT_FOUND[registry]) as server:
        assert results(server.url, registry) == [CheckResult("ok", "schema registry", f"{server.url} answers")]
    assert len(server.requests) == 1


@pytest.mark.parametrize("registry", NOT_FOUND)
@pytest.mark.parametrize("answer", [ScriptedResponse(404, b"<html>"), ScriptedResponse(403), ScriptedResponse(503)])
def test_a_registry_that_denies_or_is_none_is_a_problem(registry: str, answer: ScriptedResponse) -> None:
    with peer(lambda _: answer) as server:
        (result,) = results(server.url, registry)
    assert (result.state, result.subject) == ("problem", "schema registry")
    assert result.detail.startswith("no answer from the schema registry: ")


@pytest.mark.parametrize("registry", NOT_FOUND)
def test_a_registry_that_cannot_be_reached_is_a_problem(registry: str) -> None:
    assert [result.state for result in results("http://127.0.0.1:1", registry)] == ["problem"]


def test_a_registry_that_has_a_schema_for_the_id_answers() -> None:
    with peer(lambda request: json_response([] if request.path.endswith("/references") else {"type": "x"})) as server:
        assert [result.state for result in results(server.url, "apicurio")] == ["ok"]


def test_other_registries_and_framings_are_not_asked() -> None:
    assert results("http://127.0.0.1:1", "confluent") == []
    assert results("http://127.0.0.1:1", "apicurio", AVRO_FRAMING="single-object") == []
