"""Texts from outside (records, schemas, brokers, servers, files) in a form that is short and safe for a terminal."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

MAX_LENGTH = 300
"""Characters of one text from outside, such as a name or what a server answered."""

MAX_SENTENCE_LENGTH = 4000
"""Characters of a text of the service that can have several texts from outside in it."""

_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_NOT_PLAIN_JSON = re.compile(r"[^\n\x20-\x7e]")  # a line break is between the values of indented JSON, never inside one
_JOINERS = "\u200c\u200d"


def outside_text(text: object, limit: int = MAX_LENGTH) -> str:
    """
    The text with visible escapes, in at most `limit` characters. A text that is cut ends with an ellipsis.

    Calling this again changes nothing.
    """
    raw = str(text)
    shown = escaped(raw[: limit + 1])
    if len(shown) <= limit:
        return shown
    return shown[: limit - 1] + "…"


def escaped(text: str) -> str:
    r"""
    The text with `\x1b` or `\u202e` in place of each character that a terminal obeys or that nobody sees.

    These are the Unicode categories Cc, Cf, Co, Cs, Cn, Zl and Zp. Letters, marks, symbols and all blanks stay. A
    zero-width joiner stays between two other characters beyond ASCII, where emoji and Indic and Persian words have it.
    """
    return _NOT_PLAIN.sub(lambda match: _visible(match, _python_escape), text)


def escaped_json(text: str) -> str:
    r"""JSON text with the same values, with `\u007f` or `\u202e` for each character that `escaped` replaces."""
    return _NOT_PLAIN_JSON.sub(lambda match: _visible(match, _json_escape), text)


def outside_value(value: Any) -> Any:
    """A value as JSON has them, with each text in it as a sentence: escaped, and cut at `MAX_SENTENCE_LENGTH`."""
    match value:
        case bool() | int() | float() | None:
            return value
        case Mapping():
            return {outside_text(name, MAX_SENTENCE_LENGTH): outside_value(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [outside_value(inner) for inner in value]
        case _:
            return outside_text(value, MAX_SENTENCE_LENGTH)


def _visible(match: re.Match[str], escape: Any) -> str:
    character = match[0]
    if character.isprintable() or unicodedata.category(character) == "Zs" or _is_joiner(match):
        return character
    return str(escape(character))


def _is_joiner(match: re.Match[str]) -> bool:
    index, text = match.start(), match.string
    around = text[index - 1 : index] + text[index + 1 : index + 2]
    return match[0] in _JOINERS and len(around) == 2 and not any(n.isascii() or not n.isprintable() for n in around)


def _python_escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
