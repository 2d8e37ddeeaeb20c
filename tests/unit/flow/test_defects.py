"""The command `run` with a defect in its code: one record's own, or one that ends the process."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker, records
from tests.support import KEYS, Flow, Member, is_refused, wait_until

SECRET = "data of a record"
OF_ONE_RECORD = f"""
from consumer.contract.compiler import ContractMapper
body = ContractMapper.body
def fail(self, decoded, record, *arguments):
    if (record.partition, record.offset) == (0, 3):
        raise KeyError("{SECRET}")
    return body(self, decoded, record, *arguments)
ContractMapper.body = fail
"""
OF_THE_LOOP = f"""
from consumer.pipeline.dispatcher import Dispatcher
apply_outcomes = Dispatcher.apply_outcomes
def fail(self, timeout=0):
    apply_outcomes(self, timeout)
    if self._reporter.counters.delivered >= 100:
        raise KeyError("{SECRET}")
Dispatcher.apply_outcomes = fail
"""
OF_CLOSING = f"""
from consumer.segment.workers import Workers
def fail(self):
    raise KeyError("{SECRET}")
Workers.close = fail
"""
"""Modules that Python imports at its start, before the command."""


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(broker.address, topic, segment)


def lines_of(member: Member) -> list[dict[str, object]]:
    """The JSON lines of the log."""
    return [json.loads(line) for line in member.lines if line.startswith("{")]


def without_data(member: Member) -> bool:
    return SECRET not in member.output and "Traceback" not in member.output


def test_a_defect_that_one_record_meets_rejects_that_record_alone(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(OF_ONE_RECORD)
    flow.produce(200)
    with flow.member(PYTHONPATH=str(tmp_path)) as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    ledger = flow.ledger()
    assert not ledger.lost
    assert len(ledger.unexpected) == 1
    reasons = [dead_letter.reason for dead_letter in flow.dead_letters()]
    assert reasons.count("internal_error") == 1
    (line,) = [line for line in lines_of(member) if line.get("reason") == "internal_error"]
    assert (line["event"], line["level"], line["partition"], line["offset"]) == ("record rejected", "error", 0, 3)
    assert str(line["detail"]).startswith("KeyError at consumer/pipeline/record_mapper.py:")
    headers = [dict(record.headers()) for record in records(flow.bootstrap, f"{flow.topic}.dead-letter")]
    (detail,) = {
        header["dead-letter-detail"] for header in headers if header["dead-letter-reason"] == b"internal_error"
    }
    assert detail.decode() == line["detail"]
    assert without_data(member)


def test_a_defect_that_ends_the_process_loses_nothing_and_is_named_in_one_line(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(OF_THE_LOOP)
    flow.settings = {"BATCH_MAX_EVENTS": "10"}
    flow.produce(600)
    with flow.member(PYTHONPATH=str(tmp_path)) as member:
        wait_until(lambda: member.has_ended, "the defect to end the process")
        assert member.end() == 1
    assert fatal_error(member).startswith("internal error: KeyError at consumer/pipeline/loop.py:")
    assert without_data(member)
    open_events = 10 * flow.partitions
    assert sum(flow.committed().values()) >= 100 - open_events
    with flow.member() as second:
        flow.wait_until_settled()
        assert second.terminate() == 0
    ledger = flow.ledger()
    assert not ledger.lost
    assert not ledger.unexpected
    assert not ledger.out_of_order
    assert len(ledger.duplicates) <= open_events


def test_a_defect_in_closing_a_part_is_named_in_one_line(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(OF_CLOSING)
    flow.produce(100)
    with flow.member(PYTHONPATH=str(tmp_path)) as member:
        flow.wait_until_settled()
        assert member.terminate() == 1
    assert fatal_error(member).startswith("internal error: KeyError")
    assert without_data(member)


def test_an_error_before_anything_is_read_is_one_line_of_the_log_and_no_other(flow: Flow) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with flow.member(HTTP_PORT=str(port)) as member:
            assert member.end() == 1
    assert fatal_error(member).startswith(f"cannot serve on HTTP_HOST=127.0.0.1 HTTP_PORT={port}: ")
    assert len(member.lines) == len(lines_of(member))


def fatal_error(member: Member) -> str:
    """The error of the one line that names it."""
    (fatal,) = [line for line in lines_of(member) if line["event"] == "fatal error, exiting"]
    assert fatal["level"] == "critical"
    return str(fatal["error"])
