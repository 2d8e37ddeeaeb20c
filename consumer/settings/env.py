"""The sources of settings: environment variables, an env file, and the files that hold secrets."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.errors import SettingsError

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_MIN_SIMILARITY = 0.85


class UnreadableValue(NamedTuple):
    """Replaces a value that is set and cannot be read, so that the mistake is reported once and with all the others."""

    mistake: str


def gather(
    environ: Mapping[str, str], names: Sequence[str], secrets: Sequence[str]
) -> dict[str, str | UnreadableValue]:
    """The settings that have a value. An empty variable is not set, because platforms set variables left blank."""
    values: dict[str, str | UnreadableValue] = {name: environ[name] for name in names if environ.get(name)}
    for name in secrets:
        path = environ.get(f"{name}_FILE")
        if path and name in values:
            values[name] = UnreadableValue(f"{name}_FILE is set too: set only one of the two")
        elif path:
            values[name] = _read_secret(name, Path(path))
    return values


def env_file(path: Path, names: Sequence[str]) -> dict[str, str]:
    """
    The variables of an env file: NAME=value lines, blank lines and # comments, in the form that container tools read.

    A value is used as it is, except that one pair of quotes around it is removed. A name that is not in `names` is a
    mistake, because the file is for this service only. Raises `SettingsError`.
    """
    mistakes: list[str] = []
    values: dict[str, str] = {}
    for number, line in _numbered_lines(path):
        name, equals, value = line.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name):
            mistakes.append(f"{path}:{number}: must be NAME=value")  # The line could be a part of a secret.
        elif name not in names:
            mistakes.append(f"{path}:{number}: {_unknown_name(name, names)}")
        else:
            values[name] = _unquoted(value.strip())
    if mistakes:
        raise SettingsError(*mistakes)
    return values


def near_misses(environ: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """A warning for each variable that is similar to one of `names`; other programs' variables are not."""
    unknown = [name for name in environ if name not in names]
    misspelt = [name for name in unknown if difflib.get_close_matches(name, names, 1, _MIN_SIMILARITY)]
    return [_unknown_name(name, names) for name in sorted(misspelt)]


def _unknown_name(name: str, names: Sequence[str]) -> str:
    matches = difflib.get_close_matches(name, names, 1)
    if matches:
        return f"{name} is no setting; did you mean {matches[0]}?"
    return f"{name} is no setting"


def _read_secret(name: str, path: Path) -> str | UnreadableValue:
    try:
        secret = path.read_text("utf-8")
    except OSError as error:
        return UnreadableValue(f"the file of {name}_FILE cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return UnreadableValue(f"the file of {name}_FILE is not UTF-8 text")
    return secret.removesuffix("\n").removesuffix("\r") or UnreadableValue(f"the file of {name}_FILE is empty")


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without blank lines and comments. Raises `SettingsError`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {getattr(error, 'strerror', 'not UTF-8 text')}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value
