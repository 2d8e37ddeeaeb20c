"""The shipped examples of signing in, run in the image and on this machine, with a broker and a provider of tokens."""

import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from tests.container.conftest import ROOT, image_of
from tests.container.sign_in_broker import CLIENT_SECRET, PASSWORD, SignInBroker, TokenProvider, running_broker
from tests.http_peer import Peer, json_response
from tests.support import COMMAND, KEYS, Flow, is_refused, wait_until

BROKER_AUTHORITY, PROVIDER_AUTHORITY = trustme.CA(), trustme.CA()
FILES = "/etc/kafka-tls"  # where the example of mutual TLS has them
DEBIAN_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
TOKEN_URL = "sasl.oauthbearer.token.endpoint.url"
LISTENERS = {"scram": "SCRAM", "mtls": "MTLS", "oauthbearer": "TOKEN"}
SECRETS = (PASSWORD, CLIENT_SECRET, *KEYS.values())


@dataclass(frozen=True)
class Site:
    """The peers of the examples, and the image. `bundle` has the authorities of a platform which trusts all of them."""

    broker: SignInBroker
    provider: TokenProvider
    server: Peer
    bundle: Path
    image: str

    def shipped(self, name: str) -> dict[str, Any]:
        """The example, with nothing replaced but secrets and the name of the provider's host."""
        options = example(name)
        secrets = {"sasl.password": PASSWORD, "sasl.oauthbearer.client.secret": CLIENT_SECRET}
        for option, secret in secrets.items():
            if option in options:
                assert options[option] == "..."
                options[option] = secret
        if TOKEN_URL in options:
            options[TOKEN_URL] = options[TOKEN_URL].replace("https://idp.example", self.server.url)
        return options

    def environment(self, flow: Flow, name: str, options: Mapping[str, Any]) -> dict[str, str]:
        address = self.broker.addresses[LISTENERS[name]]
        config = {"KAFKA_BOOTSTRAP_SERVERS": address, "KAFKA_CONFIG": json.dumps(options), "LOG_LEVEL": "debug"}
        return {**flow.environment(), **config}

    def in_image(self, environ: Mapping[str, str], *options: str, bundle: Path | None = None) -> list[str]:
        """
        The command line of a container like a pod's, whose platform has the authorities of `bundle`.

        SSL_CERT_FILE is unset, as in Debian's own image of Python.
        """
        command = ["docker", "run", "--rm", "--network=host", "--read-only", *options]
        command.append(f"--volume={bundle or self.bundle}:{DEBIAN_BUNDLE}:ro")
        command.append(f"--volume={self.broker.files}:{FILES}:ro")
        command += [f"--env={name}={value}" for name, value in {**environ, "SSL_CERT_FILE": ""}.items()]
        return [*command, self.image]


