"""docs/guarantees.md: each guarantee names tests that exist."""

import re

from tests.pages import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text()


def test_each_test_that_the_page_names_exists() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    existing = set(re.findall(r"^def (test_\w+)\(", code, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= existing


def test_each_guarantee_has_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")][2:]
    assert rows
    assert all("`test_" in row for row in rows)
