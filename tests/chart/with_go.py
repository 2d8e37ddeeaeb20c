"""What takes tools of Go, for `make chart`: kube-score's opinion of each value set, and the chart's own page."""

import json
import subprocess
from functools import cache

import pytest

from tests.chart.rendering import CHART, ROOT, SETS, text_of

WARNING = 5  # kube-score's grades: 1 critical, 5 warning, 7 almost, 10 all good
REASONS = {
    "container-image-pull-policy": "images have tags that are never moved, so a node that has one need not ask again",
    "deployment-has-host-podantiaffinity": "spread by topologySpreadConstraints, which the tool does not look at",
    "statefulset-has-host-podantiaffinity": "as of a Deployment",
    "deployment-replicas": "KEDA's minReplicas says how many; one member is a choice where a minute of delay is none",
    "container-security-context-user-group-id": "OpenShift chooses the ids",
    "pod-networkpolicy": "egress is closed by choice, as brokers may advertise ports that no setting names",
}
# A limit of the processor would throttle a member in the middle of a rebalance, and spare nobody: it uses one core.
FLAGS = ["--ignore-container-cpu-limit", "--output-format", "json"]


@cache
def tool(name: str) -> str:
    return subprocess.check_output([ROOT / "tests" / "infra" / "gotool", name], text=True).strip()


def objections(name: str) -> set[str]:
    command = [tool("kube-score"), "score", *FLAGS, "-"]
    done = subprocess.run(command, input=text_of(name), capture_output=True, text=True, check=False)
    return {
        check["check"]["id"]
        for scored in json.loads(done.stdout)
        for check in scored["checks"]
        if not check["skipped"] and check["grade"] <= WARNING
    }


@pytest.mark.parametrize("name", SETS)
def test_kube_score_has_no_objection_without_an_answer(name: str) -> None:
    assert objections(name) <= REASONS.keys()


def test_each_answer_is_to_an_objection() -> None:
    assert set().union(*map(objections, SETS)) == REASONS.keys()


def test_the_page_of_the_values_is_what_their_comments_say() -> None:
    """`make rendered` writes it anew."""
    command = [tool("helm-docs"), f"--chart-search-root={CHART}", "--sort-values-order=file", "--dry-run"]
    told = subprocess.check_output([*command, "--log-level=error"], text=True)
    assert told.strip() == (CHART / "README.md").read_text().strip()
