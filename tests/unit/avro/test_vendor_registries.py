"""Look-ups in the registries of AWS Glue, Apicurio and Azure: what each answer means, and that no secret is shown."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from consumer.avro.apicurio_registry import ApicurioRegistry
from consumer.avro.azure_registry import SCOPE, AzureRegistry
from consumer.avro.glue_registry import GlueRegistry
from consumer.avro.registries import Registry
from consumer.avro.schema_keys import ApicurioId, AzureSchemaId, GlueVersion
from consumer.avro.schema_lookup import (
    IncompleteSchema,
    RegistryMisconfigured,
    RegistryUnreachable,
    SchemaNotFound,
    UnsupportedSchema,
)
from consumer.demo.fault_scripts import ScriptedResponse
from consumer.errors import UnsafeSchema
from consumer.http_client.proxies import Proxies
from tests.avro_values import record
from tests.http_peer import Peer, PeerRequest, json_response, peer

SECRET, SESSION = "aws-s3cret/7391", "aws-s3ssion-7391"
ENVIRON = {"AWS_ACCESS_KEY_ID": "ASIAKEY", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SESSION}
VERSION = GlueVersion(UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"))
AZURE = AzureSchemaId("c4bb4a7df0ba4f2ea1c6b4ab12dd1d4c")
INNER = record("a.Inner", x="int")
OUTER = record("a.Outer", inside="a.Inner")


INNER_PATH = "/groups/default/artifacts/inner/versions/1"


@pytest.fixture
def server() -> Iterator[Peer]:
    with peer(lambda _: json_response({}, 500)) as running:
        yield running


def glue(server: Peer, environ: Mapping[str, str] = ENVIRON, **options: str) -> GlueRegistry:
    return GlueRegistry(server.url, {"region": "eu-west-1", **options}, Proxies.none(), environ)


def apicurio(server: Peer, path: str = "") -> ApicurioRegistry:
    return ApicurioRegistry(server.url + path, {}, Proxies.none())


def azure(server: Peer, **options: str) -> AzureRegistry:
    static = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": SECRET}
    return AzureRegistry(server.url, options or static, Proxies.none())


def failure(registry: Registry, key: Any) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the tests compare its type
        registry.fetch(key)
    registry.close()
    assert SECRET not in f"{caught.value!r}"
    assert SESSION not in f"{caught.value!r}"
    return caught.value


def test_a_look_up_in_glue_is_signed_as_amazon_s_client_signs(server: Peer) -> None:
    server.answer = lambda _: json_response({"SchemaDefinition": json.dumps(INNER), "DataFormat": "AVRO"})
    assert glue(server).fetch(VERSION).root.name == "a.Inner"
    (request,) = server.requests
    assert json.loads(request.body) == {"SchemaVersionId": str(VERSION)}
    assert request.headers["x-amz-target"] == "AWSGlue.GetSchemaVersion"
    assert request.headers["x-amz-security-token"] == SESSION
    signed_names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: request.headers[name] for name in signed_names}
    expected = AWSRequest("POST", f"{server.url}/", data=request.body, headers=headers)
    expected.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(ReadOnlyCredentials("ASIAKEY", SECRET, SESSION), "glue", "eu-west-1")
    signature = signer.signature(signer.string_to_sign(expected, signer.canonical_request(expected)), expected)
    assert request.headers["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize("namespace", ["", "com.amazonaws.glue#"])
@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("EntityNotFoundException", SchemaNotFound, ""),
        ("AccessDeniedException", RegistryMisconfigured, "grant it glue:GetSchemaVersion"),
        ("UnrecognizedClientException", RegistryMisconfigured, "AWS does not know the access key"),
        ("InvalidSignatureException", RegistryMisconfigured, "look at the secret access key and at the region"),
        ("ExpiredTokenException", RegistryMisconfigured, "check the clock of this machine"),
        ("RequestExpired", RegistryMisconfigured, "check the clock of this machine"),
        ("InvalidInputException", RegistryMisconfigured, "HTTP status 400"),
        ("ThrottlingException", RegistryUnreachable, "Glue throttles the requests"),
    ],
)
def test_each_error_of_glue_is_named(server: Peer, namespace: str, name: str, kind: type, text: str) -> None:
    server.answer = lambda _: json_response({"__type": namespace + name, "Message": SECRET}, 400)
    error = failure(glue(server), VERSION)
    assert type(error) is kind
    assert text in str(error)


@pytest.mark.parametrize("member", ["message", "Message"])
@pytest.mark.parametrize("name", ["InvalidSignatureException", "SignatureDoesNotMatch"])
@pytest.mark.parametrize(
    "text",
    [
        f"Signature expired: 20261105T120000Z is now earlier than 20261105T121500Z ({SECRET} - 5 min.)",
        f"Signature not yet current: 20261105T120000Z is still later than 20261105T114000Z ({SECRET} + 5 min.)",
    ],
)
def test_a_signature_of_a_wrong_time_names_the_clock(server: Peer, name: str, member: str, text: str) -> None:
    server.answer = lambda _: json_response({"__type": name, member: text}, 400)
    error = failure(glue(server), VERSION)
    assert type(error) is RegistryMisconfigured
    assert str(error) == "AWS refuses the time of the signature: check the clock of this machine"


def test_an_outage_of_glue_is_one(server: Peer) -> None:
    assert type(failure(glue(server), VERSION)) is RegistryUnreachable


def test_no_credentials_for_glue_name_the_variable(server: Peer) -> None:
    error = failure(glue(server, {"AWS_ACCESS_KEY_ID": "ASIAKEY"}), VERSION)
    assert type(error) is RegistryMisconfigured
    assert "check AWS_SECRET_ACCESS_KEY" in str(error)


@pytest.mark.parametrize("status", ["PENDING", "OF_THE_FUTURE"])
def test_a_version_that_glue_has_not_checked_lets_its_records_wait(server: Peer, status: str) -> None:
    answer = {"Status": status, "SchemaDefinition": json.dumps(INNER), "DataFormat": "AVRO"}
    server.answer = lambda _: json_response(answer)
    error = failure(glue(server), VERSION)
    assert type(error) is IncompleteSchema
    assert f"{VERSION} has the status {status} in Glue, and its records wait" in str(error)


def test_records_of_a_version_that_glue_refused_are_rejected(server: Peer) -> None:
    server.answer = lambda _: json_response({"Status": "FAILURE"})
    error = failure(glue(server), VERSION)
    assert type(error) is UnsupportedSchema
    assert f"{VERSION} has the status FAILURE in Glue" in str(error)


def test_a_version_that_is_being_deleted_is_used_while_glue_has_it(server: Peer) -> None:
    answer = {"Status": "DELETING", "SchemaDefinition": json.dumps(INNER), "DataFormat": "AVRO"}
    server.answer = lambda _: json_response(answer)
    assert glue(server).fetch(VERSION).root.name == "a.Inner"
    server.answer = lambda _: json_response({"Status": "DELETING"})
    assert type(failure(glue(server), VERSION)) is SchemaNotFound


STS = """<R><Credentials><AccessKeyId>ASIAKEY</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>
<SessionToken>{}</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></R>"""


@pytest.fixture
def role(server: Peer, tmp_path: Path) -> Mapping[str, str]:
    """A role of a service account, whose credentials come from the path /sts of the server."""
    (tmp_path / "token").write_text("t")
    token_file, sts_url = str(tmp_path / "token"), f"{server.url}/sts"
    return {"AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": token_file, "AWS_ENDPOINT_URL_STS": sts_url}


def sts_then(answer: ScriptedResponse) -> Callable[[PeerRequest], ScriptedResponse]:
    credentials = ScriptedResponse(200, STS.format(SECRET, SESSION).encode())
    return lambda request: credentials if request.path == "/sts" else answer


def test_credentials_of_a_role_are_kept_until_glue_refuses_them(server: Peer, role: Mapping[str, str]) -> None:
    server.answer = sts_then(json_response({"SchemaDefinition": json.dumps(INNER), "DataFormat": "AVRO"}))
    registry = glue(server, role)
    for _ in range(3):
        registry.fetch(VERSION)
    assert [request.path for request in server.requests] == ["/sts", "/", "/", "/"]
    server.answer = sts_then(json_response({"__type": "ExpiredTokenException"}, 400))
    for _ in range(2):
        with pytest.raises(RegistryMisconfigured):
            registry.fetch(VERSION)
    assert [request.path for request in server.requests[4:]] == ["/", "/sts", "/"]
    registry.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ScriptedResponse(503), RegistryUnreachable),
        (ScriptedResponse(429), RegistryUnreachable),
        (ScriptedResponse(400, b"<Error><Code>Throttling</Code></Error>"), RegistryUnreachable),
        (ScriptedResponse(400, b"<Error><Code>IDPCommunicationError</Code></Error>"), RegistryUnreachable),
        (ScriptedResponse(403, b"<Error><Code>AccessDenied</Code></Error>"), RegistryMisconfigured),
    ],
)
def test_an_outage_of_sts_is_no_wrong_setting(
    server: Peer, role: Mapping[str, str], answer: ScriptedResponse, kind: type
) -> None:
    server.answer = lambda _: answer
    error = failure(glue(server, role), VERSION)
    assert type(error) is kind
    assert "check AWS_ENDPOINT_URL_STS" in str(error)


def test_no_connection_to_sts_is_an_outage(server: Peer, role: Mapping[str, str]) -> None:
    away = {**role, "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1/"}
    assert type(failure(glue(server, away), VERSION)) is RegistryUnreachable


def test_no_request_to_glue_follows_the_end_of_the_service(server: Peer, role: Mapping[str, str]) -> None:
    """The service ends while STS answers."""
    registry = glue(server, role)

    def answer(request: PeerRequest) -> ScriptedResponse:
        registry.close()
        return sts_then(json_response({}))(request)

    server.answer = answer
    for _ in range(2):
        with pytest.raises(RegistryUnreachable, match="the service ends"):
            registry.fetch(VERSION)
    assert [request.path for request in server.requests] == ["/sts"]


@pytest.mark.parametrize(("kind", "name"), [("JSON", "JSON Schema"), ("PROTOBUF", "Protobuf")])
def test_a_schema_in_glue_that_is_not_avro_is_unsupported(server: Peer, kind: str, name: str) -> None:
    server.answer = lambda _: json_response({"SchemaDefinition": "{}", "DataFormat": kind})
    error = failure(glue(server), VERSION)
    assert type(error) is UnsupportedSchema
    assert f"its type is {name}" in str(error)


def by_path(answers: Mapping[str, ScriptedResponse]) -> Callable[[PeerRequest], ScriptedResponse]:
    missing = json_response({"status": 404, "name": "ArtifactNotFoundException", "title": SECRET}, 404)
    return lambda request: answers.get(request.path.partition("?")[0], missing)


def refers(artifact: str = "inner", group: str | None = None) -> ScriptedResponse:
    return json_response([{"groupId": group, "artifactId": artifact, "version": "1", "name": "a.Inner"}])


@pytest.mark.parametrize(
    ("path", "api", "content"),
    [
        ("", "/apis/registry/v3", "/content"),
        ("/apis/registry/v3", "/apis/registry/v3", "/content"),
        ("/apis/registry/v2/", "/apis/registry/v2", ""),
    ],
)
@pytest.mark.parametrize(("kind", "ids"), [("globalId", "globalIds"), ("contentId", "contentIds")])
def test_a_schema_of_apicurio_is_loaded_with_its_references(
    server: Peer, path: str, api: str, content: str, kind: str, ids: str
) -> None:
    answers = {
        f"{api}/ids/{ids}/7": json_response(OUTER),
        f"{api}/ids/{ids}/7/references": refers(),
        f"{api}/groups/default/artifacts/inner/versions/1{content}": json_response(INNER),
        f"{api}/groups/default/artifacts/inner/versions/1/references": json_response([]),
    }
    server.answer = by_path(answers)
    schema = apicurio(server, path).fetch(ApicurioId(kind, 7))
    assert schema.root.fields["inside"].fields["x"].kind == "int"
    assert schema.label == f"schema {kind} 7"
    queries = {request.path.partition("?")[0]: request.path.partition("?")[2] for request in server.requests}
    ids_query, content_query = (queries[f"{api}{path}"] for path in (f"/ids/{ids}/7", f"{INNER_PATH}{content}"))
    assert ("references=PRESERVE" in ids_query) == ("references=PRESERVE" in content_query) == api.endswith("v3")


@pytest.mark.parametrize("count", [1_000, 33, 32])
def test_the_list_of_apicurio_s_references_is_bounded(server: Peer, count: int) -> None:
    """Of a list that is too long nothing is looked up."""
    references = [{"groupId": "g", "artifactId": "a", "version": "1", "name": f"a.R{i}"} for i in range(count)]
    ids = "/apis/registry/v3/ids/contentIds/7"
    server.answer = by_path({ids: json_response(OUTER), f"{ids}/references": json_response(references)})
    error = failure(apicurio(server), ApicurioId("contentId", 7))
    if count == 32:
        assert type(error) is IncompleteSchema
        return
    assert type(error) is UnsafeSchema
    assert "refers to more than 32 other schemas" in str(error)
    assert len(server.requests) == 2


def test_a_wrong_path_of_apicurio_s_api_says_nothing_about_an_id(server: Peer) -> None:
    """An API that the server does not have is JAX-RS's own NotFoundException."""
    missing = {"error_code": 404, "message": "RESTEASY003210: Could not find resource for full path"}
    for name in ("NotFoundException", "RuleNotFoundException", None):
        server.answer = lambda _, name=name: json_response({**missing, "name": name}, 404)  # type: ignore[misc]
        error = failure(apicurio(server), ApicurioId("globalId", 7))
        assert type(error) is RegistryMisconfigured
        assert "look at SCHEMA_REGISTRY_URL: is it version 2 or 3 of the API?" in str(error)


