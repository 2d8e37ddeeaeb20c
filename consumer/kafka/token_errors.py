"""Why a client got no token from its token endpoint: one table of what librdkafka and libcurl say."""

import re
from typing import NamedTuple

URL = "sasl.oauthbearer.token.endpoint.url"
_FAILS = "SASL fails: no token"
SILENCE = (
    f"{_FAILS} so far: the token endpoint does not answer, or answers with an error that the client retries: check "
    f"{URL} in KAFKA_CONFIG, and the network between"
)


class TokenFailure(NamedTuple):
    """Why there is no token, and what the client says about it, which can be ""."""

    cause: str
    evidence: str


class _TokenCause(NamedTuple):
    pattern: re.Pattern[str]
    explanation: str


def _cause(pattern: str, explanation: str) -> _TokenCause:
    return _TokenCause(re.compile(pattern), f"{_FAILS}: {explanation}")


# What librdkafka puts in front of the error, in a report and in its log. The rest is libcurl's error, or the whole
# answer of the endpoint, which can repeat the credentials. So only what a pattern matches is ever shown.
_FAILURE = re.compile(
    r'^(?P<start>.*?(?:Failed to acquire SASL OAUTHBEARER token|Failed to retrieve (?:OIDC|JWT) token from "[^"]*"): )'
    r"(?P<error>.*?)(?P<status> \(-?\d+\))?$",
    re.DOTALL,
)
_NAME = r"[\w.:\[\]-]{1,253}"

# The first that fits counts. Texts: librdkafka 2.16 (rdhttp.c, rdkafka_sasl_oauthbearer*.c), curl 8 (lib/vtls,
# lib/connect.c), and RFC 6749 (5.2), as tests/unit/kafka/test_token_errors.py sees them.
_CAUSES = (
    _cause(
        rf"^Could not resolve proxy: {_NAME}",
        "the name of the proxy cannot be resolved: check HTTPS_PROXY and NO_PROXY",
    ),
    _cause(
        rf"^Could not resolve host: {_NAME}",
        f"the name of the token endpoint cannot be resolved: check {URL} and DNS",
    ),
    _cause(
        r"^(CONNECT tunnel failed, response \d+|Proxy CONNECT aborted)",
        "the proxy does not connect to the token endpoint: check HTTPS_PROXY and NO_PROXY",
    ),
    _cause(
        rf"^(Failed to connect to {_NAME}[\w ]*|Connection timed out after \d+ milliseconds)",
        f"the token endpoint cannot be reached: check {URL}, and the network or the proxy between",
    ),
    _cause(
        r"^(Operation timed out after \d+ milliseconds|Empty reply from server|Recv failure: [\w ]+)",
        f"the token endpoint accepts the connection, but does not answer: check {URL}",
    ),
    _cause(r"^SSL[\w :]*certificate has expired", "the certificate of the token endpoint has expired"),
    _cause(
        r"^SSL[\w :]*certificate is not yet valid",
        "the certificate of the token endpoint is not valid yet: check the clock",
    ),
    _cause(
        rf"^SSL: (no alternative certificate subject name|certificate subject name)[\w ]*( '{_NAME}')?",
        f"the certificate of the token endpoint is not for this host name: check {URL}",
    ),
    _cause(
        r"^(SSL certificate [\w :]*|SSL peer certificate [\w ]*)",
        "the certificate of the token endpoint is of an authority that the client does not trust: set "
        "https.ca.location in KAFKA_CONFIG to a file with that authority",
    ),
    _cause(
        r"^error (adding trust anchors|setting certificate)[\w ]*",
        "the authorities for the token endpoint cannot be read: check https.ca.* in KAFKA_CONFIG",
    ),
    _cause(
        r"wrong version number|packet length too long|record layer failure",
        f"the token endpoint does not use TLS: check {URL}",
    ),
    _cause(r"^TLS connect error|SSL routines|alert number \d+", f"TLS with the token endpoint fails: check {URL}"),
    _cause(r"^(URL rejected|Protocol \"\w*\"|Unsupported protocol)", f"{URL} is not an http or https URL"),
    _cause(
        r"\binvalid_client\b",
        "the token endpoint refuses the client: check sasl.oauthbearer.client.id and sasl.oauthbearer.client.secret",
    ),
    _cause(r"\binvalid_scope\b", "the token endpoint refuses the scope: check sasl.oauthbearer.scope"),
    _cause(
        r"\b(invalid_grant|unauthorized_client|unsupported_grant_type)\b",
        "the token endpoint refuses this grant to the client: check sasl.oauthbearer.* in KAFKA_CONFIG, and the client "
        "at the identity provider",
    ),
    _cause(r"\binvalid_request\b", "the token endpoint refuses the request: check sasl.oauthbearer.* in KAFKA_CONFIG"),
    _cause(
        r"^Must supply an unexpired token",
        "the token endpoint gives a token that has expired: check the clocks",
    ),
    _cause(
        r"^(Response is not JSON encoded|Failed to parse JSON response|Expected JSON response|"
        r"Expected non-empty|Failed to (decode|parse JSON) JWT payload)",
        f"the answer is not that of a token endpoint, or its token is no JWT: check {URL}",
    ),
    _cause(
        r"^Expected JSON JWT response",
        "a claim is missing in the token: check sasl.oauthbearer.sub.claim.name in KAFKA_CONFIG",
    ),
    _cause(
        r"^Failed to (create|build) JWT[\w ]*",
        "the client cannot create its assertion: check sasl.oauthbearer.assertion.* in KAFKA_CONFIG",
    ),
)
_OTHER = f"{_FAILS}: the token endpoint answers with an error: check {URL} and sasl.oauthbearer.* in KAFKA_CONFIG"


def token_failure(text: str) -> TokenFailure | None:
    """What is wrong, if the client says with this text that it got no token; None if the text says something else."""
    failure = _FAILURE.search(text)
    if failure is None:
        return None
    for pattern, explanation in _CAUSES:
        match = pattern.search(failure["error"])
        if match:
            return TokenFailure(explanation, match[0].strip())
    return TokenFailure(_OTHER, _http_status(failure["status"]))


def without_answer(text: str) -> str:
    """A text for the log: the client's text without the answer of a token endpoint."""
    failure = token_failure(text)
    return text if failure is None else describe(failure)


def describe(failure: TokenFailure) -> str:
    return f"{failure.cause} ({failure.evidence})" if failure.evidence else failure.cause


def _http_status(code: str | None) -> str:
    """The status of the answer, as the client adds it in its log; "" if it is not known."""
    digits = (code or "").strip(" ()")
    return f"HTTP {digits}" if digits.isdecimal() else ""
