"""What commands print: plain in a pipe, and wrapped to a terminal's width."""

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from consumer.cli.output import print_text, table
from tests.support import COMMAND

SCRIPT = "from consumer.cli.output import table; table('Title', ('a', 'b'), [('x', 'one two three four ' * 3)])"
TABLES = """
from consumer.cli import dead_letters, reconcile
from consumer.reasons import Reason
summary = dead_letters.ReasonSummary(123456, 23456, 1772442000000, 1782442000000, latest="123:1234567890")
dead_letters._print_table("sprig.responses.dead-letter", dict.fromkeys(Reason, summary), ["a note of many words " * 9])
counts = reconcile.Counts({(123, 500_000, state): 1_234_567 for state in reconcile.STATES})
reconcile._print_table(counts, dict.fromkeys(reconcile.STATES, 1_234_567), 7)
"""
LONG_LISTS = """
from collections import Counter
from consumer.cli import dead_letter_details, replay_summary
from consumer.cli.dry_run_report import DryRunResult, FirstRejection
from consumer.kafka.dead_letter_headers import StoredDeadLetter
from consumer.model import Record, RecordAddress, Rejected
from consumer.observability.snapshot import Block, Counters
from consumer.reasons import Reason
address, many = RecordAddress(123, 12345678901), Counter(dict.fromkeys(Reason, 1234567))
record = Record(*address, 1772442000000, None, b"", ())
event = f"{'0' * 16}-{address}-1772442000000", "Survey Answered"
rejected = Rejected("value_too_large", "decoding", "")
letter = StoredDeadLetter(record, record, "sprig.responses", rejected, 1, "1", *event)
dead_letter_details.print_line(letter, True, as_json=False)
passed_over = Counter(dict.fromkeys(replay_summary._PASSED_OVER, 1234567))
summary = replay_summary.ReplaySummary(1234567, many, many, passed_over, {"123": 12345678901})
summary.print_table(planned=True)
summary.print_table(planned=False)
rejections = dict.fromkeys(Reason, FirstRejection(address, "the detail, which has many words " * 4))
causes = "not_framed", "words " * 40, "AVRO_FRAMING", str(address)
blocks = [Block("partition 123", "rejected_before_success", 0.0, *causes)]
counters = Counters(delivered=1234567, skipped=many, dead_lettered=many)
DryRunResult({"production": 1234567}, counters, rejections, blocks, 1234567, False).print_table()
"""
OTHER_BUS = ("--schemas-dir", "schemas", "--schema", "schemas/cases/other-bus.avsc")


def on_a_terminal(command: Sequence[str], columns: int) -> list[str]:
    """The lines that a command prints on a terminal of this width, on standard output and standard error."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns)}
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        printed = b""
        while chunk := read(controller):
            printed += chunk
        process.wait(30)
    os.close(controller)
    return printed.decode().split("\r\n")


def read(controller: int) -> bytes:
    try:
        return os.read(controller, 10_000)
    except OSError:  # Linux reports the end of a terminal as an error
        return b""


def without_style(line: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", line)


def test_a_table_in_a_pipe_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    table("Title", ("name", "what"), [("x", "one"), ("longer", "")], ["a note"])
    assert capsys.readouterr().out == "Title\nname    what\nx       one\nlonger\na note\n\n"


def test_a_line_in_a_pipe_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_text("word " * 50 + "end\n  next", hanging=3)
    assert capsys.readouterr().out == "word " * 50 + "end\n  next\n"


def test_a_long_command_on_a_terminal_is_still_a_command(tmp_path: Path) -> None:
    """A shell that reads the printed lines runs the command with all its arguments."""
    arguments = ["check", "--contract-only", "--schemas-dir", "my folder", "--schema", "mine/sprig/answer.avsc"]
    script = f"from consumer.cli.output import print_command; print_command({shlex.join(arguments)!r})"
    lines = on_a_terminal([sys.executable, "-c", script], 60)
    assert len(lines) > 2
    assert not [line for line in lines if len(line) > 60]
    tool = tmp_path / "sprig-to-segment"
    tool.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    tool.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    shell = subprocess.run(
        ["sh", "-c", "\n".join(lines)], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert shell.stdout.splitlines() == arguments


def test_a_table_on_a_terminal_wraps_its_last_column() -> None:
    lines = on_a_terminal([sys.executable, "-c", SCRIPT], 40)
    assert lines[0] == "\x1b[1mTitle\x1b[0m"
    assert all(len(line) <= 40 for line in lines[1:])
    assert lines[2:4] == ["x  one two three four one two three four", "   one two three four"]


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-c", TABLES),
        (sys.executable, "-c", LONG_LISTS),
        (COMMAND, "contract", "show", "--schemas-dir", "schemas"),
        (COMMAND, "contract", "test", "--schemas-dir", "schemas"),
        (COMMAND, "contract", "test", "--schemas-dir", "tests"),
        (COMMAND, "check", "--contract-only", *OTHER_BUS),
        (COMMAND, "check"),
        (COMMAND, "check", "--env-file", "README.md"),
    ],
    ids=lambda command: " ".join(command[1:4]),
)
def test_what_a_command_prints_fits_the_terminal(command: tuple[str, ...], columns: int) -> None:
    root = Path(__file__).parents[3]
    lines = [without_style(line) for line in on_a_terminal(["env", "-C", str(root), *command], columns)]
    assert len(lines) > 1
    assert not [line for line in lines if len(line) > columns]
