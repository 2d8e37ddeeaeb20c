"""The settings, read once at start: `load` gives valid ones, or all that is wrong with them at once."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

from pydantic import Secret, ValidationError
from pydantic.fields import FieldInfo

from consumer.errors import SettingsError
from consumer.settings import env
from consumer.settings.settings import ENDPOINTS, Settings, fingerprint

__all__ = ["ENDPOINTS", "Settings", "fingerprint", "load", "settings_table", "suspicious"]

NAMES = tuple(name.upper() for name in Settings.model_fields)
SECRETS = tuple(name.upper() for name, field in Settings.model_fields.items() if get_origin(field.annotation) is Secret)
_KNOWN = (*NAMES, *(f"{name}_FILE" for name in SECRETS))

# What pydantic finds, in the user's words. "{expected}" is filled in by pydantic with the words that are allowed.
_LESSONS = {
    "missing": "is required",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "path_not_directory": "must be a directory that exists",
}

_NOT_LOOKED_AT = {"KAFKA_BOOTSTRAP_SERVERS": "none", "SEGMENT_WRITE_KEY": "none"}

# Not a mistake of its own: the default depends on a setting that is wrong.
_FOLLOWS = "default_factory_not_called"


def load(env_file: Path | None = None, environ: Mapping[str, str] = os.environ, only: Sequence[str] = ()) -> Settings:
    """
    The settings of `environ`, and of `env_file` where `environ` says nothing. Raises `SettingsError`.

    `only`: nothing but these is looked at, for commands that need no more; then none is required.
    """
    from_file = env.env_file(env_file, _KNOWN) if env_file else {}
    given = env.gather({**from_file, **environ}, only or NAMES, [n for n in SECRETS if n in (only or NAMES)])
    if only:
        given = {**_NOT_LOOKED_AT, **given}
    try:
        return Settings.model_validate({name.lower(): value for name, value in given.items()})
    except ValidationError as error:
        lines = [line for mistake in error.errors(include_url=False, include_input=False) for line in _teach(mistake)]
    # Outside of the `except`, as the error caught there holds the values that were given.
    raise SettingsError(*lines)


def suspicious(environ: Mapping[str, str] = os.environ) -> list[str]:
    """A warning for each variable that is probably a misspelt setting."""
    return env.near_misses(environ, _KNOWN)


def settings_table() -> str:
    """The rows of the settings table in Markdown: name, default, meaning."""
    return "\n".join(
        f"| `{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    )


def _teach(mistake: Mapping[str, Any]) -> Iterator[str]:
    if mistake["type"] == _FOLLOWS:
        return
    context = mistake.get("ctx", {})
    lesson = _LESSONS.get(mistake["type"], "is not valid").format(**context)
    for line in str(context.get("error", lesson)).splitlines():
        yield f"{str(mistake['loc'][0]).upper()}: {line}"


def _default(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    shown = extra["shown"] if isinstance(extra, dict) else "required"
    return str(shown) or _plain(field.default)


def _plain(default: object) -> str:
    return "none" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"
