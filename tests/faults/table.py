"""Owns the table at the end of a test run: one row for each fault, with its cost."""

from typing import Any

HEAD = ("fault", "records", "lost", "duplicates", "recovery s")


def rows(reports: list[Any]) -> list[tuple[str, ...]]:
    """The rows of the fault tests among these pytest reports, sorted."""
    properties = [value for report in reports for name, value in report.user_properties if name == "fault"]
    return sorted(tuple(str(cell) for cell in row.values()) for row in properties)


def table(cells: list[tuple[str, ...]]) -> str:
    """The rows as text. The first column is aligned left, all others right."""
    widths = [max(len(row[column]) for row in [HEAD, *cells]) for column in range(len(HEAD))]
    return "\n".join(_line(row, widths) for row in [HEAD, *cells])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    fault, *numbers = row
    fault_width, *number_widths = widths
    right_aligned = [cell.rjust(width) for cell, width in zip(numbers, number_widths, strict=True)]
    return "  ".join([fault.ljust(fault_width), *right_aligned])
