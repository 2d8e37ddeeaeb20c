"""Which passes of a replay run: each one with records, until one of them does not complete or a signal says stop."""

import threading
from collections.abc import Mapping

import pytest

from consumer.cli.replay import run_passes
from consumer.cli.replay_pass import ReplayPass, ReplayResult
from consumer.cli.replay_summary import ReplaySummary
from consumer.kafka.dead_letters import record_itself


def replay_pass(topic: str, total: int) -> ReplayPass:
    return ReplayPass(topic, "group", {}, {}, lambda mapper: mapper.map, record_itself, total)


PASSES = replay_pass("dead letters", 3), replay_pass("answers", 4)


class Runner:
    """Runs passes of which each completes, except for those in `blocked`. A stop is asked for in those in `stopped`."""

    def __init__(self, blocked: Mapping[str, Mapping[str, int]], stopped: str) -> None:
        self._blocked, self._stopped = blocked, stopped
        self.requested = threading.Event()
        self.topics: list[str] = []

    def run(self, replay_pass: ReplayPass) -> ReplayResult:
        self.topics.append(replay_pass.topic)
        if replay_pass.topic == self._stopped:
            self.requested.set()
        blocked = self._blocked.get(replay_pass.topic, {})
        return ReplayResult(ReplaySummary(), not blocked, blocked)


@pytest.mark.parametrize(
    ("blocked", "stopped", "topics"),
    [
        pytest.param({}, "", ["dead letters", "answers"], id="both"),
        pytest.param({"dead letters": {"http_401": 1}}, "", ["dead letters"], id="the first is blocked"),
        pytest.param({}, "dead letters", ["dead letters"], id="a signal at the end of the first"),
        pytest.param({}, "answers", ["dead letters", "answers"], id="a signal in the second"),
    ],
)
def test_a_pass_follows_only_a_pass_that_completed_without_a_signal(
    blocked: Mapping[str, Mapping[str, int]], stopped: str, topics: list[str]
) -> None:
    runner = Runner(blocked, stopped)
    results = run_passes(PASSES, runner.run, runner.requested)
    assert runner.topics == topics
    assert len(results) == len(topics)


def test_a_pass_without_records_is_not_run() -> None:
    runner = Runner({}, "")
    run_passes((replay_pass("dead letters", 0), PASSES[1]), runner.run, runner.requested)
    assert runner.topics == ["answers"]