@pytest.fixture(scope="module")
def site(product_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, bundle = tmp_path_factory.mktemp("kafka-tls"), tmp_path_factory.mktemp("bundle") / "bundle.pem"
    bundle.write_bytes(BROKER_AUTHORITY.cert_pem.bytes() + PROVIDER_AUTHORITY.cert_pem.bytes())
    (folder / "provider.crt").write_bytes(PROVIDER_AUTHORITY.cert_pem.bytes())
    provider = TokenProvider(PROVIDER_AUTHORITY)
    broker_running = running_broker(image_of("KAFKA_IMAGE"), BROKER_AUTHORITY, provider.jwks, folder)
    with provider.running() as server, broker_running as broker:
        yield Site(broker, provider, server, bundle, product_image)


@pytest.fixture(scope="module")
def kafka(site: Site) -> SignInBroker:
    return site.broker


@pytest.fixture
def flow(kafka: SignInBroker, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(kafka.bootstrap, topic, segment)


def example(name: str) -> dict[str, Any]:
    """KAFKA_CONFIG of a shipped value set: of its settings, or of the comment that says what the secret has."""
    text = (ROOT / "helm" / "ci" / f"{name}-values.yaml").read_text()
    settings = yaml.safe_load(text)["settings"]
    if "KAFKA_CONFIG" in settings:
        return dict(settings["KAFKA_CONFIG"])
    comment = re.search(r"#   KAFKA_CONFIG: (\{.*?\})", text, re.DOTALL)
    assert comment
    return dict(json.loads(comment[1].replace("\n#", "")))


def check_lines(command: list[str], environ: Mapping[str, str] = os.environ) -> dict[str, tuple[str, str]]:
    result = subprocess.run(
        [*command, "check", "--json", "--no-sample"], env=dict(environ), capture_output=True, text=True, check=False
    )
    assert not any(secret in result.stdout + result.stderr for secret in SECRETS)
    assert result.stdout, result.stderr
    return {line["what"]: (line["state"], line["found"]) for line in json.loads(result.stdout)["looks"]}


@contextmanager
def member(command: list[str], name: str) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen([*command, "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield running
    finally:
        subprocess.run(["docker", "stop", "--time", "30", name], check=False, capture_output=True)


@pytest.mark.parametrize("name", LISTENERS)
def test_a_shipped_example_delivers_in_the_image(site: Site, flow: Flow, name: str) -> None:
    flow.produce(100)
    container = f"sprig-to-segment-test-{uuid.uuid4().hex[:8]}"
    command = site.in_image(site.environment(flow, name, site.shipped(name)), f"--name={container}")
    with member(command, container) as running:
        flow.wait_until_settled()
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output
    assert not any(secret in output for secret in SECRETS)
    assert flow.ledger().even


@pytest.mark.parametrize("name", LISTENERS)
def test_a_shipped_example_passes_the_check_on_this_machine(site: Site, flow: Flow, name: str) -> None:
    options = {key: str(value).replace(FILES, str(site.broker.files)) for key, value in site.shipped(name).items()}
    options["ssl.ca.location"] = str(site.broker.files / "ca.crt")
    environ = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(site.bundle)}
    lines = check_lines([COMMAND], {**environ, **site.environment(flow, name, options)})
    assert lines["Kafka"] == ("ok", "1 broker")
    assert lines[f"topic {flow.topic}"][0] == "ok"


PROVIDER_PEM = PROVIDER_AUTHORITY.cert_pem.bytes().decode()


@pytest.mark.parametrize(
    ("options", "platform"),
    [
        pytest.param({}, PROVIDER_AUTHORITY, id="the platform trusts the provider"),
        pytest.param({"https.ca.location": f"{FILES}/provider.crt"}, BROKER_AUTHORITY, id="a file for the provider"),
        pytest.param({"https.ca.pem": PROVIDER_PEM}, BROKER_AUTHORITY, id="a text for the provider"),
    ],
)
def test_private_authorities_in_the_image(
    site: Site, flow: Flow, options: Mapping[str, str], platform: trustme.CA, tmp_path: Path
) -> None:
    """The brokers have a private authority, and the provider another one."""
    platform.cert_pem.write_to_path(str(tmp_path / "platform.pem"))
    private = {**site.shipped("oauthbearer"), "ssl.ca.location": f"{FILES}/ca.crt", **options}
    environ = site.environment(flow, "oauthbearer", private)
    assert check_lines(site.in_image(environ, bundle=tmp_path / "platform.pem"))["Kafka"] == ("ok", "1 broker")


def test_one_private_authority_of_brokers_and_provider_is_named_once(site: Site, flow: Flow) -> None:
    """The platform trusts neither: the authority of the brokers counts for both."""
    own = TokenProvider(BROKER_AUTHORITY)
    with own.running() as server:
        server.answer = site.provider.answer
        options = {**site.shipped("oauthbearer"), "ssl.ca.location": f"{FILES}/ca.crt"}
        options[TOKEN_URL] = f"{server.url}/token"
        environ = site.environment(flow, "oauthbearer", options)
        lines = check_lines(site.in_image(environ, bundle=site.broker.files / "provider.crt"))
    assert lines["Kafka"] == ("ok", "1 broker")


WRONG = [
    ("scram", {"sasl.password": "wrong"}, "the broker refuses the credentials: check sasl.* in KAFKA_CONFIG"),
    ("mtls", {"ssl.certificate.location": "", "ssl.key.location": ""}, "the broker requires a client certificate"),
    (
        "oauthbearer",
        {"sasl.oauthbearer.client.secret": "wrong"},
        "refuses the client: check sasl.oauthbearer.client.id",
    ),
    ("oauthbearer", {TOKEN_URL: "https://127.0.0.1:1"}, "the token endpoint cannot be reached"),
    # An authority of the user goes before that of the platform.
    ("oauthbearer", {"https.ca.location": f"{FILES}/ca.crt"}, "of an authority that the client does not trust"),
]


@pytest.mark.parametrize(("name", "changes", "text"), WRONG)
def test_check_in_the_image_says_what_is_wrong(
    site: Site, flow: Flow, name: str, changes: Mapping[str, str], text: str
) -> None:
    options = {key: value for key, value in {**site.shipped(name), **changes}.items() if value}
    state, found = check_lines(site.in_image(site.environment(flow, name, options)))["Kafka"]
    assert state == "problem"
    assert text in found
    assert name == "scram" or "the broker refuses the credentials" not in found


def test_a_token_of_another_issuer_is_refused_by_the_broker(site: Site, flow: Flow) -> None:
    with TokenProvider(PROVIDER_AUTHORITY).running() as other:
        options = {**site.shipped("oauthbearer"), TOKEN_URL: f"{other.url}/token"}
        state, found = check_lines(site.in_image(site.environment(flow, "oauthbearer", options)))["Kafka"]
    assert state == "problem"
    assert "the broker refuses the credentials" in found


def test_a_member_without_a_token_says_why_and_begins_when_the_provider_answers(site: Site, flow: Flow) -> None:
    flow.produce(20)
    refusal = json_response({"error": "invalid_client", "error_description": CLIENT_SECRET}, 401)
    site.server.answer = lambda _: refusal
    options = {**site.shipped("oauthbearer"), "ssl.ca.location": str(site.broker.files / "ca.crt")}
    environ = site.environment(flow, "oauthbearer", options)
    try:
        with flow.member(**environ, SSL_CERT_FILE=str(site.bundle)) as process:
            text = "refuses the client: check sasl.oauthbearer.client.id"
            wait_until(lambda: any(text in line and "waiting for Kafka" in line for line in process.lines), text)
            site.server.answer = site.provider.answer
            flow.wait_until_settled()
            assert process.terminate() == 0
    finally:
        site.server.answer = site.provider.answer
    assert not any(secret in process.output for secret in SECRETS)
