"""Owns what holds for all tests: no verdict on how fast the machine is, and the table of faults at the end."""

from typing import Any

from hypothesis import HealthCheck, settings

from tests.faults import table

# In a fresh clone hypothesis first makes its tables of Unicode, which alone takes a busy machine two seconds.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What each fault cost, where any was tried."""
    if cells := table.rows(terminalreporter.stats.get("passed", [])):
        terminalreporter.section("faults")
        terminalreporter.write_line(table.table(cells))
