"""The rules for single values: each returns the value, or raises a ValueError whose text does not contain the value."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from consumer import jsonio
from consumer.model import fold_environment
from consumer.settings import templates

Scalar = str | int | float | bool
Number = TypeVar("Number", int, float)

# Kafka's rule (org.apache.kafka.common.internals.Topic). It also excludes a leading "^": librdkafka would read such a
# name as a pattern.
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")

# A key of Segment has 32 letters and digits (10 in old workspaces). Gateways and stand-ins have keys of other forms. A
# key is the user name of HTTP Basic (RFC 7617), which excludes the colon. Segment answers 200 to a key with a stray
# blank, quote or bracket, and drops all events.
_WRITE_KEY = re.compile(r"[A-Za-z0-9!#%&+./=?@^_~-]+")
_PUBLIC_API_TOKEN = re.compile(r"sgp_[A-Za-z0-9]+")


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


def finished(value: object) -> object:
    """A rule for each setting: the text is neither in quotes nor a placeholder, which a tool should have replaced."""
    if isinstance(value, str):
        require(
            not templates.is_quoted(value), "must not be in quotes: docker run --env-file keeps the quotes of a file"
        )
        require(not templates.is_unresolved(value), "is a placeholder that was not replaced by a value")
    return value


def unpadded(value: str) -> str:
    """A rule for texts that are used as they are: blanks at the ends are invisible, and a text with them is another."""
    require(value == value.strip(), "must not begin or end with a blank or a line break")
    return value


def topic(value: str) -> str:
    is_legal = _TOPIC.fullmatch(value) and value not in (".", "..")
    require(is_legal, "must be a Kafka topic: up to 249 letters, digits, '.', '_' and '-'")
    return value


def region(value: str) -> str:
    """An AWS region. It becomes part of a host name."""
    require(re.fullmatch(r"[a-z]+(-[a-z0-9]+)+-[0-9]+", value), "must be an AWS region such as eu-west-1")
    return value


def write_key(value: str) -> str:
    require(not templates.is_unresolved(value), "is a placeholder that was not replaced by a value")
    require(
        _WRITE_KEY.fullmatch(value),
        "must be exactly as Segment shows it: ASCII without blanks, quotes, brackets, commas and colons",
    )
    require(not _PUBLIC_API_TOKEN.fullmatch(value), "is a token of Segment's Public API, and must be a write key")
    require(not templates.is_instruction(value), "is a placeholder: set the write key of the source in Segment")
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
    for name, option in options.items():
        is_unresolved = isinstance(option, str) and templates.is_reference(option)
        require(not is_unresolved, f"{name} is a placeholder that was not replaced by a value")
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


def require(is_kept: object, mistake: str) -> None:
    """Raises a ValueError with the text `mistake` unless the rule is kept."""
    if not is_kept:
        raise ValueError(mistake)


def _with_reason(text: str, why: str) -> str:
    return f"{text}: {why}" if why else text


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
