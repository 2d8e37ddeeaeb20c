"""Each failure of a connection names its cause and the setting to check: real listeners, and the client's own texts."""

import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
from confluent_kafka import KafkaError

from consumer.errors import NoAnswer
from consumer.kafka import connection_causes, connection_reports
from consumer.kafka.admin import KafkaAdmin
from consumer.kafka.client_errors import ClientErrors
from consumer.kafka.connection_reports import ConnectionReports
from consumer.kafka.errors import client_text, describe
from consumer.kafka.mock_broker import MockBroker
from tests.http_peer import json_response, peer

SECRET = "hush-7391"
TLS = {"security.protocol": "SSL"}
SIGN_IN = {"sasl.mechanism": "PLAIN", "sasl.username": "user", "sasl.password": SECRET}
SASL = {**SIGN_IN, "security.protocol": "SASL_PLAINTEXT"}
SASL_TLS = {**SIGN_IN, "security.protocol": "SASL_SSL"}

NO_BROKER = "no broker can be reached: check KAFKA_BOOTSTRAP_SERVERS"
UNRESOLVED = "the name of a broker cannot be resolved: check KAFKA_BOOTSTRAP_SERVERS and DNS"
NOT_KAFKA = "does not answer as a Kafka broker: check host and port"
WANTS_TLS = "as one that uses TLS does: set security.protocol in KAFKA_CONFIG to SSL or SASL_SSL"
WANTS_NO_TLS = "the listener does not use TLS: set security.protocol in KAFKA_CONFIG to PLAINTEXT or SASL_PLAINTEXT"
WANTS_SASL = "without SASL: set security.protocol in KAFKA_CONFIG to SASL_PLAINTEXT or SASL_SSL"
WANTS_NO_SASL = "the listener does not use SASL: set security.protocol in KAFKA_CONFIG to PLAINTEXT or SSL"

AUTHORITY = trustme.CA()


@pytest.fixture(scope="session")
def authority_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def server_context(host: str = "127.0.0.1", ends: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(host, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=ends).configure_cert(context)
    return context


def for_known_clients() -> ssl.SSLContext:
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.configure_trust(context)
    return context


def expired() -> ssl.SSLContext:
    return server_context(ends=datetime(2020, 1, 2, tzinfo=UTC))


@contextmanager
def broker() -> Iterator[str]:
    mock_broker = MockBroker()  # it ends with its object
    yield mock_broker.address


@contextmanager
def http_service() -> Iterator[str]:
    with peer(lambda _: json_response({})) as server:
        yield server.url.removeprefix("http://")


def tls_listener(context: Callable[[], ssl.SSLContext]) -> Callable[[], Any]:
    """A listener that closes a connection which does not begin with TLS, as Kafka's does."""

    @contextmanager
    def listener() -> Iterator[str]:
        with peer(lambda _: json_response({}), context()) as server:
            yield server.url.removeprefix("https://")

    return listener


def at(address: str) -> Callable[[], Any]:
    @contextmanager
    def nobody() -> Iterator[str]:
        yield address

    return nobody


def failure(address: str, options: Mapping[str, str]) -> str:
    with pytest.raises(NoAnswer) as caught:
        KafkaAdmin(address, {**options, "log_level": 6}).brokers()
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("listener", "options", "text"),
    [
        pytest.param(tls_listener(server_context), {}, WANTS_TLS, id="plain to TLS"),
        pytest.param(tls_listener(server_context), SASL, WANTS_TLS, id="SASL to TLS"),
        pytest.param(broker, TLS, WANTS_NO_TLS, id="TLS to plain"),
        pytest.param(broker, SASL_TLS, WANTS_NO_TLS, id="SASL with TLS to plain"),
        pytest.param(broker, SASL, WANTS_NO_SASL, id="SASL to plain"),
        pytest.param(http_service, {}, NOT_KAFKA, id="plain to HTTP"),
        pytest.param(http_service, TLS, WANTS_NO_TLS, id="TLS to HTTP"),
        pytest.param(at("127.0.0.1:1"), {}, NO_BROKER, id="nobody listens"),
        pytest.param(at("no-such-host.invalid:9092"), {}, UNRESOLVED, id="no such host"),
        pytest.param(at("SSL://127.0.0.1:1"), {}, "names no broker that the client can ask", id="another protocol"),
    ],
)
def test_a_connection_that_fails_names_its_cause(listener: Any, options: dict[str, str], text: str) -> None:
    with listener() as address:
        started_at = time.monotonic()
        assert text in failure(address, options)
        assert time.monotonic() - started_at < 30  # 1 to 5 s on an idle machine


