"""The table at the end of a test run: what each fault cost."""

from typing import Any

HEAD = ("fault", "records", "lost", "duplicates", "recovery s")


def rows(reports: list[Any]) -> list[tuple[str, ...]]:
    found = [value for report in reports for name, value in report.user_properties if name == "fault"]
    return sorted(tuple(str(cell) for cell in row.values()) for row in found)


def table(cells: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in [HEAD, *cells]) for column in range(len(HEAD))]
    lines = [
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [HEAD, *cells]
    ]
    return "\n".join(lines)
