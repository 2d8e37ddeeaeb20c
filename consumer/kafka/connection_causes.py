"""Why a client reaches no broker: one table of what librdkafka reports and logs, with what the user can do about it."""

import re
from typing import NamedTuple

from consumer.kafka.token_errors import token_failure

Address = tuple[str, int]
"""Host and port."""

NO_BROKER = "no broker can be reached: check KAFKA_BOOTSTRAP_SERVERS, and the network between"
CERTIFICATE = (
    "TLS fails: the broker's certificate is not of an authority that ssl.ca.location has, or not for this host name"
)
_NO_ANSWER = "the address accepts connections, but does not answer as a Kafka broker: check host and port"
_CREDENTIALS = "check sasl.* in KAFKA_CONFIG, or the role for KAFKA_MSK_REGION"
_SET = "set security.protocol in KAFKA_CONFIG to"


class _Cause(NamedTuple):
    pattern: re.Pattern[str]
    explanation: str


def _cause(pattern: str, explanation: str) -> _Cause:
    return _Cause(re.compile(pattern, re.DOTALL), explanation)


# The first that fits counts. Texts, states and TLS alerts: librdkafka 2.16 (rdkafka_broker.c, rdkafka_transport.c,
# rdkafka_ssl.c, rdkafka_sasl.c), OpenSSL 3 and RFC 8446 (6.2), as tests/unit/kafka/test_connection_causes.py and
# tests/container/test_check.py see them. An address ends with /bootstrap, or with the id of a broker that the cluster
# advertises.
_CAUSES = (
    _cause(r"parse error|No brokers configured", "KAFKA_BOOTSTRAP_SERVERS names no broker that the client can ask"),
    _cause(
        r"/bootstrap: Failed to resolve",
        "the name of a broker cannot be resolved: check KAFKA_BOOTSTRAP_SERVERS and DNS",
    ),
    _cause(
        r"Failed to resolve",
        "the cluster advertises a broker whose name cannot be resolved here: check advertised.listeners of the brokers",
    ),
    _cause(r"certificate verify failed", CERTIFICATE),
    _cause(
        r"alert number 116",
        "TLS fails: the broker requires a client certificate: set ssl.certificate.location and ssl.key.location",
    ),
    _cause(
        r"alert number (40|80)\b",
        "TLS fails: the broker refuses the handshake: it may require a client certificate, or another cipher",
    ),
    _cause(
        r"alert number 4[2-8]\b",
        "TLS fails: the broker refuses the client's certificate, or misses it: check ssl.certificate.location",
    ),
    _cause(
        r"alert number 70|unsupported protocol|no protocols available", "TLS fails: no version of TLS is common to both"
    ),
    _cause(r"[Tt]imed out.*(in state CONNECT\b|to ipv[46])", NO_BROKER),
    _cause(r"[Tt]imed out.*in state (APIVERSION_QUERY|SSL_HANDSHAKE)|Invalid response size", _NO_ANSWER),
    _cause(r"[Tt]imed out.*in state AUTH", "SASL fails: the broker does not answer the sign-in in time"),
    _cause(
        r"wrong version number|PLAINTEXT broker listener|Disconnected(?!: connection reset).*SSL_HANDSHAKE",
        f"TLS fails: the listener does not use TLS: {_SET} PLAINTEXT or SASL_PLAINTEXT, or take the port for TLS",
    ),
    _cause(r"SSL_HANDSHAKE|SSL routines|alert number", "TLS fails: check security.protocol and ssl.* in KAFKA_CONFIG"),
    _cause(
        r"not valid in current SASL state|SASL Handshake not supported",
        f"SASL fails: the listener does not use SASL: {_SET} PLAINTEXT or SSL, or take the port for SASL",
    ),
    _cause(
        r"Unsupported SASL mechanism",
        "SASL fails: the broker does not support the mechanism: set sasl.mechanism to one that it supports",
    ),
    _cause(
        r"[Aa]uthentication failed|SASL authentication error",
        f"SASL fails: the broker refuses the credentials: {_CREDENTIALS}",
    ),
    _cause(
        r"SASL |state AUTH_",
        f"SASL fails: the broker refuses the credentials, or ended the connection: {_CREDENTIALS}",
    ),
    _cause(
        r"ssl://.*Disconnected.*in state APIVERSION_QUERY",
        "the listener closes the connection after the TLS handshake: it may require a client certificate",
    ),
    _cause(
        r"Disconnected.*in state APIVERSION_QUERY",
        f"the listener closes the connection at the first request, as one that uses TLS does: {_SET} SSL or SASL_SSL",
    ),
    # A broker that ends its connections later is one that stops.
    _cause(
        r"^(ssl://)?[^/ ]+/bootstrap: Disconnected.*after 1?\d{1,3}ms in state UP",
        f"the listener closes the connection of a client without SASL: {_SET} SASL_PLAINTEXT or SASL_SSL",
    ),
    _cause(r"/bootstrap: Connect to .* failed", NO_BROKER),
    _cause(
        r"Connect to .* failed",
        "a broker that the cluster advertises cannot be reached: check advertised.listeners of the brokers",
    ),
)

_THREAD = re.compile(r"^\[thrd:[^ ]*\]: ")
# What the client adds for its developers, or as advice for one of several causes.
_NOISE = re.compile(
    r"/bootstrap(?=:)| \(after \d+ms in state .*|: broker certificate could not be verified, .*|"
    r"(\bssl/\S+ )?\berror:\w+:SSL routines::|: connecting to a PLAINTEXT broker listener\?|"
    r": probably due to broker version.*| while requesting ApiVersion: .*",
    re.DOTALL,
)


def explain(text: str) -> str:
    """What is wrong, and which setting to check, if the client says this; "" if the table has no cause for it."""
    failure = token_failure(text)
    if failure:
        return failure.cause
    plain_text = _THREAD.sub("", text)
    for pattern, explanation in _CAUSES:
        if pattern.search(plain_text):
            return explanation
    return ""


def evidence(text: str) -> str:
    """What the client says, without noise: address, and what happened there."""
    failure = token_failure(text)
    if failure:
        return failure.evidence
    return _NOISE.sub("", _THREAD.sub("", text)).strip()


def address(evidence_text: str) -> Address:
    """Host and port at the start of the evidence; ("", 0) if it has none."""
    match = re.match(r"(?:\w+://)?\[?([^/\s]+?)\]?:(\d+)[:/]", evidence_text)
    return (match[1], int(match[2])) if match else ("", 0)
