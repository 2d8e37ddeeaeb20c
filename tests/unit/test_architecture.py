"""docs/architecture.md: its tables and its text name the packages and modules that exist."""

import re

from tests.pages import ROOT

PACKAGE = ROOT / "consumer"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
CODE_LAYOUT = PAGE.partition("## Code layout")[2].partition("### ")[0]
MODULES = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", PAGE)


def test_the_code_layout_has_each_package_and_module_at_the_top_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| (`.*?) \|", CODE_LAYOUT)
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    existing = {path.name + "/" * path.is_dir() for path in PACKAGE.iterdir()} - {"__init__.py", "__pycache__/"}
    assert sorted(named) == sorted(existing)


def test_each_module_of_the_pipeline_and_of_segment_is_described() -> None:
    for package in ("pipeline", "segment"):
        named = {name for name in MODULES if name.startswith(f"{package}/")}
        existing = {f"{package}/{path.name}" for path in (PACKAGE / package).glob("*.py")} - {f"{package}/__init__.py"}
        assert named == existing


def test_each_module_that_the_page_names_exists() -> None:
    assert "kafka/topic_id.py" in MODULES
    assert not [name for name in MODULES if not (PACKAGE / name).exists() and not (ROOT / name).exists()]
