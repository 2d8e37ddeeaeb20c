"""Every page of the repository: its links lead to files and headings, and the files that it names exist."""

import re
from pathlib import Path

import pytest

from tests.pages import PAGES, ROOT, Link, anchors, inline_code, name_of, relative_links

FILE_NAME = re.compile(r"(?:consumer|tests|helm|docs|schemas|examples|bench|requirements)/[\w./*-]*")

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def test_the_pages_are_those_of_the_repository() -> None:
    names = {name_of(page) for page in PAGES}
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/runbook.md", "helm/README.md"} <= names


def target_of(page: Path, link: Link) -> Path:
    """The file or folder that the link leads to."""
    return (page.parent / link.path).resolve() if link.path else page


@each_page
def test_each_relative_link_leads_to_a_file_of_the_repository(page: Path) -> None:
    for link in relative_links(page.read_text()):
        target = target_of(page, link)
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link


@each_page
def test_each_anchor_is_that_of_a_heading(page: Path) -> None:
    for link in relative_links(page.read_text()):
        if link.anchor:
            assert link.anchor in anchors(target_of(page, link).read_text()), link


@each_page
def test_each_file_that_a_page_names_exists(page: Path) -> None:
    words = [word for code in inline_code(page.read_text()) for word in code.split()]
    names = {word for word in words if FILE_NAME.fullmatch(word)}
    assert not [name for name in names if not list(ROOT.glob(name.rstrip("/.")))]


def test_anchors_follow_githubs_rules() -> None:
    page = "# A `code` & more\n\n## With a [link](x.md)\n\n## Same\n\n## Same\n\n```sh\n# no heading\n```\n"
    assert anchors(page) == {"a-code--more", "with-a-link", "same", "same-1"}
