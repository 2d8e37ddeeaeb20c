"""The values of the settings, from environment variables, an env file, and the files that hold secrets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.settings.mistakes import reading_mistake


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


def _read_secret(name: str, path: Path) -> str | UnreadableValue:
    try:
        secret = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return UnreadableValue(f"the file of {name}_FILE {reading_mistake(error)}")
    return secret.removesuffix("\n").removesuffix("\r") or UnreadableValue(f"the file of {name}_FILE is empty")
