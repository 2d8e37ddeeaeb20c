"""Where settings are read: the environment, an env file, and the files that hold secrets."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.errors import SettingsError

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_NEARLY = 0.85


class Unreadable(NamedTuple):
    """Stands for a value that is there but could not be read, so that it is reported once and with all others."""

    lesson: str


def gather(environ: Mapping[str, str], names: Sequence[str], secrets: Sequence[str]) -> dict[str, str | Unreadable]:
    """The settings that are given. An empty value is none, as platforms set variables that a user left blank."""
    given: dict[str, str | Unreadable] = {name: environ[name] for name in names if environ.get(name)}
    for name in secrets:
        if path := environ.get(f"{name}_FILE"):
            given[name] = _twice(name) if name in given else _read_secret(name, Path(path))
    return given


def env_file(path: Path, known: Sequence[str]) -> dict[str, str]:
    """
    The variables of an env file: NAME=value lines, blank lines and # comments, as container tools read them.

    Values are taken as they are, but for one pair of quotes around them. An unknown name is a mistake here, as the
    file is ours alone.
    """
    mistakes: list[str] = []
    values: dict[str, str] = {}
    for number, line in _lines(path):
        name, equals, value = line.partition("=")
        if not equals or not _NAME.fullmatch(name.strip()):
            mistakes.append(f"{path}:{number}: must be NAME=value")  # The line could be a stray piece of a secret.
        elif name.strip() not in known:
            mistakes.append(f"{path}:{number}: {name.strip()} is no setting{_meant(name.strip(), known)}")
        else:
            values[name.strip()] = _unquoted(value.strip())
    if mistakes:
        raise SettingsError(*mistakes)
    return values


def near_misses(environ: Mapping[str, str], known: Sequence[str]) -> list[str]:
    """A warning for each variable that looks like a misspelt setting; the environment is full of others' variables."""
    unknown = [name for name in environ if name not in known and difflib.get_close_matches(name, known, 1, _NEARLY)]
    return [f"{name} is no setting{_meant(name, known)}" for name in sorted(unknown)]


def _meant(name: str, known: Sequence[str]) -> str:
    return "".join(f"; did you mean {match}?" for match in difflib.get_close_matches(name, known, 1))


def _twice(name: str) -> Unreadable:
    return Unreadable(f"{name}_FILE is given as well: give one of the two")


def _read_secret(name: str, path: Path) -> str | Unreadable:
    try:
        secret = path.read_text("utf-8")
    except OSError as error:
        return Unreadable(f"the file of {name}_FILE cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return Unreadable(f"the file of {name}_FILE is no UTF-8 text")
    return secret.removesuffix("\n").removesuffix("\r") or Unreadable(f"the file of {name}_FILE is empty")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {getattr(error, 'strerror', 'no UTF-8 text')}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
