"""The benchmark's ratios: their spread is printed, and more CPU than at the last release is seen."""

from typing import Any

import pytest

from bench import comparison, report
from bench.broker import Broker
from bench.pairs import Pair
from bench.processes import Memory
from bench.rounds import RoundResult
from bench.shapes import SHAPES

BROKER = Broker("127.0.0.1:1", "embedded", 4, 1000)


def round_of(cpu: float, start: float) -> RoundResult:
    return RoundResult(1000, cpu, cpu + start, 2.0, Memory(60.0, 80.0), 2, 800_000, {})


def figures(*cpu: float, start: float = 0.5, shapes: tuple[str, ...] = ("reference",)) -> Any:
    """The figures of rounds whose floor takes a second, and 0.2 seconds for its start."""
    pairs = [Pair(round_of(1.0, 0.2), round_of(seconds, start)) for seconds in cpu]
    return report.figures(BROKER, dict.fromkeys(shapes, pairs), None)


def test_a_ratio_has_its_median_and_its_spread_without_and_with_the_start() -> None:
    ratios = report.ratios(figures(0.9, 1.3, 1.0, start=0.6))
    assert ratios == {
        "reference, after the start": {"median": 1.0, "lowest": 0.9, "highest": 1.3},
        "reference, whole process": {"median": 1.333, "lowest": 1.25, "highest": 1.583},
    }


def test_the_table_has_a_line_for_each_ratio() -> None:
    assert report.table(figures(0.9, 1.3, 1.0)).splitlines()[-2].split() == (
        ["reference,", "after", "the", "start", "1.000", "0.900", "1.300"]
    )


@pytest.mark.parametrize(("cpu", "expected"), [(0.5, "ok"), (1.0, "ok"), (1.049, "ok"), (1.06, "REGRESSION")])
def test_more_than_five_percent_above_the_last_release_is_a_regression(cpu: float, expected: str) -> None:
    _, after_start, _ = comparison.lines(figures(cpu), figures(1.0))
    assert after_start.split()[0] == expected
    assert f"{cpu - 1:+.1%} (at the last release 1.0, 1.0 to 1.0)" in after_start


def test_a_slower_start_is_a_regression_of_the_whole_process_alone() -> None:
    lines = comparison.lines(figures(1.0, start=0.6), figures(1.0, start=0.5))
    assert [line.split()[0] for line in lines[1:]] == ["ok", "REGRESSION"]
    assert lines[0] == "the last release was measured with 1000 reference records and the embedded broker"


def test_a_shape_that_the_last_release_did_not_measure_is_no_regression() -> None:
    measured = figures(1.2, shapes=("reference", "wide"))
    lines = comparison.lines(measured, figures(1.0))
    assert [line.split()[0] for line in lines[1:]] == ["REGRESSION", "REGRESSION", "new", "new"]
    assert lines[3].endswith(" 1.2 (not measured at the last release)")


def test_only_the_cost_after_the_start_is_limited() -> None:
    assert report.highest_after_start(figures(1.0, start=5.0)) == 1.0


def test_the_repository_has_ratios_of_shapes_at_the_last_release() -> None:
    released = report.ratios(comparison.released())
    assert {*comparison.released()["shapes"]} <= {*SHAPES}
    assert {part for row in released for part in row.split(", ")[1:]} == {report.AFTER_START, report.WHOLE}
    assert all(ratio["lowest"] <= ratio["median"] <= ratio["highest"] for ratio in released.values())
