"""The dependencies in pyproject.toml: whoever installs the wheel without the lock gets versions like those tested."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRA = PROJECT["optional-dependencies"]["otel"]
REQUIREMENTS = [Requirement(line) for line in [*PROJECT["dependencies"], *EXTRA]]


def locked(name: str) -> dict[str, str]:
    """The versions in a lock file."""
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / "requirements" / name).read_text()))


LOCK = locked("otel.txt")
"""What the image has: the product with its extra."""


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_a_dependency_has_both_bounds_and_they_contain_the_locked_version(requirement: Requirement) -> None:
    assert sorted(bound.operator for bound in requirement.specifier) == ["<", ">="]
    assert requirement.specifier.contains(LOCK[canonicalize_name(requirement.name)])


def test_the_extra_changes_no_version_of_the_product() -> None:
    without_extra = locked("run.txt")
    assert without_extra.items() < LOCK.items()
    assert not [name for name in without_extra if name.startswith("opentelemetry")]
