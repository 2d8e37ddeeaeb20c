"""The pages of docs/ as the service serves them: anchors, links, and nothing that a browser would run."""

import re

import pytest

from consumer.web import documentation
from tests.pages import ROOT, anchors
from tests.unit.test_runbook import ROWS

NAMES = documentation.names()


def html(name: str) -> str:
    return documentation.page(name).text.decode()


def ids(name: str) -> list[str]:
    return re.findall(r'id="([^"]+)"', html(name))


def test_all_pages_are_served() -> None:
    assert sorted(path.stem for path in (ROOT / "docs").glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_heading_has_its_anchor_and_no_anchor_occurs_twice(name: str) -> None:
    assert anchors((ROOT / "docs" / f"{name}.md").read_text()) <= {*ids(name), *repeated(name)}
    assert len(ids(name)) == len(set(ids(name)))


def repeated(name: str) -> set[str]:
    """The anchors that GitHub numbers. Nothing links to them."""
    return {anchor for anchor in anchors((ROOT / "docs" / f"{name}.md").read_text()) if re.search(r"-\d$", anchor)}


@pytest.mark.parametrize("name", NAMES)
def test_each_link_leads_to_a_page_that_is_served_or_out_of_the_repository(name: str) -> None:
    for target in re.findall(r'<a href="([^"]*)"', html(name).partition("<main")[2]):
        page, _, anchor = target.partition("#")
        if not target.startswith("https:"):
            assert not anchor or anchor in ids(page or name), target


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_each_log_message_has_an_anchor_of_its_own(row: tuple[str, str, str, str]) -> None:
    anchor = documentation.slug(row[1])
    assert anchor in documentation.log_anchors()
    assert anchor in ids("runbook")


@pytest.mark.parametrize("name", NAMES)
def test_no_page_has_styles_or_scripts_of_its_own(name: str) -> None:
    assert not re.search(r"<script|style=|<img|\son\w+=", html(name).partition("<main")[2])
