"""What tests of rules and dashboard share: promtool, the product's own metrics, and what an expression names."""

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
from consumer.observability.snapshot import Counts, Distribution, Held, Hold, Snapshot

ROOT = Path(__file__).parents[2]
SCRAPED = frozenset({"namespace", "job", "instance"})
"""Labels that a scrape adds."""


class Named(NamedTuple):
    """A metric as an expression selects it: what stands behind the values of its matchers is a list of words."""

    metric: str
    matchers: Mapping[str, list[str]]


@cache
def promtool() -> str:
    return subprocess.check_output(
        [ROOT / "tests" / "infra" / "debian_tool", "promtool", "prometheus"], text=True
    ).strip()


def checked(*arguments: str | Path) -> None:
    """Let promtool do this; it says what is wrong."""
    done = subprocess.run([promtool(), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def passes(folder: Path, *tests: object) -> None:
    """Let promtool run unit tests without rules, in its own form."""
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump({"tests": list(tests)}))
    checked("test", "rules", path)


def scrape() -> str:
    """The metrics of a service in which everything has happened already."""
    now, many = time.time(), Distribution([1.0, float("inf")], [2, 3], 9.0)
    once = Counter({"one": 1, "another": 2})
    counts = Counts(9, 4, 1, 2, once, once, once, many, many, once, once, Counter(ok=3, failed=1), once)
    held = {number: Held(5, 2, 100, paused=True, oldest=now - 60) for number in range(3)}
    holds = [Hold("key", "http_401", now)]
    snapshot = Snapshot(0.0, counts, 1, 1, holds, {"": 5.0}, held, settled_at=now - 5, joined=True, handing_over=True)
    return renderer(lambda: snapshot)().decode()


def labels() -> Mapping[str, frozenset[str]]:
    """Each metric that a scrape of the product has, with its labels."""
    own = {PREFIX + it.name: frozenset({it.label} - {""}) for it in METRICS}
    text = scrape()
    found = {name: own.get(name, frozenset()) for name, _ in re.findall(r"^# TYPE (\S+) (\S+)", text, re.MULTILINE)}
    for name in re.findall(r"^# TYPE (\S+) histogram", text, re.MULTILINE):
        del found[name]
        found |= {f"{name}_bucket": frozenset({"le"}), f"{name}_sum": frozenset(), f"{name}_count": frozenset()}
    return found


def selectors(expression: str) -> Iterator[Named]:
    """The metrics that it names, by the product's prefix or the Prometheus client's."""
    for metric, matchers in re.findall(rf"\b((?:{PREFIX}|process_)\w+)(?:\{{([^}}]*)\}})?", expression):
        yield Named(metric, {name: values.split("|") for name, values in re.findall(r'(\w+)[=!]~?"([^"]*)"', matchers)})


def groupings(expression: str) -> frozenset[str]:
    """The labels that it aggregates by, or matches on."""
    lists = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
    return frozenset(name.strip() for listed in lists for name in listed.split(","))
