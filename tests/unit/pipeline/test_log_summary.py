"""The log line with counts: each settled record is in one line, and what is not known is not a number."""

import logging
from typing import Any

import pytest

from consumer.model import Accepted, Retry
from consumer.observability.snapshot import Block, Counters, PartitionState, Snapshot
from consumer.pipeline.log_summary import LogSummary
from consumer.pipeline.status_reporter import StatusReporter
from tests.unit.pipeline.pipeline_world import PipelineWorld

FIELDS = (
    "seconds",
    "delivered",
    "skipped",
    "dead_lettered",
    "failed_requests",
    "lag",
    "waiting",
    "in_flight",
    "blocked",
    "assigned",
)


@pytest.fixture(autouse=True)
def at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def summaries(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [vars(record) for record in caplog.records if record.msg == "summary"]
    return [{name: line[name] for name in FIELDS} for line in lines]


def log_at(summary: LogSummary, now: float, **state: Any) -> None:
    summary.log_if_due(Snapshot(now, **state), now)


def test_each_settled_record_is_in_one_line_and_the_state_is_the_present_one(caplog: pytest.LogCaptureFixture) -> None:
    world = PipelineWorld(partitions=2)
    world.reporter._summary = LogSummary(60, 0.0)
    world.group.give(0, b"a", b"skip", b"b", b"undecodable")
    world.run_once()
    world.run_once(2.0)
    world.workers.answer(Retry("http_500"))
    world.run_once()
    world.run_once(57.5)
    assert not summaries(caplog)  # the interval is not over
    world.workers.answer(Accepted())
    world.dead_letters.confirm()
    world.run_once(0.5)
    world.group.give(1, b"c", b"d")
    world.run_once(60.0)
    first, second = summaries(caplog)
    counts = {"delivered": 2, "skipped": 1, "dead_lettered": 1, "failed_requests": 1}
    settled = {"waiting": 0, "in_flight": 0, "blocked": 0, "assigned": 2}
    assert first == {"seconds": 60, "lag": None, **counts, **settled}
    assert second == {"seconds": 60, "lag": None, **dict.fromkeys(counts, 0), **settled, "in_flight": 2}


def test_a_member_without_records_says_so(caplog: pytest.LogCaptureFixture) -> None:
    log_at(LogSummary(60, 0.0), 61.0)
    assert summaries(caplog) == [{**dict.fromkeys(FIELDS, 0), "seconds": 61}]


@pytest.mark.parametrize(("lags", "shown"), [((3, 4), 7), ((0, 0), 0), ((3, -1), None), ((), 0)])
def test_the_lag_is_a_number_only_if_it_is_known_for_each_partition(
    lags: tuple[int, ...], shown: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    partitions = {number: PartitionState(lag=lag) for number, lag in enumerate(lags)}
    log_at(LogSummary(1, 0.0), 1.0, partitions=partitions, blocks=[Block("key", "http_401", 1.0)])
    (line,) = summaries(caplog)
    assert (line["lag"], line["blocked"]) == (shown, 1)


def test_an_interval_of_0_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    log_at(LogSummary(0, 0.0), 1e6, counters=Counters(delivered=1))
    assert not summaries(caplog)


def test_blocks_of_other_parts_are_blocks_of_the_member() -> None:
    world, block = PipelineWorld(), Block("audit log", "audit_log_not_written", 1.0)
    world.reporter = StatusReporter(0.0, other_blocks=lambda: [block])
    world.loop._reporter = world.reporter
    world.run_once()
    assert world.reporter.latest().blocked == {"audit_log_not_written": 1}
