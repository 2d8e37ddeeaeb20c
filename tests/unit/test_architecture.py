"""docs/architecture.md speaks of the house as it is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "consumer"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
TABLE = re.findall(r"(?m)^\| (`.*?) \|", PAGE.partition("## The rooms")[2].partition("## Decisions")[0])


def test_its_table_has_each_room_and_no_other() -> None:
    named = [name for row in TABLE for name in re.findall(r"`([^`]+)`", row)]
    there = {path.name + "/" * path.is_dir() for path in HOUSE.iterdir()} - {"__init__.py", "__pycache__/"}
    assert sorted(named) == sorted(there)


def test_each_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"`([a-z_/]+\.py)`", PAGE))
    assert "kafka/topic_id.py" in named
    assert not [name for name in named if not (HOUSE / name).exists() and not (ROOT / name).exists()]
