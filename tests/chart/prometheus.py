"""Owns what the tests of alerts and dashboard share: promtool, the service's metrics, and parsing of expressions."""

import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from consumer.observability.metrics import METRICS
from consumer.observability.prometheus import PREFIX, renderer
from consumer.observability.snapshot import Block, Counters, Distribution, PartitionState, Snapshot

ROOT = Path(__file__).parents[2]
SCRAPE_LABELS = frozenset({"namespace", "job", "instance"})
"""Labels that a scrape adds."""


class Selector(NamedTuple):
    """A metric as an expression selects it. `matchers` has, by label, the alternatives that the expression lists."""

    metric: str
    matchers: Mapping[str, list[str]]


@cache
def promtool() -> str:
    return subprocess.check_output(
        [ROOT / "tests" / "infra" / "debian_tool", "promtool", "prometheus"], text=True
    ).strip()


def run_promtool(*arguments: str | Path) -> None:
    """Run promtool; if it fails, the test fails with its output."""
    result = subprocess.run([promtool(), *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def run_promql_tests(folder: Path, *tests: object) -> None:
    """Run unit tests in promtool's format, without rules."""
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump({"tests": list(tests)}))
    run_promtool("test", "rules", path)


def scrape() -> str:
    """The metrics of a service in which each event has already happened."""
    now = time.time()
    distribution = Distribution([1.0, float("inf")], [2, 3], 9.0)
    by_label = Counter({"one": 1, "another": 2})
    counters = Counters(
        consumed=9,
        delivered=4,
        released=1,
        lost_to_retention=2,
        lost_to_truncation=1,
        skipped=by_label,
        dead_lettered=by_label,
        requests=by_label,
        request_seconds=distribution,
        request_events=distribution,
        framings=by_label,
        changed_values=by_label,
        lookups=by_label,
        commits=Counter(ok=3, failed=1),
        rebalances=by_label,
    )
    partition = PartitionState(lag=5, records=2, memory_bytes=100, paused=True, oldest=now - 60)
    snapshot = Snapshot(
        loop_ran_at=0.0,
        counters=counters,
        waiting=1,
        in_flight=1,
        blocks=[Block("key", "http_401", now)],
        open_until={"": 5.0},
        partitions=dict.fromkeys(range(3), partition),
        settled_at=now - 5,
        is_group_member=True,
        draining=True,
    )
    return renderer(lambda: snapshot)().decode()


def metric_labels() -> Mapping[str, frozenset[str]]:
    """The labels of each metric in a scrape of the service."""
    declared = {PREFIX + metric.name: frozenset({metric.label} - {""}) for metric in METRICS}
    text = scrape()
    labels = {name: declared.get(name, frozenset()) for name in re.findall(r"^# TYPE (\S+) \S+", text, re.MULTILINE)}
    for name in re.findall(r"^# TYPE (\S+) histogram", text, re.MULTILINE):
        del labels[name]
        labels |= {f"{name}_bucket": frozenset({"le"}), f"{name}_sum": frozenset(), f"{name}_count": frozenset()}
    return labels


def selectors(expression: str) -> Iterator[Selector]:
    """The metrics that an expression selects, recognized by the prefix of the service or of the Prometheus client."""
    for metric, text in re.findall(rf"\b((?:{PREFIX}|process_)\w+)(?:\{{([^}}]*)\}})?", expression):
        matchers = {label: values.split("|") for label, values in re.findall(r'(\w+)[=!]~?"([^"]*)"', text)}
        yield Selector(metric, matchers)


def grouping_labels(expression: str) -> frozenset[str]:
    """The labels by which an expression aggregates or matches."""
    groups = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
    return frozenset(label.strip() for group in groups for label in group.split(","))
