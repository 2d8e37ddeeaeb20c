"""Owns what applies to all tests: the seed, hypothesis without time limits, which process runs a test, the faults."""

import os
import time
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.faults import table

# The header prints the seed before the first test runs, because a test that ends its process prints nothing.
# Worker processes inherit the environment variable, and so the seed.
SEED = os.environ.setdefault("SEED", str(time.time_ns() % 2**32))

# In a fresh clone, hypothesis first builds its Unicode tables, which takes two seconds on a busy machine.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")

ON_THE_CLUSTER = "tests/faults/cluster/"


class ClusterScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """One process runs all tests on the cluster of brokers, which they share. Any process runs any other test."""

    def _split_scope(self, nodeid: str) -> str:
        return ON_THE_CLUSTER if nodeid.startswith(ON_THE_CLUSTER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ClusterScheduling | None:
    """(The marker `xdist_group` has no effect with pytest 9.2.)"""
    return ClusterScheduling(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_report_header() -> str:
    """The seed, which repeats the same random schedules and values."""
    return f"SEED={SEED}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the brokers logged last to the report of a test that failed."""
    report = yield
    last_lines = getattr(getattr(item, "funcargs", {}).get("kafka"), "last_lines", None)
    if report.failed and last_lines is not None:
        report.sections.append(("Kafka", last_lines()))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of faults, if any fault test ran, and that of the scenarios on the cluster."""
    for name, head in table.HEADS.items():
        if cells := table.rows(terminalreporter.stats.get("passed", []), name):
            terminalreporter.section(f"{name}s")
            terminalreporter.write_line(table.table(head, cells))
