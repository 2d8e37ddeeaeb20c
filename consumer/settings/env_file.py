"""The file of `--env-file`: lines of NAME=value, in the syntax that shells, Compose and dotenv have in common."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from consumer.errors import SettingsError
from consumer.settings.mistakes import name_mistake, reading_mistake
from consumer.settings.validators import require

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
_QUOTED = re.compile(r"""(["'])(.*?)\1(?:\s+#.*)?""", re.DOTALL)
_COMMENT = re.compile(r"\s+#.*", re.DOTALL)
_ESCAPED_QUOTES = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)


def read(path: Path, names: Sequence[str]) -> dict[str, str]:
    """
    The variables of the file. A name that is not in `names` is a mistake, because the file is for this service only.

    `export` before a name, blank lines, and comments are left out. A comment begins with `#` at the start of a line, or
    with a blank and `#` behind a value. A value can be in quotes; in JSON and in quotes, `#` begins no comment. Raises
    `SettingsError` with a line for each mistake, which never repeats a value.
    """
    mistakes: list[str] = []
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in _numbered_lines(path):
        try:
            name, value = _parse(line, names)
            require(name not in lines, f"{name} is set in line {lines.get(name)} already")
        except ValueError as error:
            mistakes.append(f"{path}:{number}: {error}")
        else:
            values[name], lines[name] = value, number
    if mistakes:
        raise SettingsError(*mistakes)
    return values


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without blank lines and comments. Raises `SettingsError`."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {reading_mistake(error)}") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def _parse(line: str, names: Sequence[str]) -> tuple[str, str]:
    """Name and value. Raises a ValueError that does not repeat the line, which could be a part of a secret."""
    match = _LINE.fullmatch(line)
    if not match:
        raise ValueError("must be NAME=value")
    name = match[1]
    if name not in names:
        raise ValueError(name_mistake(name, names))
    value = _value(match[2])
    if value is None:
        raise ValueError(f"{name} must be closed by the quote that opens it, with at most a comment behind it")
    return name, value


def _value(text: str) -> str | None:
    """The value behind the equals sign; None if its quotes are wrong."""
    stripped = text.strip()
    if stripped.startswith(("'", '"')):
        match = _QUOTED.fullmatch(stripped)
        return _unescaped(match[1], match[2]) if match else None
    if stripped.startswith("{"):
        return _json_before_comment(stripped)
    return _COMMENT.sub("", text).strip()


def _unescaped(quote: str, text: str) -> str:
    r"""In double quotes, \" and \\ are a quote and a backslash, but only if each quote is written like this."""
    if quote == '"' and _ESCAPED_QUOTES.fullmatch(text):
        return re.sub(r'\\(["\\])', r"\1", text)
    return text


def _json_before_comment(text: str) -> str:
    """The JSON at the start of the text, if a comment is behind it; else the text."""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return text  # the rule for the setting reports it
    return text[:end] if _COMMENT.fullmatch(text[end:]) else text
