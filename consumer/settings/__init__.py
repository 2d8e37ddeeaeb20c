"""The settings, read once at start: `load` returns valid settings, or raises an error with all mistakes."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_origin

from pydantic import Secret, ValidationError
from pydantic.fields import FieldInfo

from consumer.errors import SettingsError
from consumer.settings import env
from consumer.settings.effective import EffectiveSetting, effective_settings
from consumer.settings.env_file import read as read_env_file
from consumer.settings.fingerprints import fingerprint
from consumer.settings.mistakes import lines_of, near_misses
from consumer.settings.risks import risks
from consumer.settings.settings import ENDPOINTS, Settings

__all__ = [
    "ENDPOINTS",
    "EffectiveSetting",
    "Settings",
    "effective",
    "fingerprint",
    "load",
    "risks",
    "settings_table",
    "suspicious",
]

NAMES = tuple(name.upper() for name in Settings.model_fields)
SECRETS = tuple(name.upper() for name, field in Settings.model_fields.items() if get_origin(field.annotation) is Secret)
ACCEPTED_NAMES = (*NAMES, *(f"{name}_FILE" for name in SECRETS))

# Values for the required settings, for commands that do not read them.
_UNUSED = {"KAFKA_BOOTSTRAP_SERVERS": "unused:9092", "SEGMENT_WRITE_KEY": "unused"}


def load(env_file: Path | None = None, environ: Mapping[str, str] = os.environ, only: Sequence[str] = ()) -> Settings:
    """
    The settings of `environ`, and those of `env_file` that `environ` does not set. Raises `SettingsError`.

    With `only`, no other settings than these are read, and no other is required. Commands use it that need no more.
    """
    names = only or NAMES
    values = env.gather(_variables(env_file, environ), names, [name for name in SECRETS if name in names])
    if only:
        values = {**{name: value for name, value in _UNUSED.items() if name not in only}, **values}
    try:
        return Settings.model_validate({name.lower(): value for name, value in values.items()})
    except ValidationError as error:
        lines = [line for mistake in error.errors(include_url=False, include_input=False) for line in lines_of(mistake)]
    # Outside of the `except`, because the error caught there holds the values.
    raise SettingsError(*lines, *suspicious(environ))


def effective(
    settings: Settings, env_file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> list[EffectiveSetting]:
    """Value and source of each setting in `settings`, which `load` returned for the same file and environment."""
    return effective_settings(settings, env.with_lower_case(environ), _from_file(env_file), env_file)


def suspicious(environ: Mapping[str, str] = os.environ) -> list[str]:
    """A warning for each variable that is probably a misspelt setting."""
    return near_misses(environ, (*ACCEPTED_NAMES, *env.PROXY_VARIABLES))


def settings_table() -> str:
    """The rows of the settings table in Markdown: name, default, meaning."""
    return "\n".join(
        f"| `{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    )


def _variables(env_file: Path | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    return {**_from_file(env_file), **env.with_lower_case(environ)}


def _from_file(env_file: Path | None) -> Mapping[str, str]:
    """The variables of the file, if there is one. Raises `SettingsError`."""
    return read_env_file(env_file, ACCEPTED_NAMES) if env_file else {}


def _default(field: FieldInfo) -> str:
    """The default as the table shows it: in words if the setting has words for it, else the value."""
    if not isinstance(field.json_schema_extra, dict):
        return "required"
    shown = str(field.json_schema_extra["shown"])
    return shown or _default_value(field.default)


def _default_value(default: object) -> str:
    if default is None:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"
