"""The rules for single values: each returns the value, or raises a ValueError whose text does not contain the value."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from consumer import jsonio
from consumer.model import fold_environment

Scalar = str | int | float | bool
Number = TypeVar("Number", int, float)

LOOPBACK = ("127.0.0.1", "::1", "localhost")

# Kafka's rule (org.apache.kafka.common.internals.Topic). It also excludes a leading "^": librdkafka would read such a
# name as a pattern.
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")

# Printable ASCII without space or colon, because the key is the user name of HTTP Basic (RFC 7617). Segment answers 200
# to a key with a stray blank, and drops all events.
_WRITE_KEY = re.compile(r"[!-9;-~]+")


def at_least(limit: Number, why: str = "") -> Callable[[Number], Number]:
    """A rule for numbers. Its error text says `why` if the name of the setting does not explain the limit."""
    text = _with_reason(f"must be at least {limit}", why)

    def check(value: Number) -> Number:
        require(value >= limit, text)
        return value

    return check


def at_most(limit: Number, why: str = "") -> Callable[[Number], Number]:
    """A rule for numbers, like `at_least`."""
    text = _with_reason(f"must be at most {limit}", why)

    def check(value: Number) -> Number:
        require(value <= limit, text)
        return value

    return check


def above_zero(value: Number) -> Number:
    require(value > 0, "must be above 0")
    return value


def topic(value: str) -> str:
    is_legal = _TOPIC.fullmatch(value) and value not in (".", "..")
    require(is_legal, "must be a Kafka topic: up to 249 letters, digits, '.', '_' and '-'")
    return value


def region(value: str) -> str:
    """An AWS region. It becomes part of a host name."""
    require(re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]+", value), "must be an AWS region such as eu-west-1")
    return value


def write_key(value: str) -> str:
    is_legal = _WRITE_KEY.fullmatch(value)
    require(is_legal, "must be printable ASCII without spaces and colons, exactly as Segment shows it")
    return value


def lower(value: object) -> object:
    return str(value).lower()


def scalars(value: object) -> dict[str, Scalar]:
    """The options of a client, from the JSON text of an object."""
    options = _json_object(value)
    require(
        all(isinstance(option, Scalar) for option in options.values()),
        "each option must be a string, a number, true or false",
    )
    return options


def write_keys(value: object) -> dict[str, str]:
    """Sprig environment -> write key, from the JSON text of an object. Environments are compared folded."""
    keys = _json_object(value)
    environments = [fold_environment(environment) for environment in keys]
    require(all(environments), "an environment must have a name")
    require(
        len(set(environments)) == len(environments),
        "two environments are the same, because upper and lower case and surrounding blanks make no difference",
    )
    require(all(isinstance(key, str) for key in keys.values()), "each key must be a string")
    for key in keys.values():
        write_key(key)
    require(
        len(set(keys.values())) == len(keys),
        "two environments have the same key, so their events would be mixed (if that is intended, use "
        "SEGMENT_WRITE_KEY)",
    )
    return keys


def endpoint(value: str, allow_http: bool) -> str:
    """A URL that may receive a write key and survey responses."""
    url = _url(value)
    require(not url.query and not url.fragment, "must have no query and no fragment")
    require(
        url.scheme == "https" or allow_http or url.hostname in LOOPBACK,
        "must be https: plain http would expose the write key and all survey responses to the network "
        "(SEGMENT_ALLOW_HTTP=true allows it)",
    )
    return value


def registry(value: str) -> str:
    """One or more registry URLs, separated by commas. Logs show them, so they must have no credentials."""
    for url in value.split(","):
        _url(url.strip())
    return value


def require(is_kept: object, mistake: str) -> None:
    """Raises a ValueError with the text `mistake` unless the rule is kept."""
    if not is_kept:
        raise ValueError(mistake)


def _with_reason(text: str, why: str) -> str:
    return f"{text}: {why}" if why else text


def _url(value: str) -> SplitResult:
    # This also finds a password that is not quoted as URLs require, with a "?" or a "/" in it.
    require("@" not in value, "must have no user or password in it, because logs show the URL")
    url = urlsplit(value)
    require(url.scheme in ("http", "https") and url.hostname, "must be a URL such as https://host/path")
    require(_has_valid_port(url), "must have a number for its port")
    return url


def _has_valid_port(url: SplitResult) -> bool:
    try:
        return url.port != 0
    except ValueError:  # The text of this error repeats the value.
        return False


def _json_object(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    try:
        parsed = jsonio.loads_unique(str(value).encode())
    except jsonio.RepeatedKey as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"must have each name once: the name at {place} is there twice") from None
    except ValueError:
        parsed = None  # The parser's error holds the text, which may be a password.
    require(isinstance(parsed, dict), 'must be a JSON object such as {"name": "value"}')
    return dict(parsed)
