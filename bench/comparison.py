"""The ratios of a run, compared with those of the last release, which are in the repository."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.report import ratios

RELEASED = Path(__file__).with_name("released.json")
"""Written by `bench ratio --json` at each release."""

LIMIT = 1.05
"""An event may cost this many times what it cost at the last release."""


def lines(measured: Mapping[str, Any], released: Mapping[str, Any]) -> list[str]:
    """
    How the release was measured, and a line for each ratio: it begins with REGRESSION beyond LIMIT.

    It begins with "new" for a shape that the release did not measure. The medians are compared. The floor is the same
    program in both, so that ratios of two machines can be compared, and seconds cannot.
    """
    before = ratios(released)
    return [
        _conditions(released),
        *(_line(row, ratio["median"], before.get(row)) for row, ratio in ratios(measured).items()),
    ]


def released() -> Mapping[str, Any]:
    figures: Mapping[str, Any] = json.loads(RELEASED.read_text())
    return figures


def _conditions(released: Mapping[str, Any]) -> str:
    """A start weighs more in a short run, so only runs of the same length have comparable rows for it."""
    records = ", ".join(f"{shape['records']} {name} records" for name, shape in released["shapes"].items())
    return f"the last release was measured with {records} and the {released['broker']} broker"


def _line(row: str, median: float, before: Mapping[str, float] | None) -> str:
    if before is None:
        return f"{'new':12}{row:30}{median} (not measured at the last release)"
    change = median / before["median"]
    verdict = "REGRESSION" if change > LIMIT else "ok"
    spread = f"{before['lowest']} to {before['highest']}"
    return f"{verdict:12}{row:30}{change - 1:+.1%} (at the last release {before['median']}, {spread})"
