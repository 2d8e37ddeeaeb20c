"""The texts of mistakes: a value that breaks a rule, a name that is no setting, a file that cannot be read."""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

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

# pydantic's error for a default that depends on a wrong setting; the mistake is reported for that setting alone.
_DEPENDENT_DEFAULT = "default_factory_not_called"

_MIN_SIMILARITY = 0.85
_NAME_OF_A_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


def lines_of(mistake: Mapping[str, Any]) -> Iterator[str]:
    """The lines for one error of pydantic, each with the name of the setting."""
    if mistake["type"] == _DEPENDENT_DEFAULT:
        return
    context = mistake.get("ctx", {})
    text = _MISTAKES.get(mistake["type"], "is not valid").format(**context)
    for line in str(context.get("error", text)).splitlines():
        yield f"{str(mistake['loc'][0]).upper()}: {line}"


def near_misses(environ: Iterable[str], names: Sequence[str]) -> list[str]:
    """A warning for each variable that is similar to one of `names`; other programs' variables are not."""
    unknown = [name for name in environ if name not in names]
    misspelt = [name for name in unknown if difflib.get_close_matches(name.upper(), names, 1, _MIN_SIMILARITY)]
    return [name_mistake(name, names) for name in sorted(misspelt)]


def name_mistake(name: str, names: Sequence[str]) -> str:
    """What is wrong with a name. It is repeated only if it looks like one: it could be a line of a secret."""
    matches = difflib.get_close_matches(name.upper(), names, 1)
    if matches:
        return f"{name} is no setting; did you mean {matches[0]}?"
    if _NAME_OF_A_VARIABLE.fullmatch(name):
        return f"{name} is no setting"
    return "must be NAME=value, with the name of a setting"


def reading_mistake(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read, without its path."""
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8 text"
    if isinstance(error, PermissionError):
        return f"cannot be read: Permission denied for user {os.geteuid()}, as which this process runs"
    return f"cannot be read: {error.strerror}"
