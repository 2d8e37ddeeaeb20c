"""What a setting's value must be: functions that return it, or raise a ValueError that teaches and shows no secret."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from consumer import jsonio
from consumer.model import folded

Scalar = str | int | float | bool
Number = TypeVar("Number", int, float)

LOOPBACK = ("127.0.0.1", "::1", "localhost")

# Kafka's own rule (org.apache.kafka.common.internals.Topic). It also keeps out a leading "^", with which librdkafka
# takes the name for a pattern of names.
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")

# Printable ASCII without space or colon, as the key is the user name of HTTP Basic (RFC 7617). Segment answers 200 to
# a key with a stray blank, and drops everything.
_WRITE_KEY = re.compile(r"[!-9;-~]+")


def at_least(limit: Number, why: str = "") -> Callable[[Number], Number]:
    """A rule for numbers, which says `why` where the limit is not plain from the name."""

    def check(value: Number) -> Number:
        require(value >= limit, f"must be at least {limit}{why and ': '}{why}")
        return value

    return check


def at_most(limit: Number, why: str = "") -> Callable[[Number], Number]:
    """As `at_least`."""

    def check(value: Number) -> Number:
        require(value <= limit, f"must be at most {limit}{why and ': '}{why}")
        return value

    return check


def above_zero(value: Number) -> Number:
    require(value > 0, "must be above 0")
    return value


def topic(value: str) -> str:
    legal = _TOPIC.fullmatch(value) and value not in (".", "..")
    require(legal, "must be a Kafka topic: up to 249 letters, digits, '.', '_' and '-'")
    return value


def region(value: str) -> str:
    """A region of AWS; it becomes part of a host's name."""
    require(re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]+", value), "must be a region of AWS such as eu-west-1")
    return value


def write_key(value: str) -> str:
    require(_WRITE_KEY.fullmatch(value), "must be printable ASCII without spaces and colons, as Segment shows it")
    return value


def lower(value: object) -> object:
    return str(value).lower()


def scalars(value: object) -> dict[str, Scalar]:
    """The options of a client, given as the JSON text of an object."""
    options = _object(value)
    require(
        all(isinstance(option, Scalar) for option in options.values()),
        "each option must be a string, a number, true or false",
    )
    return options


def write_keys(value: object) -> dict[str, str]:
    """Sprig environment -> key, given as the JSON text of an object. Environments are compared `folded`."""
    keys = _object(value)
    require(all(map(folded, keys)), "an environment must have a name")
    require(
        len(set(map(folded, keys))) == len(keys),
        "two environments differ in upper and lower case or blanks alone, which count for nothing",
    )
    require(all(isinstance(key, str) for key in keys.values()), "each key must be a string")
    for key in keys.values():
        write_key(key)
    require(
        len(set(keys.values())) == len(keys),
        "two environments have the same key, so their answers would mix (where that is meant, use SEGMENT_WRITE_KEY)",
    )
    return keys


def endpoint(value: str, allow_http: bool) -> str:
    """A URL that a write key and survey answers may be sent to."""
    url = _url(value)
    require(not url.query and not url.fragment, "must have no query and no fragment")
    require(
        url.scheme == "https" or allow_http or url.hostname in LOOPBACK,
        "must be https: plain http would show the write key and all answers to the network "
        "(SEGMENT_ALLOW_HTTP=true if that is what you want)",
    )
    return value


def registry(value: str) -> str:
    """One or several registry URLs, with commas between them. They are shown in logs, so they hold no credentials."""
    for url in value.split(","):
        _url(url.strip())
    return value


def require(held: object, lesson: str) -> None:
    if not held:
        raise ValueError(lesson)


def _url(value: str) -> SplitResult:
    # Nor a password that is not written as URLs have it, with a "?" or a "/" in it.
    require("@" not in value, "must have no user or password in it: the URL is shown in logs")
    url = urlsplit(value)
    require(url.scheme in ("http", "https") and url.hostname, "must be a URL such as https://host/path")
    require(_has_whole_port(url), "must have a number for its port")
    return url


def _has_whole_port(url: SplitResult) -> bool:
    try:
        return url.port != 0
    except ValueError:  # whose text repeats what stands there
        return False


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    try:
        parsed = jsonio.loads(str(value).encode())
    except ValueError:
        parsed = None  # The parser's own error holds the text, which may be a password.
    require(isinstance(parsed, dict), 'must be a JSON object such as {"name": "value"}')
    return dict(parsed)
