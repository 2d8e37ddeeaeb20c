"""The settings, read once at start: `load` returns valid settings, or raises an error with all mistakes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

from pydantic import Secret, ValidationError
from pydantic.fields import FieldInfo

from consumer.errors import SettingsError
from consumer.settings import env, kafka_options
from consumer.settings.settings import ENDPOINTS, Settings, fingerprint

__all__ = ["ENDPOINTS", "Settings", "fingerprint", "load", "settings_table", "short_timeouts", "suspicious"]

NAMES = tuple(name.upper() for name in Settings.model_fields)
SECRETS = tuple(name.upper() for name, field in Settings.model_fields.items() if get_origin(field.annotation) is Secret)
_ACCEPTED_NAMES = (*NAMES, *(f"{name}_FILE" for name in SECRETS))

# The error types of pydantic in the user's words. pydantic fills in "{expected}" with the allowed values.
_MISTAKES = {
    "missing": "is required",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "path_not_directory": "must be an existing directory",
}

# Values for the required settings, for commands that read neither.
_UNUSED = {"KAFKA_BOOTSTRAP_SERVERS": "none", "SEGMENT_WRITE_KEY": "none"}

# pydantic's error for a default that depends on a wrong setting; the mistake is reported for that setting alone.
_DEPENDENT_DEFAULT = "default_factory_not_called"


def load(env_file: Path | None = None, environ: Mapping[str, str] = os.environ, only: Sequence[str] = ()) -> Settings:
    """
    The settings of `environ`, and those of `env_file` that `environ` does not set. Raises `SettingsError`.

    With `only`, no other settings than these are read, and none is required. Commands use it that need no more.
    """
    from_file = env.env_file(env_file, _ACCEPTED_NAMES) if env_file else {}
    names = only or NAMES
    values = env.gather({**from_file, **environ}, names, [name for name in SECRETS if name in names])
    if only:
        values = {**_UNUSED, **values}
    try:
        return Settings.model_validate({name.lower(): value for name, value in values.items()})
    except ValidationError as error:
        lines = [line for mistake in error.errors(include_url=False, include_input=False) for line in _lines(mistake)]
    # Outside of the `except`, because the error caught there holds the values.
    raise SettingsError(*lines)


def suspicious(environ: Mapping[str, str] = os.environ) -> list[str]:
    """A warning for each variable that is probably a misspelt setting."""
    return env.near_misses(environ, _ACCEPTED_NAMES)


def short_timeouts(settings: Settings) -> list[str]:
    """The options of KAFKA_CONFIG that are shorter than a drain: the group can remove a member that drains."""
    options = settings.kafka_config.get_secret_value()
    return list(kafka_options.short_timeouts(options, settings.shutdown_timeout_seconds))


def settings_table() -> str:
    """The rows of the settings table in Markdown: name, default, meaning."""
    return "\n".join(
        f"| `{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    )


def _lines(mistake: Mapping[str, Any]) -> Iterator[str]:
    """The lines for one error of pydantic, each with the name of the setting."""
    if mistake["type"] == _DEPENDENT_DEFAULT:
        return
    context = mistake.get("ctx", {})
    text = _MISTAKES.get(mistake["type"], "is not valid").format(**context)
    for line in str(context.get("error", text)).splitlines():
        yield f"{str(mistake['loc'][0]).upper()}: {line}"


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
