"""What commands print: plain in a pipe, and wrapped to a terminal's width."""

import os
import pty
import re
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