@pytest.mark.parametrize("name", ["Artifact", "Content", "Group", "Version"])
def test_what_apicurio_does_not_have_is_not_found(server: Peer, name: str) -> None:
    server.answer = lambda _: json_response({"error_code": 404, "name": f"{name}NotFoundException"}, 404)
    assert type(failure(apicurio(server), ApicurioId("globalId", 7))) is SchemaNotFound


def test_an_id_that_apicurio_does_not_know_is_not_found(server: Peer) -> None:
    server.answer = by_path({})
    assert type(failure(apicurio(server), ApicurioId("globalId", 7))) is SchemaNotFound


def test_a_path_that_is_not_apicurio_s_is_a_wrong_url(server: Peer) -> None:
    server.answer = lambda _: ScriptedResponse(404, b"<html>")
    error = failure(apicurio(server), ApicurioId("globalId", 7))
    assert type(error) is RegistryMisconfigured
    assert "look at SCHEMA_REGISTRY_URL" in str(error)


def test_a_reference_that_apicurio_does_not_have_is_named(server: Peer) -> None:
    ids = "/apis/registry/v3/ids/globalIds/7"
    server.answer = by_path({ids: json_response(OUTER), f"{ids}/references": refers("inner/one", "billing")})
    error = failure(apicurio(server), ApicurioId("globalId", 7))
    assert type(error) is IncompleteSchema
    assert "version 1 of the artifact 'inner/one' in the group 'billing'" in str(error)
    path = server.requests[-1].path.partition("?")[0]
    assert path.endswith("/groups/billing/artifacts/inner%2Fone/versions/1/content")


