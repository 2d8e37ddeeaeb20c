"""The clock of a member is hours off, as on a node whose time service has failed."""

import time
from datetime import datetime
from pathlib import Path

import pytest

from consumer.demo import fault_scripts
from tests.faults.fault_scripts import throttle_until_date
from tests.faults.params import in_one_protocol
from tests.faults.scenario import Report, scenario
from tests.support import Flow

HOURS_OFF = pytest.mark.parametrize("hours", [3, -3], ids=["ahead", "behind"])


def clock(hours: int) -> dict[str, str]:
    """The environment variables of a member whose clock is that many hours off."""
    return {"PYTHONPATH": str(Path(__file__).parent / "clock"), "CLOCK_OFF_SECONDS": str(hours * 3600)}


@HOURS_OFF
@in_one_protocol("consumer")
def test_a_clock_that_is_hours_off_loses_nothing_and_repeats_nothing(
    flow: Flow, hours: int, is_long: bool, report: Report
) -> None:
    """Partitions move between this member and one with the right time."""
    with scenario(flow) as trial:
        trial.replace("off", **clock(hours))
        trial.progress()
        for _ in range(5 if is_long else 1):
            trial.replace("right")
            trial.progress()
            trial.leave("off")
            trial.progress()
            trial.replace("off", **clock(hours))
            trial.leave("right")
            trial.progress()
        trial.fault_ended()
        report(trial.finish(f"clock {hours:+} h, {flow.protocol}", min_delivered=300, max_duplicates=0))


@HOURS_OFF
@in_one_protocol("consumer")
def test_a_wait_until_a_date_is_as_long_as_segment_asks_for(flow: Flow, hours: int) -> None:
    """The date and that of the response are of Segment's clock. `sentAt` is of the member's clock."""
    throttle = throttle_until_date(4)
    differences: list[float] = []  # seconds that `sentAt` is ahead of Segment's clock
    waits: list[float] = []  # seconds from each 429 to the next request with the same key
    throttled_at: dict[str, float] = {}

    def script(batch: fault_scripts.ReceivedBatch) -> fault_scripts.ScriptedResponse | None:
        now = time.time()
        differences.append(datetime.fromisoformat(batch.sent_at).timestamp() - now)
        if batch.key in throttled_at:
            waits.append(now - throttled_at.pop(batch.key))
        if response := throttle(batch):
            throttled_at[batch.key] = now
        return response

    flow.settings = {"MAX_REQUESTS_IN_FLIGHT": "1"}  # otherwise a request can be on its way at the 429 of another one
    with scenario(flow, script=script) as trial:
        trial.replace("off", **clock(hours))
        trial.progress(seconds=30)
        trial.finish("", min_delivered=100, max_duplicates=0)
    assert all(abs(difference - hours * 3600) < 60 for difference in differences)
    assert len(waits) == 4
    assert min(waits) > 1
