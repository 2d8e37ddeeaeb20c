"""Prometheus accepts each query of the dashboard, and each query returns a result for a real scrape."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from consumer.observability.prometheus import PREFIX
from tests.chart.prometheus import (
    ROOT,
    SCRAPE_LABELS,
    grouping_labels,
    metric_labels,
    run_promql_tests,
    scrape,
    selectors,
)

DASHBOARD = json.loads((ROOT / "helm" / "files" / "dashboard.json").read_text())
PANELS: list[Any] = DASHBOARD["panels"]
EXPRESSIONS: list[str] = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]

GRAFANA_VARIABLES = {"$__rate_interval": "5m", "$namespace": ".*", "$job": ".*"}
ADDED_LABELS = 'namespace="surveys", job="sprig", instance="pod"'


def without_grafana_variables(expression: str) -> str:
    for variable, value in GRAFANA_VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def input_series() -> list[dict[str, str]]:
    """The series after half an hour of scrapes; counters grow by one per minute."""
    text = scrape()
    counters = {name for name, kind in re.findall(r"# TYPE (\S+) (\w+)", text) if kind != "gauge"}
    series = []
    for name, labels, value in re.findall(r"(?m)^(\w+)(?:\{(.*)\})? (\S+)$", text):
        growth = int(re.sub(r"_(bucket|sum|count)$", "", name) in counters or name in counters)
        all_labels = ", ".join(filter(None, (ADDED_LABELS, labels)))
        series.append({"series": f"{name}{{{all_labels}}}", "values": f"{float(value):f}+{growth}x30"})
    return series


def test_each_query_returns_a_result_for_a_real_scrape(tmp_path: Path) -> None:
    expectations = [
        {
            "expr": f"count({without_grafana_variables(expression)}) > bool 0",
            "eval_time": "25m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for expression in EXPRESSIONS
    ]
    run_promql_tests(tmp_path, {"interval": "1m", "input_series": input_series(), "promql_expr_test": expectations})


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_query_uses_existing_metrics_and_labels(expression: str) -> None:
    labels = metric_labels()
    selected = list(selectors(expression))
    assert selected
    for metric, matchers in selected:
        assert matchers == {"namespace": ["$namespace"], "job": ["$job"]}
        assert metric in labels, metric
    assert grouping_labels(expression) <= SCRAPE_LABELS.union(*(labels[metric] for metric, _ in selected))


def test_each_metric_of_the_service_is_on_the_dashboard() -> None:
    displayed = {metric for expression in EXPRESSIONS for metric, _ in selectors(expression)}
    declared = {name for name in metric_labels() if name.startswith(PREFIX)}
    assert declared - displayed == {
        f"{PREFIX}request_duration_seconds_sum",
        f"{PREFIX}request_duration_seconds_count",
    }


def test_the_variables_come_from_a_metric_that_each_member_has() -> None:
    _, *variables = DASHBOARD["templating"]["list"]
    assert [variable["name"] for variable in variables] == ["namespace", "job"]
    for variable in variables:
        assert {metric for metric, _ in selectors(variable["query"])} == {f"{PREFIX}group_member"}


def test_ids_and_titles_of_panels_are_unique_and_panels_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    for first, second in combinations((panel["gridPos"] for panel in PANELS), 2):
        beside = first["x"] + first["w"] <= second["x"] or second["x"] + second["w"] <= first["x"]
        assert beside or first["y"] + first["h"] <= second["y"] or second["y"] + second["h"] <= first["y"]
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def test_each_alert_in_a_description_exists() -> None:
    named = set(re.findall(r"SprigToSegment\w+", " ".join(panel.get("description", "") for panel in PANELS)))
    assert named
    assert named <= set(re.findall(r"alert: (\w+)", (ROOT / "helm" / "files" / "alerts.yaml").read_text()))
