"""The advice on each condition: its section of the runbook exists, and its command is one."""

import re
import socket
from dataclasses import replace

import pytest

from consumer.observability.advice import advice
from consumer.observability.conditions import Condition, ConditionKind, conditions
from consumer.observability.snapshot import Block, Snapshot
from consumer.reasons import BlockReason
from consumer.web import documentation
from tests.unit.test_quoted_commands import test_a_quoted_command_exists_with_its_options as check_command

RUNBOOK_IDS = set(re.findall(r'id="([^"]+)"', documentation.page("runbook").text.decode()))
BLOCKS = [*map(str, BlockReason), "http_418", "200_not_segment", "undecodable", "stuck_http_500"]
CONDITIONS = [
    *(Condition(kind, "", None) for kind in ConditionKind if kind != ConditionKind.BLOCKED),
    *(
        Condition(
            ConditionKind.BLOCKED, "key", None, block={"reason": reason, "records": records, "reject_reason": rejected}
        )
        for reason in BLOCKS
        for records in ("", "0:17, 3:1042 and 5 more")
        for rejected in ("", "undecodable")
    ),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_the_advice_leads_to_the_runbook_and_says_everything(condition: Condition) -> None:
    given = advice(condition)
    assert given.anchor in RUNBOOK_IDS
    assert given.label
    assert given.text.endswith(".")
    assert given.todo.endswith(".")
    assert given.lost.endswith(".")


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_the_command_exists(condition: Condition) -> None:
    command = advice(condition).command
    product = command.removeprefix("sprig-to-segment ")
    if product != command:
        check_command("status page", product)
    else:
        assert not command or command.startswith("kubectl ")


def test_the_command_shows_the_first_record_of_a_block() -> None:
    block = {"reason": "rejected_before_success", "records": "0:17, 3:1042", "reject_reason": "undecodable"}
    given = advice(Condition(ConditionKind.BLOCKED, "key", None, block=block))
    assert given.command == "sprig-to-segment preview --from 0:17 --count 1"


@pytest.mark.parametrize("reason", ["http_401", "offset_out_of_range", "log_truncated", "unreadable_batch"])
def test_a_record_that_was_not_rejected_is_not_previewed(reason: str) -> None:
    block = {"reason": reason, "records": "0:17", "reject_reason": ""}
    assert advice(Condition(ConditionKind.BLOCKED, "key", None, block=block)).command == "sprig-to-segment check"


@pytest.mark.parametrize(
    ("block", "todo"),
    [
        (Block("key of production", "http_401", 0.0), "The service probes the key, and continues by itself"),
        (Block("partition 3", "undecodable", 0.0, partition=3), "A blocked partition continues after a restart."),
    ],
    ids=lambda value: value.target if isinstance(value, Block) else "",
)
def test_a_key_and_a_partition_continue_in_different_ways(block: Block, todo: str) -> None:
    (condition,) = conditions(replace(Snapshot(0.0, is_group_member=True), blocks=[block]), {}, 0.0, 0.0)
    assert todo in advice(condition).todo


def test_requests_that_fail_lead_to_the_log_because_a_check_sends_none() -> None:
    assert advice(Condition(ConditionKind.WAITING_FOR_SEGMENT, "", None)).command.startswith("kubectl logs ")


def test_the_log_is_that_of_this_pod() -> None:
    assert socket.gethostname() in advice(Condition(ConditionKind.STUCK, "", None)).command


def test_something_is_lost_only_where_the_text_says_so() -> None:
    losing = {condition.kind for condition in CONDITIONS if not advice(condition).lost.startswith("Nothing is lost.")}
    assert losing == {
        ConditionKind.RECORDS_LOST,
        ConditionKind.LOG_TRUNCATED,
        ConditionKind.LOST_BEFORE,
        ConditionKind.UNACCOUNTED,
    }
