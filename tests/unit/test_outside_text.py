"""Texts from outside: short and safe wherever the service shows them, and ordinary texts as they are."""

import json
import logging
import unicodedata
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.errors import MAX_DETAIL_LENGTH, MappingError
from consumer.jsonio import dumps, loads, pretty
from consumer.outside_text import MAX_LENGTH, escaped, escaped_json, outside_text, outside_value
from tests.hostile_texts import HOSTILE, is_safe

CATEGORIES: tuple[Any, ...] = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
ORDINARY = [
    "Survey 7: “how was it?” – né à Zürich",
    "漢字かな交じり文\u3000と空白",
    "עברית العربية हिन्दी",
    "می\u200cخواهم",  # a zero-width non-joiner inside a Persian word
    "👩\u200d💻 ❤\ufe0f\u200d🔥 👍🏽",
    "non\u00a0breaking",
    r"C:\new\x1b",
    "",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert outside_text(text) == escaped(text) == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_short_and_safe(text: str) -> None:
    shown = outside_text(text)
    assert len(shown) <= MAX_LENGTH
    assert is_safe(shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("\u202egnp", r"\u202egnp"),
        ("\U000e0041\U00100000", r"\U000e0041\U00100000"),
        ("\ud83d", r"\ud83d"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("ad\u200dmin \u200d👩", r"ad\u200dmin \u200d👩"),
        ("👩\u200d\u200d💻", r"👩\u200d\u200d💻"),
    ],
)
def test_what_a_terminal_obeys_and_what_nobody_sees_is_escaped(text: str, shown: str) -> None:
    assert outside_text(text) == shown


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 400))
def test_any_text_becomes_printable_bounded_and_stable(text: str, limit: int) -> None:
    shown = outside_text(text * 3, limit)
    assert len(shown) <= limit
    assert is_safe(shown)
    assert outside_text(shown, limit) == shown
    shown.encode()


@given(st.text(st.characters(exclude_categories=CATEGORIES)))
def test_letters_marks_symbols_and_blanks_stay(text: str) -> None:
    assert escaped(text) == text
    assert all(unicodedata.category(character) not in CATEGORIES for character in text)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5))
def test_json_keeps_its_values(value: Any) -> None:
    for text in (dumps(value).decode(), pretty(value)):
        assert loads(escaped_json(text)) == value
        assert is_safe(escaped_json(text).replace("\n", ""))


def test_a_value_keeps_its_form() -> None:
    value = {"a\x1b": ["b\u202e", 1, 2.5, None, True, ("c\x9b",)]}
    assert outside_value(value) == {r"a\x1b": [r"b\u202e", 1, 2.5, None, True, [r"c\x9b"]]}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_detail_of_a_rejection_is_short_and_safe(text: str) -> None:
    detail = MappingError("unknown_record", f"no contract is for {text}").detail
    assert len(detail) <= MAX_DETAIL_LENGTH
    assert is_safe(detail)


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_log_line_is_one_short_line(form: Any, text: str) -> None:
    from consumer.observability import log_setup

    log_setup.configure(form, "debug")
    (handler,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, log_setup.RepeatFolding)]
    handler.stream = StringIO()
    fields = {"error": text, "names": [text], "by_name": {text: text}, "cause": ValueError(text)}
    logging.getLogger("librdkafka").warning("%s of %s", "FAIL", text, extra=fields)
    (line,) = handler.stream.getvalue().removesuffix("\n").split("\n")
    assert is_safe(line)
    assert len(line) < 6 * 6 * 4_000 + 300  # six texts, each character as six of JSON
    if form == "json":
        assert json.loads(line)["error"] == outside_text(text, 4000)


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_stack_trace_keeps_its_lines_and_nothing_else(form: Any) -> None:
    from consumer.observability import log_setup

    log_setup.configure(form, "debug")
    (handler,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, log_setup.RepeatFolding)]
    handler.stream = StringIO()
    try:
        dict[str, int]().pop("\x1b[2J\u202e" + "x" * 10**6)
    except KeyError:
        logging.getLogger("consumer").exception("went wrong")
    written = handler.stream.getvalue()
    assert is_safe(written.replace("\n", ""))
    assert len(written) < 5_000
    assert "Traceback" in written
