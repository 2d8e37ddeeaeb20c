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
    others = {"unknown_schema", "unsupported_schema", "unsafe_schema"}  # given by what a look-up came to
    assert raised("UnprocessableRecord") | others == set(reasons.SET_ASIDE)


def test_words_of_the_service_are_no_words_of_a_contract() -> None:
    assert all(map(reasons.reserved, ["tombstone", "invalid", "http_413", "stuck_http_500"]))
    assert not reasons.reserved("no_user_id")
