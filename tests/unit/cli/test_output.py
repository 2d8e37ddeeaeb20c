"""Tables: plain in a pipe, and wrapped to a terminal's width."""

import os
import pty
import subprocess
import sys

import pytest

from consumer.cli.output import table

SCRIPT = "from consumer.cli.output import table; table('Title', ('a', 'b'), [('x', 'one two three four ' * 3)])"


def test_a_table_in_a_pipe_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    table("Title", ("name", "what"), [("x", "one"), ("longer", "")], ["a note"])
    assert capsys.readouterr().out == "Title\nname    what\nx       one\nlonger\na note\n\n"


def test_a_table_on_a_terminal_wraps_its_last_column() -> None:
    controller, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": "40"}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=terminal, env=environment) as process:
        assert process.wait(30) == 0
    lines = os.read(controller, 10_000).decode().split("\r\n")
    os.close(controller)
    os.close(terminal)
    assert lines[0] == "\x1b[1mTitle\x1b[0m"
    assert all(len(line) <= 40 for line in lines[1:])
    assert lines[2:4] == ["x  one two three four one two three four", "   one two three four"]
