"""docs/metrics.md is the page that `make docs` writes, and its label values are those that the code counts."""

import re
from pathlib import Path

from consumer import paths
from consumer.contract.compiler import Contracts
from consumer.observability.metrics_docs import VALUES, page
from consumer.pipeline.record_mapper import TEXT_REPAIRED
from consumer.pipeline.status_reporter import OUTCOMES

ROOT = Path(__file__).parents[3]


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text() == page(), "run `make docs`"


def test_the_outcomes_of_requests_are_those_that_are_counted() -> None:
    assert set(OUTCOMES.values()) | {"throttled"} == set(VALUES["requests_total"])


def test_the_changes_of_values_are_those_that_are_counted() -> None:
    contracts = Contracts(paths.schemas(), "1.2.3")
    assert {*contracts.invalid_values, TEXT_REPAIRED} == set(VALUES["changed_values_total"])


def test_the_kinds_of_rebalances_are_those_that_are_counted() -> None:
    loop = (ROOT / "consumer" / "pipeline" / "loop.py").read_text()
    assert set(re.findall(r'rebalanced\("(\w+)"', loop)) == set(VALUES["rebalances_total"])
