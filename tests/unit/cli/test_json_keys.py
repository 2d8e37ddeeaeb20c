"""The keys of the commands' JSON, which never change: scripts of operators depend on them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from consumer.cli import replay_summary
from consumer.cli.check_result import ok
from consumer.cli.compat import CheckedSchema
from consumer.cli.dead_letters import ReasonSummary
from consumer.cli.output import as_dict
from consumer.cli.replay_summary import ReplaySummary
from consumer.contract.findings import Finding
from consumer.model import MappedRecord, Record, Rejected, Skipped, TrackEvent, WriteKey

RECORD = Record(1, 2, 1772442000000, None, b"", ())
ADDRESS = {"partition": 1, "offset": 2, "timestamp": "2026-03-02T09:00:00.000Z"}


@pytest.mark.parametrize(
    ("mapped", "outcome"),
    [
        (
            TrackEvent(RECORD, WriteKey("production", "key"), b'{"userId": "u"}'),
            {"outcome": "call", "environment": "production", "call": {"userId": "u"}},
        ),
        (Skipped("no_user_id"), {"outcome": "skipped", "reason": "no_user_id"}),
        (
            Rejected("invalid", "mapping", "/event", "s"),
            {"outcome": "set_aside", "reason": "invalid", "stage": "mapping", "detail": "/event", "schema": "s"},
        ),
    ],
)
def test_an_outcome(mapped: MappedRecord, outcome: Mapping[str, Any]) -> None:
    assert as_dict(RECORD, mapped) == {**ADDRESS, **outcome}


def test_a_replay() -> None:
    passed_over = Counter(dict.fromkeys(replay_summary._PASSED_OVER, 1))
    assert ReplaySummary(3, Counter(invalid=2), Counter(rule=1), passed_over, {"0": 4}).as_dict() == {
        "sent": 3,
        "set_aside": {"invalid": 2},
        "skipped": {"rule": 1},
        "passed": {
            "no letter of this topic": 1,
            "not chosen": 1,
            "replayed before": 1,
            "deleted by Kafka": 1,
            "no such record": 1,
            "not delivered yet": 1,
        },
        "deleted_offsets": {"0": 4},
    }


def test_a_reason_of_dead_letters() -> None:
    assert [*ReasonSummary(last=0, first=0).as_dict()] == [
        *("letters", "replayed", "first", "last", "partitions", "latest")
    ]


def test_a_check() -> None:
    assert ok("proxy", "none").as_dict() == {"state": "ok", "what": "proxy", "found": "none"}


def test_a_finding() -> None:
    checked = CheckedSchema("s", "r", "c", [Finding("note", "/userId", "always the default")])
    assert checked.as_dict()["findings"] == [{"weight": "note", "place": "/userId", "what": "always the default"}]
