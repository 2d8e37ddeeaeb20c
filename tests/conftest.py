"""Owns what holds for all tests: their seed, no verdict on how fast the machine is, the table of faults at the end."""

import os
import time
from typing import Any

from hypothesis import HealthCheck, settings

from tests.faults import table

# Told before anything runs, as a test that ends its process tells nothing. Worker processes take it over.
SEED = os.environ.setdefault("SEED", str(time.time_ns() % 2**32))

# In a fresh clone hypothesis first makes its tables of Unicode, which alone takes a busy machine two seconds.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


def pytest_report_header() -> str:
    """How to have the same random schedules and values again."""
    return f"SEED={SEED}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What each fault cost, where any was tried."""
    if cells := table.rows(terminalreporter.stats.get("passed", [])):
        terminalreporter.section("faults")
        terminalreporter.write_line(table.table(cells))
