"""`reconcile` reports nothing for a period in which no record can be, because "nothing is missing" would be wrong."""

import pytest
from click.testing import CliRunner

from consumer.cli.main import main


@pytest.mark.parametrize("end", ["2026-03-02", "2026-02-03"])
def test_a_period_that_ends_before_it_begins_is_a_mistake(end: str) -> None:
    words = ["reconcile", "--from", "2026-03-02", "--to", end, "--delivered", "-"]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for --to: must be after --from" in result.stderr


def test_a_period_that_begins_in_the_future_is_a_mistake() -> None:
    result = CliRunner().invoke(main, ["reconcile", "--from", "2999-01-01", "--delivered", "-"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for --from: must be in the past" in result.stderr
