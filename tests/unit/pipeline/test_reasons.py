"""The words that the service counts under: each is declared with its meaning."""

import re
from pathlib import Path

from consumer import reasons

HOUSE = Path(reasons.__file__).parent
SOURCES = [path.read_text() for path in HOUSE.rglob("*.py") if path.name != "reasons.py"]


def raised(error: str) -> set[str]:
    return {word for text in SOURCES for word in re.findall(rf'{error}\(\s*[\'"]([a-z0-9_]+)[\'"]', text)}


def test_every_reason_is_declared_and_every_declared_one_is_used() -> None:
    assert raised("SkipRecord") == set(reasons.SKIPPED)
    # Given by what a look-up came to, or by an operator.
    others = {"unknown_schema", "unsupported_schema", "unsafe_schema", reasons.STEPPED_OVER}
    assert raised("UnprocessableRecord") | others == set(reasons.SET_ASIDE)


def test_words_of_the_service_are_no_words_of_a_contract() -> None:
    assert all(map(reasons.reserved, ["tombstone", "invalid", "http_413", "stuck_http_500"]))
    assert not reasons.reserved("no_user_id")


def test_what_holds_says_whether_it_is_the_way_to_segment_or_a_record() -> None:
    assert "SEGMENT_ACCEPT_ANY_BODY" in reasons.hold_meaning("200_not_segment")
    assert "SEGMENT_ENDPOINT" in reasons.hold_meaning("http_302")
    for reason in ("http_400", "stuck_http_500", "stuck_200_not_segment", "undecodable"):
        assert "ON_REJECTED" in reasons.hold_meaning(reason)


def test_why_a_record_was_set_aside_is_said_of_each_word_of_ours_and_of_no_other() -> None:
    assert reasons.aside_meaning("http_400") == "Segment refuses it with status 400"
    assert reasons.aside_meaning("stuck_http_500") == "it never goes through, though others do"
    assert all(map(reasons.aside_meaning, reasons.SET_ASIDE))
    assert reasons.aside_meaning("theirs") == ""
