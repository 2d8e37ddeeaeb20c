"""What `status` prints: it fits a terminal, says who has to act and why, and its exit code agrees."""

import json
import os
from dataclasses import replace

import pytest
from click.testing import CliRunner

from consumer.cli import output
from consumer.cli.group_text import MAX_ROWS, print_group
from consumer.cli.main import main
from consumer.kafka.group_findings import group_findings
from consumer.kafka.group_view import NO_OFFSET, GroupMember, GroupPartition, GroupState, GroupView

NOW = 1_800_000_000_000  # 2027-01-15 08:00:00 UTC
OWNER = GroupMember("sprig-to-segment-0.1.0-uuid", "sprig-to-segment-0.1.0", "10.0.13.117", "", (0, 1))
SETTLED = GroupPartition(0, OWNER, 1_000_000_000, 0, 1_000_000_000, NOW - 3_600_000, None, "")
ALONE = {"PATH": os.environ["PATH"], "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}


def printed(
    view: GroupView, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, all_partitions: bool = False
) -> str:
    """On a terminal of 80 columns."""
    monkeypatch.setattr(output, "_terminal_width", lambda stream: 80)
    print_group(view, group_findings(view), all_partitions)
    return capsys.readouterr().out


def view(
    *partitions: GroupPartition, state: GroupState = GroupState.STABLE, problems: tuple[str, ...] = ()
) -> GroupView:
    return GroupView("sprig.responses", "sprig-to-segment", state, partitions, (OWNER,), NOW, problems)


def test_everything_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    worst = replace(SETTLED, partition=499, owner=None, committed=4, oldest_at=NOW - 7_200_000)
    blocked = [replace(worst, partition=number, block="rejected_before_success") for number in range(100, 130)]
    text = printed(view(SETTLED, worst, *blocked, problems=("no broker answers: " * 8,)), capsys, monkeypatch)
    assert max(map(len, text.splitlines())) <= 80
    assert "no_owner (partition 499, 100," in text
    assert " and 19 more)" in text


def test_all_is_well_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(view(SETTLED), capsys, monkeypatch)
    assert "Nothing to do." in text
    assert "2027-01-15 08:00:00 UTC" in text
    assert "1 h ago" in text


def test_what_is_unknown_is_never_0(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(view(GroupPartition(3), state=GroupState.UNKNOWN), capsys, monkeypatch)
    (row,) = [line.split() for line in text.splitlines() if line.startswith("3 ")]
    assert row == ["3", *["unknown"] * 6]
    assert "members unknown" in text
    empty = printed(GroupView("topic", "group", read_at=NOW), capsys, monkeypatch)
    assert "partitions unknown, lag unknown" in empty


def test_a_partition_that_nobody_committed_and_one_without_an_owner_say_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed(view(GroupPartition(3, None, NO_OFFSET, 0, 5)), capsys, monkeypatch)
    (row,) = [line.split() for line in text.splitlines() if line.startswith("3 ")]
    assert row == ["3", "none", "none", "5", "unknown", "-", "-"]


def test_of_a_large_topic_the_partitions_that_need_nobody_are_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [replace(SETTLED, partition=number) for number in range(500)]
    rows[77] = replace(rows[77], committed=5, moved_at=NOW)
    assert len(rows) > MAX_ROWS
    text = printed(view(*rows), capsys, monkeypatch)
    assert "499 partitions without lag: list them with --all." in text
    assert len(text.splitlines()) < 20
    assert len(printed(view(*rows), capsys, monkeypatch, all_partitions=True).splitlines()) > 500


def test_a_clock_ahead_of_this_one_is_no_negative_age(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "0 s ago" in printed(view(replace(SETTLED, moved_at=NOW + 60_000)), capsys, monkeypatch)


def test_hostile_texts_of_members_are_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = replace(OWNER, client_id="\x1b[31mred\u202e")
    text = printed(replace(view(SETTLED), members=(hostile,)), capsys, monkeypatch)
    assert "\x1b[31m" not in text
    assert "\u202e" not in text


def test_without_a_broker_the_command_fails_and_names_the_rule() -> None:
    result = CliRunner().invoke(main, ["status", "--json"], env=ALONE)
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert [finding["rule"] for finding in report["findings"]] == ["unknown"]
    assert report["lag"] is None
    assert report["read_at"].endswith("Z")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ([], {"KAFKA_BOOTSTRAP_SERVERS": ""}),
        ([], {**ALONE, "KAFKA_CONFIG": '{"no.such.option": 1}'}),
        (["--watch", "0"], ALONE),
        (["--stalled-minutes", "0"], ALONE),
    ],
    ids=str,
)
def test_wrong_settings_and_options_are_bad_usage(arguments: list[str], environment: dict[str, str]) -> None:
    assert CliRunner().invoke(main, ["status", *arguments], env=environment).exit_code == 2
