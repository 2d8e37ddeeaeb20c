"""The alerts fire exactly when they should, and refer to existing metrics, labels and runbook sections."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.observability.metrics_docs import VALUES
from consumer.observability.prometheus import PREFIX
from tests.chart.prometheus import ROOT, SCRAPE_LABELS, grouping_labels, metric_labels, run_promtool, selectors

FILE = ROOT / "helm" / "files" / "alerts.yaml"
CASES = sorted((Path(__file__).parent / "alerts").glob("*.yaml"))
(GROUP,) = yaml.safe_load(FILE.read_text())["groups"]
RULES: list[Any] = GROUP["rules"]
EACH_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def test_prometheus_accepts_the_rules() -> None:
    run_promtool("check", "rules", FILE)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_alerts_fire_exactly_as_their_cases_say(path: Path) -> None:
    run_promtool("test", "rules", path)


@EACH_RULE
def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(rule: Any) -> None:
    tests = [test for path in CASES for test in yaml.safe_load(path.read_text())["tests"]]
    cases = [case for test in tests for case in test.get("alert_rule_test", []) if case["alertname"] == rule["alert"]]
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}


@EACH_RULE
def test_each_alert_uses_existing_metrics_and_labels(rule: Any) -> None:
    labels = metric_labels()
    selected = list(selectors(rule["expr"]))
    assert selected
    for metric, matchers in selected:
        assert metric in labels, metric
        assert matchers.keys() <= labels[metric], metric
        for values in matchers.values():
            assert set(values) <= VALUES[metric.removeprefix(PREFIX)].keys(), metric
    assert grouping_labels(rule["expr"]) <= SCRAPE_LABELS.union(*(labels[metric] for metric, _ in selected))


@EACH_RULE
def test_each_alert_has_a_severity_a_summary_and_a_runbook_section(rule: Any) -> None:
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "runbook_url"}
    path, anchor = rule["annotations"]["runbook_url"].split("#")
    assert anchor == rule["alert"].lower()
    assert f"\n### {rule['alert']}\n" in (ROOT / path).read_text()


def test_each_text_that_the_comment_says_to_replace_occurs_once() -> None:
    text = re.sub(r"(?m)^\s*#.*\n", "", FILE.read_text())
    for replaced in ("absent(sprig_to_segment_group_member)", "302400"):
        assert text.count(replaced) == 1
