"""The scenarios of `make cluster`: each file is run, and each command that they take from docs/deploy.md is there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.release import documented
from tests.cluster.run import SCENARIOS

FOLDER = Path(__file__).parents[1] / "cluster"


def scenario_files() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*.py") if "\ndef test_" in path.read_text())


def documented_beginnings() -> Iterator[str]:
    """The arguments of `documented` that are plain texts."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="documented"), args=[ast.Constant(value=str(beginning))]):
                    yield beginning


def test_each_file_with_scenarios_is_run_once() -> None:
    assert sorted(SCENARIOS) == [path.stem for path in scenario_files()]


@pytest.mark.parametrize("beginning", sorted(set(documented_beginnings())))
def test_the_page_has_each_command(beginning: str) -> None:
    assert documented(beginning)
