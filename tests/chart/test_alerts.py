"""The alerts: each fires and keeps quiet as it should, and speaks of metrics, labels and sections that are there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.observability.metrics_docs import VALUES
from consumer.observability.prometheus import PREFIX
from tests.chart.prometheus import ROOT, SCRAPED, checked, groupings, labels, selectors

FILE = ROOT / "helm" / "files" / "alerts.yaml"
CASES = sorted((Path(__file__).parent / "alerts").glob("*.yaml"))
(GROUP,) = yaml.safe_load(FILE.read_text())["groups"]
RULES: list[Any] = GROUP["rules"]
EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def test_prometheus_takes_them() -> None:
    checked("check", "rules", FILE)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_they_fire_and_keep_quiet_as_their_cases_say(path: Path) -> None:
    checked("test", "rules", path)


@EACH
def test_each_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(rule: Any) -> None:
    tests = [test for path in CASES for test in yaml.safe_load(path.read_text())["tests"]]
    cases = [case for test in tests for case in test.get("alert_rule_test", []) if case["alertname"] == rule["alert"]]
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}


@EACH
def test_each_names_metrics_of_the_product_and_their_labels(rule: Any) -> None:
    known = labels()
    named = list(selectors(rule["expr"]))
    assert named
    for metric, matchers in named:
        assert metric in known, metric
        assert matchers.keys() <= known[metric], metric
        for values in matchers.values():
            assert set(values) <= VALUES[metric.removeprefix(PREFIX)].keys(), metric
    assert groupings(rule["expr"]) <= SCRAPED.union(*(known[metric] for metric, _ in named))


@EACH
def test_each_says_how_bad_it_is_and_where_to_read_on(rule: Any) -> None:
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "runbook"}
    path, anchor = rule["annotations"]["runbook"].split("#")
    assert anchor == rule["alert"].lower()
    assert f"\n### {rule['alert']}\n" in (ROOT / path).read_text()


def test_what_the_comment_says_to_replace_stands_there_once() -> None:
    text = re.sub(r"(?m)^\s*#.*\n", "", FILE.read_text())
    for replaced in ("absent(sprig_to_segment_group_member)", "302400"):
        assert text.count(replaced) == 1
