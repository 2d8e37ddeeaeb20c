"""Text in a given width: lines that wrap at words, and tables whose widest columns wrap first."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

GAP = 2
"""Blanks between two columns."""
MIN_TEXT_WIDTH = 20
"""Characters of a last column of text, where there is more text than that."""
BELOW_INDENT = 4

_PIECE = re.compile(r"[^\s_./:,]*[_./:,]?")


def wrapped(text: str, width: int, hanging: int = 0) -> list[str]:
    """The lines of a text, at least one. Lines behind the first begin with `hanging` blanks. Words stay whole."""
    if len(text) <= width and "\n" not in text:
        return [text]
    indent = " " * hanging
    lines = textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines or [""]


def table_lines(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """
    The lines of a table that is at most `width` characters wide.

    If single blanks between the columns are not enough, the widest columns become smaller, as long as words stay whole.
    If this is not enough, a last column of text goes below its row. Then long words break, best at punctuation.
    """
    columns = list(zip(*rows, strict=True))
    if _is_text_below(columns, width):
        indent = " " * BELOW_INDENT
        widths = _column_widths(columns[:-1], width)
        for *cells, text in rows:
            yield from _row_lines(cells, widths)
            yield from (indent + line for line in _cell_lines(text, width - BELOW_INDENT) if line)
    else:
        gap = _gap(columns, width)
        widths = _column_widths(columns, width, gap)
        for row in rows:
            yield from _row_lines(row, widths, gap)


def _is_text_below(columns: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the last column has text that does not fit beside the words of the other columns."""
    room = width - sum(map(_longest_word, columns[:-1])) - GAP * (len(columns) - 1)
    return _longest(columns[-1]) > MIN_TEXT_WIDTH > room and width > 2 * MIN_TEXT_WIDTH


def _gap(columns: Sequence[Sequence[str]], width: int) -> int:
    """Blanks between two columns: fewer only if every cell then stays on one line."""
    gaps = len(columns) - 1
    if GAP * gaps > width - sum(map(_longest, columns)) >= gaps:
        return 1
    return GAP


def _row_lines(row: Sequence[str], widths: Sequence[int], gap: int = GAP) -> Iterator[str]:
    cells = [_cell_lines(cell, size) for cell, size in zip(row, widths, strict=True)]
    for line in zip_longest(*cells, fillvalue=""):
        yield (" " * gap).join(part.ljust(size) for part, size in zip(line, widths, strict=True)).rstrip()


def _column_widths(columns: Sequence[Sequence[str]], table_width: int, gap: int = GAP) -> list[int]:
    """Widths of columns that fit into a table, if there is room for a character in each column."""
    width = table_width - gap * (len(columns) - 1)
    pieces = [_longest(piece for cell in column for piece in _PIECE.findall(cell)) for column in columns]
    widths = [min(_longest(column), max(width, 1)) for column in columns]
    for floors in ([*map(_longest_word, columns)], pieces, [1] * len(columns)):
        widths = _shrunk(widths, floors, width)
    return widths


def _shrunk(widths: list[int], floors: list[int], width: int) -> list[int]:
    """The widths with the widest ones made smaller, none below its floor, until their sum is at most `width`."""
    widths = list(widths)
    while sum(widths) > width:
        above = [column for column, size in enumerate(widths) if size > floors[column]]
        if not above:
            break
        widths[max(above, key=widths.__getitem__)] -= 1
    return widths


def _cell_lines(cell: str, width: int) -> list[str]:
    if not cell.strip():
        return [""]
    if any(len(word) > width for word in cell.split()):
        cell = " ".join(part for word in cell.split() for part in _parts(word, width))
    return wrapped(cell, width)


def _parts(word: str, width: int) -> Iterator[str]:
    """The word in parts of at most `width` characters. Each is as long as possible, so no two fit into one line."""
    part = ""
    for piece in _PIECE.findall(word):
        if len(part) + len(piece) > width:
            yield from filter(None, [part])
            part = piece
            while len(part) > width:
                yield part[:width]
                part = part[width:]
        else:
            part += piece
    yield from filter(None, [part])


def _longest_word(cells: Iterable[str]) -> int:
    return _longest(word for cell in cells for word in cell.split())


def _longest(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=0)