@pytest.mark.parametrize(
    "headers", [{"X-Registry-ArtifactType": "PROTOBUF"}, {"Content-Type": "application/x-protobuf"}]
)
def test_a_schema_of_apicurio_that_is_not_avro_is_unsupported(server: Peer, headers: Mapping[str, str]) -> None:
    ids = "/apis/registry/v3/ids/contentIds/7"
    protobuf = ScriptedResponse(200, b"message M {}", dict(headers))
    server.answer = by_path({ids: protobuf, f"{ids}/references": json_response([])})
    assert type(failure(apicurio(server), ApicurioId("contentId", 7))) is UnsupportedSchema


def test_a_look_up_in_azure_has_a_token_of_the_namespace_s_scope(server: Peer) -> None:
    def answer(request: PeerRequest) -> ScriptedResponse:
        if request.path == "/token":
            return json_response({"access_token": "t0ken"})
        return ScriptedResponse(
            200, json.dumps(INNER).encode(), {"Content-Type": "application/json;serialization=Avro"}
        )

    server.answer = answer
    options = {
        "bearer.auth.credentials.source": "OAUTHBEARER",
        "bearer.auth.issuer.endpoint.url": f"{server.url}/token",
        "bearer.auth.client.id": "jane",
        "bearer.auth.client.secret": SECRET,
    }
    assert azure(server, **options).fetch(AZURE).root.name == "a.Inner"
    token, look_up = server.requests
    form = parse_qs(token.body.decode())
    assert form["scope"] == [SCOPE]
    assert (form["client_id"], form["client_secret"]) == (["jane"], [SECRET])
    assert look_up.headers["authorization"] == "Bearer t0ken"
    assert look_up.path == f"/$schemaGroups/$schemas/{AZURE}?api-version=2022-10"


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (json_response({"error": {"code": "ItemNotFound", "message": SECRET}}, 404), SchemaNotFound, ""),
        (ScriptedResponse(404, b"<html>"), RegistryMisconfigured, "look at SCHEMA_REGISTRY_URL"),
        (json_response({}, 401), RegistryMisconfigured, "the role 'Schema Registry Reader'"),
        (json_response({}, 403), RegistryMisconfigured, "the role 'Schema Registry Reader'"),
        (json_response({}, 429), RegistryUnreachable, "HTTP status 429"),
        (json_response({}, 503), RegistryUnreachable, "HTTP status 503"),
        (ScriptedResponse(200, b"{}", {"Content-Type": "application/json; serialization=Json"}), UnsupportedSchema, ""),
        (ScriptedResponse(200, b"x", {"Content-Type": "text/plain; charset=utf-8"}), UnsupportedSchema, ""),
    ],
)
def test_each_answer_of_azure_is_named(server: Peer, answer: ScriptedResponse, kind: type, text: str) -> None:
    server.answer = lambda _: answer
    error = failure(azure(server), AZURE)
    assert type(error) is kind
    assert text in str(error)
