"""`make soak` in a minute, and the trends by which it fails."""

import os
import subprocess
import sys

import pytest

from tests.pages import ROOT
from tests.soak.trends import BOUNDS, Trend, table, trend

SPIKE = [*[100.0] * 50, *[400.0] * 10]


def test_a_spike_is_no_growth() -> None:
    assert trend("memory", SPIKE * 10) == Trend("memory", 100.0, 0.0)


@pytest.mark.parametrize("seconds", [60, 3600])
def test_growth_is_noticed_below_spikes(seconds: int) -> None:
    leak = 2 * BOUNDS["memory"].growth / seconds
    samples = [SPIKE[second % len(SPIKE)] + leak * second for second in range(seconds)]
    grown = trend("memory", samples)
    assert not grown.is_kept
    assert "TOO MUCH" in table([grown])


def test_what_grows_in_the_warm_up_does_not_count() -> None:
    assert trend("memory", [*map(float, range(20)), *[20.0] * 60]).growth == 0


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_command_ends_by_itself_and_prints_a_line_for_each_trend() -> None:
    command = [sys.executable, "-m", "tests.soak.run"]
    soak = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "SOAK_MINUTES": "1"}, capture_output=True, text=True, check=False
    )
    assert soak.returncode == 0, soak.stdout + soak.stderr
    assert [line.split()[0] for line in soak.stdout.splitlines()[2:]] == list(BOUNDS)
