"""What README says is what is there."""

import re
from pathlib import Path

from consumer.settings import SECRETS, settings_table

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_its_settings_are_the_settings() -> None:
    assert f"| name | default | meaning |\n| --- | --- | --- |\n{settings_table()}\n" in README


def test_it_names_the_settings_that_can_be_files() -> None:
    (sentence,) = re.findall(r"Those that can hold a secret\s+\((.*?)\)", README, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", sentence)) == set(SECRETS)


def test_each_make_target_that_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"make (\w+)", README)) | set(re.findall(r"stage (\w+)", (ROOT / ".ci" / "run").read_text()))
    assert named - {"and"} <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))


def test_each_file_that_it_links_is_there() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / link).exists(), link
