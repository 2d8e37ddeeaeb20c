"""The dependencies in pyproject.toml: whoever installs the wheel without the lock gets versions like those tested."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [Requirement(line) for line in PROJECT["dependencies"]]
LOCK = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / "requirements" / "run.txt").read_text()))


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_a_dependency_has_both_bounds_and_they_contain_the_locked_version(requirement: Requirement) -> None:
    assert sorted(bound.operator for bound in requirement.specifier) == ["<", ">="]
    assert requirement.specifier.contains(LOCK[canonicalize_name(requirement.name)])