@pytest.mark.parametrize(
    ("context", "is_trusted", "text"),
    [
        pytest.param(server_context, False, "is of an authority that the client does not trust", id="authority"),
        pytest.param(lambda: server_context("b"), True, "is not for 127.0.0.1: use the name that", id="host name"),
        pytest.param(expired, True, "the broker's certificate has expired", id="expired"),
        pytest.param(for_known_clients, True, "the broker requires a client certificate", id="client certificate"),
    ],
)
def test_a_refused_certificate_names_the_reason(context: Any, is_trusted: bool, text: str, authority_file: str) -> None:
    options = {**TLS, "ssl.ca.location": authority_file} if is_trusted else TLS
    with tls_listener(context)() as address:
        line = failure(address, options)
    assert text in line
    assert "verify that ssl.ca.location" not in line


def test_a_certificate_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` waits for Kafka in a loop, and a cluster can have many brokers."""
    asked = []

    def mistake(host: str, port: int, options: Mapping[str, Any]) -> str:
        asked.append((host, port))
        return "expired"

    monkeypatch.setattr(connection_reports, "certificate_mistake", mistake)
    reports = ConnectionReports({})
    for port in range(1, 9):
        text = (
            f"ssl://b:{port}/{port}: SSL handshake failed: certificate verify failed (after 1ms in state SSL_HANDSHAKE)"
        )
        reports.log(40, "%s [%s] %s", "FAIL", "client", text)
    for _ in range(3):
        assert reports.explain(KafkaError(KafkaError._TIMED_OUT)).startswith(
            "expired (ssl://b:1/1: SSL handshake failed"
        )
    assert asked == [("b", 1), ("b", 2), ("b", 3)]


def test_each_address_has_its_cause() -> None:
    line = failure("127.0.0.1:1,no-such-host.invalid:9092", {})
    assert NO_BROKER in line
    assert "(127.0.0.1:1: Connect to ipv4#127.0.0.1:1 failed: Connection refused)" in line
    assert UNRESOLVED in line


def test_an_address_that_works_makes_the_others_no_failure() -> None:
    with broker() as address:
        assert KafkaAdmin(f"127.0.0.1:1,{address}", {"log_level": 0}).brokers() == 1


# A line of the client: level, template, facility, name of the client, text.
DISCONNECTED = 20, "%s [%s] %s", "FAIL", "client", "[thrd:x]: b:1/bootstrap: Disconnected (after 9ms in state UP)"

# What librdkafka 2.16 said to a client with log_level=6; the last ones need a cluster or another peer than the above.
TEXTS = [
    ("b:1/bootstrap: Disconnected: connection closed by peer (after 9ms in state UP)", WANTS_SASL),
    ("ssl://b:1/bootstrap: Disconnected: connection closed by peer (after 158ms in state UP)", "without SASL"),
    ("b:1/bootstrap: Disconnected: connection closed by peer (after 60042ms in state UP)", ""),  # a broker that stops
    ("b:1/1: Disconnected: connection closed by peer (after 42ms in state UP)", ""),
    ("[thrd:b:1/bootstrap]: b:1/bootstrap: Disconnected: reset (after 0ms in state APIVERSION_QUERY)", WANTS_TLS),
    ("ssl://b:1/bootstrap: Disconnected (after 0ms in state APIVERSION_QUERY)", "it may require a client certificate"),
    (
        "b:1/bootstrap: Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol "
        "configuration (connecting to a SSL listener?) (after 1ms in state APIVERSION_QUERY)",
        WANTS_TLS,
    ),
    ("kafka:29092/1: Failed to resolve 'kafka:29092': Name or service not known (after 1ms in state CONNECT)",
     "the cluster advertises a broker whose name cannot be resolved here: check advertised.listeners"),
    ("10.0.0.1:9092/2: Connect to ipv4#10.0.0.1:9092 failed: No route to host (after 1ms in state CONNECT)",
     "a broker that the cluster advertises cannot be reached: check advertised.listeners"),
    ("b:1/bootstrap: Connection setup timed out in state CONNECT (after 4002ms in state CONNECT)", NO_BROKER),
    ("ssl://b:1/bootstrap: Connection setup timed out (after 1ms in state SSL_HANDSHAKE)", NOT_KAFKA),
    ("b:1/bootstrap: Receive failed: Invalid response size 1213486160 (0..1): increase receive.message.max.bytes "
     "(after 2ms in state APIVERSION_QUERY)", NOT_KAFKA),
    ("ssl://b:1/bootstrap: SSL handshake failed: error:0A000410:SSL routines::ssl/tls alert: SSL alert "
     "number 40 (after 2ms in state SSL_HANDSHAKE)", "the broker refuses the handshake"),
    ("ssl://b:1/bootstrap: Receive failed: error:0A000412:SSL routines::bad certificate: SSL alert number "
     "42 (after 2ms in state APIVERSION_QUERY)", "the broker refuses the client's certificate, or misses it"),
    ("ssl://b:1/bootstrap: SSL handshake failed: error:0A00042E:SSL routines::protocol version: SSL alert "
     "number 70 (after 0ms in state SSL_HANDSHAKE)", "no version of TLS is common to both"),
    ("sasl_plaintext://b:1/bootstrap: SASL authentication error: Authentication failed: Invalid username or password "
     "(after 304ms in state AUTH_REQ)", "the broker refuses the credentials: check sasl.* in KAFKA_CONFIG"),
    ("sasl_plaintext://b:1/bootstrap: SASL SCRAM-SHA-512 mechanism handshake failed: Unsupported SASL mechanism: "
     "broker's supported mechanisms: PLAIN,SCRAM-SHA-256 (after 4ms in state AUTH_HANDSHAKE)",
     "set sasl.mechanism to one that it supports"),
    ("sasl_ssl://b:1/bootstrap: Disconnected (after 4ms in state AUTH_REQ)", "credentials, or ended the connection"),
    ("ssl://b:1/1: SSL handshake failed: error:0A00018A:SSL routines::dh key too small (after 1ms in state "
     "SSL_HANDSHAKE)", "TLS fails: check security.protocol and ssl.*"),
    ("ssl://b:1/1: SSL handshake failed: SSL alert number 112 (after 1ms in state SSL_HANDSHAKE)",
     "TLS fails: check security.protocol and ssl.*"),
    ("ssl://b:1/1: Receive failed: Connection reset by peer (after 10ms in state SSL_HANDSHAKE)",
     "TLS fails: check security.protocol and ssl.*"),
    ("ssl://b:1/1: Disconnected: connection reset by peer (after 10ms in state SSL_HANDSHAKE)",
     "TLS fails: check security.protocol and ssl.*"),
    ("sasl_ssl://b:1/bootstrap: Connection setup timed out (after 4ms in state AUTH_REQ)", "not answer the sign-in"),
    ("Failed to acquire SASL OAUTHBEARER token: no role", "SASL fails: no token"),
    ("Failed to get metadata: Local: Broker transport failure", ""),
    ("1/1 brokers are down", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "cause"), TEXTS)
def test_the_client_s_text_has_its_cause(text: str, cause: str) -> None:
    explanation = connection_causes.explain(text)
    assert cause in explanation
    assert bool(cause) == bool(explanation)


def test_evidence_is_the_client_s_text_without_noise() -> None:
    text = (
        "[thrd:ssl://b:9093/bootstrap]: ssl://b:9093/bootstrap: SSL handshake failed: ssl/statem/statem_clnt.c:2124:"
        "tls_post_process_server_certificate error:0A000086:SSL routines::certificate verify failed: broker "
        "certificate could not be verified, verify that ssl.ca.location is correctly configured "
        "(after 1ms in state SSL_HANDSHAKE)"
    )
    evidence = connection_causes.evidence(text)
    assert evidence == "ssl://b:9093: SSL handshake failed: certificate verify failed"
    assert connection_causes.address(evidence) == ("b", 9093)
    assert connection_causes.address("[::1]:9092/1: Disconnected") == ("::1", 9092)
    assert connection_causes.address("No brokers configured") == ("", 0)


def test_an_error_without_a_text_has_its_name() -> None:
    assert client_text(KafkaError(KafkaError.NOT_COORDINATOR, "ConsumerGroupDescribe: ")) == (
        "ConsumerGroupDescribe: NOT_COORDINATOR"
    )
    assert client_text(KafkaError(KafkaError.NOT_COORDINATOR, "")) == "NOT_COORDINATOR"
    assert describe(KafkaError(KafkaError.NOT_COORDINATOR, "failed")) == "failed"


def test_brokers_that_are_down_have_the_causes_of_the_last_minute() -> None:
    now = 0.0
    reports = ConnectionReports({}, lambda: now)
    down = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
    timeout = KafkaError(KafkaError._TIMED_OUT, "Failed to get metadata: Local: Timed out")
    reports.log(*DISCONNECTED)
    for error in (down, timeout, down):
        assert WANTS_SASL in (reports.describe(error) if error is down else reports.explain(error))
    now = 61
    assert reports.describe(down) == reports.explain(timeout) == "no broker answers: check KAFKA_BOOTSTRAP_SERVERS"
    reports.log(*DISCONNECTED)
    assert WANTS_SASL in reports.describe(down)
    reports.forget()
    assert reports.describe(down) == "no broker answers: check KAFKA_BOOTSTRAP_SERVERS"


def test_an_answer_of_a_broker_is_not_explained_by_a_connection_that_failed() -> None:
    reports = ConnectionReports({})
    reports.note_error(KafkaError(KafkaError._RESOLVE, "b:1/bootstrap: Failed to resolve 'b:1': unknown"))
    denied = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
    assert reports.explain(denied) == "not permitted: the principal needs READ for this group"


def test_a_line_with_a_known_cause_is_logged_in_our_words(caplog: pytest.LogCaptureFixture) -> None:
    reports = ConnectionReports({"logger": logging.getLogger("librdkafka")})
    with caplog.at_level(logging.INFO):
        for line in (DISCONNECTED, (logging.INFO, "%s [%s] %s", "PARTCNT", "client", "text")):
            reports.log(*line)
    ours, other = caplog.records
    assert (ours.levelname, ours.getMessage()) == ("WARNING", "Kafka client error, retrying")
    assert WANTS_SASL in vars(ours)["error"]
    assert vars(ours)["client_text"] == str(DISCONNECTED[-1])
    assert other.getMessage() == "PARTCNT [client] text"


def test_all_clients_report_a_condition_under_one_name(caplog: pytest.LogCaptureFixture) -> None:
    """An error of a connection, the client's log line about it, and the sum over all brokers."""
    refused = (
        "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)"
    )
    consumer, producer = [ConnectionReports({"logger": logging.getLogger("librdkafka")}) for _ in range(2)]
    for reports in (consumer, producer):
        reports.log(logging.INFO, "%s [%s] %s", "FAIL", "client", f"[thrd:b]: {refused}")
        reports.warn(KafkaError(KafkaError._TRANSPORT, refused))
        reports.warn(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    assert len(caplog.records) == 6
    assert {vars(record)["fold_by"] for record in caplog.records} == {connection_causes.NO_BROKER}
    assert consumer.condition(KafkaError(KafkaError._TIMED_OUT)) == connection_causes.NO_BROKER
    assert consumer.condition(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)) == "GROUP_AUTHORIZATION_FAILED"


def test_what_the_caller_logs_itself_is_not_logged_twice(caplog: pytest.LogCaptureFixture) -> None:
    errors = ClientErrors({})
    down = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
    errors.note_from(lambda: errors.report(down))
    assert not caplog.records
    errors.report(down)
    assert len(caplog.records) == 1
