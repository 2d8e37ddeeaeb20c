"""Texts that are not UTF-8: what stands in their place, and the mark of a record that has such a text."""

import codecs
from typing import Any

ERRORS = "sprig-to-segment-java"
"""The name of `_replace` as Python's codecs know it."""

_CHARACTER = "\N{REPLACEMENT CHARACTER}"
REPLACEMENT = _CHARACTER.encode()
"""What stands in a JSON text in place of what is not UTF-8."""


class RepairedRecord(dict[str, Any]):
    """A decoded record with U+FFFD in place of what is not UTF-8."""


def install_repair() -> None:
    """Make ERRORS known to Python's codecs, for the whole process; calling this again changes nothing."""
    codecs.register_error(ERRORS, _replace)


def _replace(error: UnicodeError) -> tuple[str, int]:
    """
    U+FFFD for a part that is not UTF-8, and the index behind the part: the parts are those of Java's decoder.

    They are Python's own (the longest part that could begin a character), but half of a surrogate pair is one part.
    Source: OpenJDK 17, sun.nio.cs.UTF_8, compared for 9,000 random texts.
    """
    assert isinstance(error, UnicodeDecodeError)
    raw, start = error.object, error.start
    if raw[start] == 0xED and start + 1 < len(raw) and 0xA0 <= raw[start + 1] <= 0xBF:
        is_whole = start + 2 < len(raw) and 0x80 <= raw[start + 2] <= 0xBF
        return _CHARACTER, start + (3 if is_whole else 2)
    return _CHARACTER, error.end
