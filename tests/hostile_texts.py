"""Texts that a hostile peer, producer or schema could send, and what must never be shown of them."""

import unicodedata

HOSTILE = {
    "long": "x" * 1_000_000,
    "long and wide": "漢" * 1_000_000,
    "long and escaped": "\x1b" * 1_000_000,
    "escape": "\x1b[2J\x1b]0;title\x07",
    "c1": "\x9b2J\x90payload\x9c",
    "delete": "rm\x7f\x7f",
    "bidi": "\u202egnp.exe\u2066\u2069",
    "lines": "a\r\nfake level=info\n\u2028\u2029\x85b",
    "zero width": "ad\u200bm\u200din\ufeff",
    "private": "\ue000\U00100000",
    "tags": "\U000e0041\U000e007f",
    "null": "a\0b",
}

_FORBIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def is_safe(text: str) -> bool:
    """Whether no character is one that a terminal obeys or nobody sees, except for joiners inside words and emoji."""
    for index, character in enumerate(text):
        around = text[index - 1 : index] + text[index + 1 : index + 2]
        is_joiner = character in "\u200c\u200d" and len(around) == 2 and not any(map(str.isascii, around))
        if unicodedata.category(character) in _FORBIDDEN and not is_joiner:
            return False
    return True
