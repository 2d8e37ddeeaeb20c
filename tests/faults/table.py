"""Owns the tables at the end of a test run: one row for each fault or scenario of the cluster, with its cost."""

from typing import Any

HEADS = {
    "fault": ("fault", "records", "lost", "duplicates", "recovery s"),
    "scenario": (
        "scenario",
        "took s",
        "records",
        "lost",
        "repeats",
        "median s",
        "worst s",
        "exit codes/s after request",
    ),
}
"""The head of each table, by the property of the tests that have its rows."""


def rows(reports: list[Any], name: str) -> list[tuple[str, ...]]:
    """The rows of one table among these pytest reports, sorted."""
    properties = [value for report in reports for key, value in report.user_properties if key == name]
    return sorted(tuple(str(cell) for cell in row.values()) for row in properties)


def table(head: tuple[str, ...], cells: list[tuple[str, ...]]) -> str:
    """The rows as text. The first column is aligned left, all others right."""
    widths = [max(len(row[column]) for row in [head, *cells]) for column in range(len(head))]
    return "\n".join(_line(row, widths) for row in [head, *cells])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, *numbers = row
    name_width, *number_widths = widths
    right_aligned = [cell.rjust(width) for cell, width in zip(numbers, number_widths, strict=True)]
    return "  ".join([name.ljust(name_width), *right_aligned])
