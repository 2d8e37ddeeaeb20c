"""The dashboard: each query is one that Prometheus understands, and shows something of a real scrape."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from consumer.observability.prometheus import PREFIX
from tests.chart.prometheus import ROOT, SCRAPED, groupings, labels, passes, scrape, selectors

DASHBOARD = json.loads((ROOT / "helm" / "files" / "dashboard.json").read_text())
PANELS: list[Any] = DASHBOARD["panels"]
EXPRESSIONS: list[str] = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]

GRAFANA = {"$__rate_interval": "5m", "$namespace": ".*", "$job": ".*"}
SCRAPE = {"namespace": "surveys", "job": "sprig", "instance": "pod"}


def as_prometheus(expression: str) -> str:
    for macro, value in GRAFANA.items():
        expression = expression.replace(macro, value)
    return expression


def series() -> list[dict[str, str]]:
    """What Prometheus has after half an hour of this service; counters grow by one a minute."""
    text = scrape()
    counters = {name for name, kind in re.findall(r"# TYPE (\S+) (\w+)", text) if kind != "gauge"}
    found = []
    for name, labelled, value in re.findall(r"(?m)^(\w+)(?:\{(.*)\})? (\S+)$", text):
        grows = re.sub(r"_(bucket|sum|count)$", "", name) in counters or name in counters
        added = ", ".join(f'{label}="{told}"' for label, told in SCRAPE.items())
        known = f"{name}{{{added}{labelled and ', '}{labelled}}}"
        found.append({"series": known, "values": f"{float(value):f}+{int(grows)}x30"})
    return found


def test_each_query_shows_something_of_a_real_scrape(tmp_path: Path) -> None:
    shown = [
        {
            "expr": f"count({as_prometheus(it)}) > bool 0",
            "eval_time": "25m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for it in EXPRESSIONS
    ]
    passes(tmp_path, {"interval": "1m", "input_series": series(), "promql_expr_test": shown})


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_query_names_metrics_of_the_product_and_their_labels(expression: str) -> None:
    known = labels()
    named = list(selectors(expression))
    assert named
    for metric, matchers in named:
        assert matchers == {"namespace": ["$namespace"], "job": ["$job"]}
        assert metric in known, metric
    assert groupings(expression) <= SCRAPED.union(*(known[metric] for metric, _ in named))


def test_each_metric_of_the_product_is_on_it() -> None:
    shown = {metric for expression in EXPRESSIONS for metric, _ in selectors(expression)}
    ours = {name for name in labels() if name.startswith(PREFIX)}
    assert ours - shown == {f"{PREFIX}request_duration_seconds_sum", f"{PREFIX}request_duration_seconds_count"}


def test_its_choices_come_from_a_metric_that_each_member_has() -> None:
    _, *variables = DASHBOARD["templating"]["list"]
    assert [variable["name"] for variable in variables] == ["namespace", "job"]
    for variable in variables:
        assert {metric for metric, _ in selectors(variable["query"])} == {f"{PREFIX}group_member"}


def test_its_panels_are_told_apart_and_none_covers_another() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    for one, other in combinations((panel["gridPos"] for panel in PANELS), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def test_each_alert_that_a_panel_names_is_there() -> None:
    named = set(re.findall(r"SprigToSegment\w+", " ".join(panel.get("description", "") for panel in PANELS)))
    assert named
    assert named <= set(re.findall(r"alert: (\w+)", (ROOT / "helm" / "files" / "alerts.yaml").read_text()))
