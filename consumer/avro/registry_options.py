"""The options of SCHEMA_REGISTRY_CONFIG: which there are, which Confluent's client has besides, and what is wrong."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

SOURCE = "bearer.auth.credentials.source"
STRATEGY, USE_ID, REGION = "subject.name.strategy.type", "apicurio.registry.use-id", "region"
ISSUER = "bearer.auth.issuer.endpoint.url"
STATIC_TOKEN, OAUTHBEARER = "STATIC_TOKEN", "OAUTHBEARER"

_MAX_SECONDS = 600.0  # larger values are milliseconds by mistake
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NO_RETRIES = "no effect: the service repeats a look-up by itself, without end"
_NO_CAPACITY = "no effect: the service keeps as many schemas as fit into 32 MiB"


class RegistryOption(NamedTuple):
    """
    An option: what its value is, and its meaning.

    `kind` is `text`, `header` (text that may be the value of an HTTP header), `path`, `seconds`, `number`, `region` or
    `choice` (one of CHOICES).
    """

    kind: str
    meaning: str
    is_confidential: bool = False


# Names: Confluent's client for Python (confluent-kafka, SchemaRegistryClient and AvroDeserializer, version 2.16);
# Apicurio's serialisers (SerdeConfig); AWS's serialisers (AWSSchemaRegistryConstants).
OPTIONS: Mapping[str, RegistryOption] = {
    "timeout": RegistryOption("seconds", "the most that one request may take, 3 by default"),
    "basic.auth.user.info": RegistryOption("text", "`user:password` for HTTP Basic", is_confidential=True),
    SOURCE: RegistryOption("text", f"`{STATIC_TOKEN}` or `{OAUTHBEARER}`"),
    "bearer.auth.token": RegistryOption("header", f"the token of `{STATIC_TOKEN}`", is_confidential=True),
    ISSUER: RegistryOption("text", f"where `{OAUTHBEARER}` gets its tokens: an https URL"),
    "bearer.auth.client.id": RegistryOption("text", f"the client of `{OAUTHBEARER}`"),
    "bearer.auth.client.secret": RegistryOption("text", f"the secret of the client of `{OAUTHBEARER}`", True),
    "bearer.auth.scope": RegistryOption("text", f"the scope of `{OAUTHBEARER}`, if its issuer requires one"),
    "bearer.auth.logical.cluster": RegistryOption("header", "the logical cluster, which Confluent Cloud requires"),
    "bearer.auth.identity.pool.id": RegistryOption("header", "the identity pool of Confluent Cloud"),
    STRATEGY: RegistryOption(
        "choice", "`confluent`: how producers name subjects: `TOPIC` (default), `RECORD` or `TOPIC_RECORD`"
    ),
    USE_ID: RegistryOption(
        "choice", "`apicurio`: which ids the values have before the body, `contentId` or `globalId`"
    ),
    REGION: RegistryOption("region", "`glue`: the region, if the host of the URL does not name it"),
    "ssl.ca.location": RegistryOption("path", "the file or folder of the authorities that sign the certificate"),
    "ssl.certificate.location": RegistryOption("path", "the file of the service's own certificate"),
    "ssl.key.location": RegistryOption("path", "the file of its key, if the certificate's file does not have the key"),
    "ssl.key.password": RegistryOption("text", "the password of the key", is_confidential=True),
    "max.retries": RegistryOption("number", _NO_RETRIES),
    "retries.wait.ms": RegistryOption("number", _NO_RETRIES),
    "retries.max.wait.ms": RegistryOption("number", _NO_RETRIES),
    "cache.capacity": RegistryOption("number", _NO_CAPACITY),
    "cache.latest.ttl.sec": RegistryOption("number", "no effect: the service never asks for the latest version"),
}
CHOICES: Mapping[str, Sequence[str]] = {
    STRATEGY: ("TOPIC", "RECORD", "TOPIC_RECORD"),
    USE_ID: ("contentId", "globalId"),
}
CONFIDENTIAL_OPTIONS = frozenset(name for name, option in OPTIONS.items() if option.is_confidential)

REFUSED: Mapping[str, str] = {
    "url": "set SCHEMA_REGISTRY_URL instead",
    "proxy": "set HTTPS_PROXY instead",
    "basic.auth.credentials.source": "remove it, because basic.auth.user.info says enough",
    "bearer.auth.issuer.endpoint.query": "it belongs to a source of tokens that the service does not have",
    "bearer.auth.custom.provider.function": "JSON cannot express a callback",
    "bearer.auth.custom.provider.config": "JSON cannot express a callback",
}

_REQUIRED: Mapping[object, frozenset[str]] = {
    STATIC_TOKEN: frozenset({"bearer.auth.token"}),
    OAUTHBEARER: frozenset({ISSUER, "bearer.auth.client.id", "bearer.auth.client.secret"}),
}
_OF_SOURCE: Mapping[str, frozenset[str]] = {
    STATIC_TOKEN: _REQUIRED[STATIC_TOKEN],
    OAUTHBEARER: _REQUIRED[OAUTHBEARER] | {"bearer.auth.scope"},
}
_OF_EACH_SOURCE = frozenset({SOURCE, "bearer.auth.logical.cluster", "bearer.auth.identity.pool.id"})


def mistakes(options: Mapping[str, object]) -> list[str]:
    """What is wrong with the options, one mistake a line. No line has a value, because a value can be a secret."""
    wrong = [mistake for name, value in options.items() if (mistake := _option_mistake(name, value))]
    return wrong or [*_login_mistakes(options), *_tls_mistakes(options)]


def _option_mistake(name: str, value: object) -> str:
    """What is wrong with an option by itself; "" if nothing is."""
    if name in REFUSED:
        return f"{name} is refused: {REFUSED[name]}"
    if name not in OPTIONS:
        return f"{name:.100} is refused: the service has no such option, see docs/avro.md"
    if name == "ssl.ca.location" and isinstance(value, bool):
        return f"{name} is refused without a path: credentials would go to any host that takes over the address"
    if name in CHOICES:
        return "" if value in CHOICES[name] else f"{name} must be {' or '.join(CHOICES[name])}"
    expected = _expectation(OPTIONS[name].kind, value)
    return f"{name} must be {expected}" if expected else ""


def _expectation(kind: str, value: object) -> str:
    """What a value of this kind must be; "" if this value is."""
    if kind == "seconds":
        return "" if 0 < _number(value) <= _MAX_SECONDS else f"seconds, up to {_MAX_SECONDS:.0f}"
    if kind == "number":
        return "a number" if math.isnan(_number(value)) else ""
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        return "text without control characters"
    if kind == "region" and not re.fullmatch(r"[a-z]+(-[a-z0-9]+)+-[0-9]+", value):
        return "an AWS region such as eu-west-1"
    if kind == "header" and not re.fullmatch("[!-~]+", value):
        return "ASCII without blanks"
    return ""


def _number(value: object) -> float:
    """A number, which may be written as text; NaN for anything else."""
    try:
        return math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        return math.nan


def _login_mistakes(options: Mapping[str, object]) -> Iterator[str]:
    source = options.get(SOURCE)
    if "basic.auth.user.info" in options and ":" not in str(options["basic.auth.user.info"]):
        yield "basic.auth.user.info must be in the form of {username}:{password}"
    if "basic.auth.user.info" in options and source:
        yield f"basic.auth.user.info and {SOURCE} are both set: set only one of the two"
    if source and source not in _REQUIRED:
        yield f"{SOURCE} must be {STATIC_TOKEN} or {OAUTHBEARER}"
        return
    for name in sorted(_REQUIRED.get(source, frozenset()) - options.keys()):
        yield f"{name} is required by {SOURCE}={source}"
    for name in options:
        if name.startswith("bearer.") and source not in _sources_of(name):
            yield f"{name} needs {SOURCE}={' or '.join(_sources_of(name))}"
    if ISSUER in options and not _is_safe(str(options[ISSUER])):
        yield "bearer.auth.issuer.endpoint.url must be an https URL without a user: the client's secret is sent there"


def _sources_of(name: str) -> list[str]:
    """The sources of tokens that have this option."""
    return [source for source, own in _OF_SOURCE.items() if name in own or name in _OF_EACH_SOURCE]


def _is_safe(url: str) -> bool:
    """Whether a secret may be sent to the URL."""
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        parts, is_complete = SplitResult("", "", "", "", ""), False
    return is_complete and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))


def _tls_mistakes(options: Mapping[str, object]) -> Iterator[str]:
    for name in ("ssl.key.location", "ssl.key.password"):
        if name in options and "ssl.certificate.location" not in options:
            yield f"{name} needs ssl.certificate.location"
