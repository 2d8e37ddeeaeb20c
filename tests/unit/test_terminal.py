"""Tables: plain in a pipe, and wrapped to a terminal's width."""

import os
import pty
import subprocess
import sys

import pytest

from consumer.cli.terminal import table

SCRIPT = "from consumer.cli.terminal import table; table('Title', ('a', 'b'), [('x', 'one two three four ' * 3)])"


def test_a_table_in_a_pipe_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    table("Title", ("name", "what"), [("x", "one"), ("longer", "")], ["a note"])
    assert capsys.readouterr().out == "Title\nname    what\nx       one\nlonger\na note\n\n"


def test_a_table_on_a_terminal_wraps_its_last_column() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=theirs, env={**os.environ, "COLUMNS": "40"}) as it:
        assert it.wait(30) == 0
    lines = os.read(ours, 10_000).decode().split("\r\n")
    os.close(ours)
    os.close(theirs)
    assert lines[0] == "\x1b[1mTitle\x1b[0m"
    assert all(len(line) <= 40 for line in lines[1:])
    assert lines[2:4] == ["x  one two three four one two three four", "   one two three four"]
