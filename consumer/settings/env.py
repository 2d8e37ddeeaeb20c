"""The values of the settings, from environment variables, an env file, and the files that hold secrets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.settings.mistakes import reading_mistake


class UnreadableValue(NamedTuple):
    """Replaces a value that is set and cannot be read, so that the mistake is reported once and with all the others."""

    mistake: str


IN_BOTH_CASES = "HTTPS_PROXY", "NO_PROXY"
PROXY_VARIABLES = ("HTTP_PROXY", "http_proxy", *map(str.lower, IN_BOTH_CASES))
"""Variables of other programs, and names that many programs read in lower case as well."""


def with_lower_case(environ: Mapping[str, str]) -> Mapping[str, str]:
    """
    The environment with the proxy variables that are set in lower case only under their names in upper case.

    A file that holds the value counts as upper case.
    """
    in_lower_case = [name for name in IN_BOTH_CASES if not is_set(f"{name}_FILE", environ)]
    lower = {name: environ[name.lower()] for name in in_lower_case if is_set(name.lower(), environ)}
    return {**lower, **{name: value for name, value in environ.items() if value}}


def is_set(name: str, variables: Mapping[str, str]) -> bool:
    """An empty variable is not set, because platforms set variables left blank."""
    return bool(variables.get(name))


def gather(
    environ: Mapping[str, str], names: Sequence[str], secrets: Sequence[str]
) -> dict[str, str | UnreadableValue]:
    """The settings that have a value, by name."""
    values: dict[str, str | UnreadableValue] = {name: environ[name] for name in names if is_set(name, environ)}
    for name in secrets:
        if not is_set(f"{name}_FILE", environ):
            continue
        if name in values:
            values[name] = UnreadableValue(f"{name}_FILE is set too: set only one of the two")
        else:
            values[name] = _read_secret(name, Path(environ[f"{name}_FILE"]))
    return values


def _read_secret(name: str, path: Path) -> str | UnreadableValue:
    try:
        secret = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return UnreadableValue(f"the file of {name}_FILE {reading_mistake(error)}")
    return secret.removesuffix("\n").removesuffix("\r") or UnreadableValue(f"the file of {name}_FILE is empty")
