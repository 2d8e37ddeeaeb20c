"""The JSON text of a schema, with the liberties that Avro's own parser for Java takes."""

import json
import re
from typing import Any

from consumer.jsonio import JsonError, loads, loads_unique

# A text (group 1), a comment, or a comment that does not end (group 2), which is none. What does not end reaches to the
# end of the schema, so that nothing is looked at twice: 1 MB could otherwise take an hour.
_TEXT_OR_COMMENT = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*"?)|//[^\r\n]*|/\*.*?\*/|(/\*.*)', re.DOTALL)
_NOT_LINE_BREAK = re.compile(r"[^\r\n]")


def loads_schema(text: str) -> Any:
    """
    The value of a schema's text from a registry. `//` and `/* */` begin comments. Raises JsonError.

    Source: Apache Avro for Java, Schema.java, which enables ALLOW_COMMENTS.
    """
    try:
        return loads(text)
    except JsonError:
        return loads(_without_comments(text))


def loads_schema_file(raw: bytes) -> Any:
    """
    Like `loads_schema`, for a file in UTF-8, UTF-16 or UTF-32, with or without a byte order mark, as Java reads files
    (Apache Avro 1.12, UtfTextUtils).

    Raises JsonError, also for a key that an object has twice; and UnicodeDecodeError.
    """
    return loads_unique(_without_comments(raw.decode(json.detect_encoding(raw))))


def _without_comments(text: str) -> str:
    """Blanks are in place of comments, so that errors have the right line and column."""
    return _TEXT_OR_COMMENT.sub(lambda match: match[1] or match[2] or _NOT_LINE_BREAK.sub(" ", match[0]), text)
