"""CONTRIBUTING.md: the files that its lists name exist, and the lists are short."""

import re

import pytest

from tests.pages import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
SECTIONS = dict(re.findall(r"(?ms)^## How to add (.+?)\n(.*?)(?=^## |\Z)", PAGE))


def test_there_is_a_list_for_each_usual_change() -> None:
    assert {"a setting", "a metric", "a contract keyword", "a reason"} <= SECTIONS.keys()


@pytest.mark.parametrize("change", SECTIONS)
def test_a_list_names_at_most_five_files_that_exist(change: str) -> None:
    steps = re.findall(r"(?m)^\d+\. ", SECTIONS[change])
    files = re.findall(r"(?m)^\d+\. `([\w./-]+)`: ", SECTIONS[change])
    assert len(files) == len(steps)
    assert 0 < len(files) <= 5
    assert not [name for name in files if not (ROOT / name).is_file()]
