"""The tests that need Go tools, for `make chart`: kube-score for each value set, and helm-docs for the README."""

import json
import subprocess
from functools import cache

import pytest

from tests.chart.rendering import CHART, ROOT, VALUE_SETS, rendered_text

WARNING = 5  # kube-score's grades: 1 critical, 5 warning, 7 almost, 10 all good
ACCEPTED = {
    "container-image-pull-policy": "tags of images never move, so a node does not have to pull an image again",
    "deployment-has-host-podantiaffinity": "topologySpreadConstraints spread the pods, and kube-score ignores them",
    "deployment-replicas": "KEDA's minReplicas is the minimum; one member is enough if a minute of delay is acceptable",
    "container-security-context-user-group-id": "OpenShift chooses the ids",
    "pod-networkpolicy": "egress is open by default, because brokers may advertise ports that no setting names",
}
"""Why the chart does not follow these checks of kube-score."""
# A CPU limit would throttle a member during a rebalance and save nothing, because a member uses one core at most.
FLAGS = ["--ignore-container-cpu-limit", "--output-format", "json"]


@cache
def tool(name: str) -> str:
    return subprocess.check_output([ROOT / "tests" / "infra" / "gotool", name], text=True).strip()


def failed_checks(value_set: str) -> set[str]:
    """The ids of the checks that kube-score grades as warning or critical."""
    command = [tool("kube-score"), "score", *FLAGS, "-"]
    result = subprocess.run(command, input=rendered_text(value_set), capture_output=True, text=True, check=False)
    return {
        check["check"]["id"]
        for scored_object in json.loads(result.stdout)
        for check in scored_object["checks"]
        if not check["skipped"] and check["grade"] <= WARNING
    }


@pytest.mark.parametrize("value_set", VALUE_SETS)
def test_each_failed_check_of_kube_score_is_accepted(value_set: str) -> None:
    assert failed_checks(value_set) <= ACCEPTED.keys()


def test_each_accepted_check_fails_for_some_value_set() -> None:
    assert set().union(*map(failed_checks, VALUE_SETS)) == ACCEPTED.keys()


def test_the_readme_is_generated_from_the_comments_in_the_values() -> None:
    """`make rendered` generates the README."""
    command = [tool("helm-docs"), f"--chart-search-root={CHART}", "--sort-values-order=file", "--dry-run"]
    readme = subprocess.check_output([*command, "--log-level=error"], text=True)
    assert readme.strip() == (CHART / "README.md").read_text().strip()
