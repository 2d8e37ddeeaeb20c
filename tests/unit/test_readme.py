"""README.md: its settings are those of the service, and its make targets exist."""

import re

from consumer.settings import SECRETS, settings_table
from tests.pages import ROOT, supported_versions

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_settings_table_has_the_settings() -> None:
    assert f"| name | default | meaning |\n| --- | --- | --- |\n{settings_table()}\n" in README


def test_the_readme_names_the_settings_that_can_come_from_a_file() -> None:
    (names,) = re.findall(r"The settings that can hold a secret\s+\((.*?)\)", README, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", names)) == set(SECRETS)


def test_each_make_target_on_a_page_or_in_continuous_integration_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    pages = "\n".join(path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
    named = set(re.findall(r"(?m)(?:`|^)make ([a-z-]+)", pages + "\n" + (ROOT / ".ci" / "run").read_text()))
    assert {"demo", "unit", "test", "lint", "chart", "mutants"} <= named
    assert named <= targets


def test_the_readme_names_the_versions_of_kafka_that_are_tested() -> None:
    section = README.partition("### Supported versions of Kafka")[2].partition("###")[0]
    assert re.findall(r"\b\d+\.\d+\.\d+\b", section) == supported_versions()
