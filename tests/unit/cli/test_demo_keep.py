"""A demo that is kept: what it prints runs as printed in any shell, beside another demo, until Ctrl-C ends it."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests.support import COMMAND

LAST_LINE = "All this stays up until Ctrl-C"
COUNT = 100


@dataclass
class KeptDemo:
    """A running demo."""

    process: subprocess.Popen[str]

    @cached_property
    def lines(self) -> Sequence[str]:
        """What the demo printed, up to the last line of a demo that is kept."""
        assert self.process.stdout
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip())
            if line.startswith(LAST_LINE):
                break
        return lines

    @property
    def commands(self) -> Sequence[str]:
        return [line.strip() for line in self.lines if line.startswith("  env -i ")]

    @property
    def addresses(self) -> Sequence[str]:
        return re.findall(r"127\.0\.0\.1:\d+", "\n".join(self.lines))


@contextmanager
def kept_demo() -> Iterator[KeptDemo]:
    words = [COMMAND, "demo", "--count", str(COUNT), "--keep"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield KeptDemo(process)
        finally:
            process.kill()


def run_in_another_shell(command: str) -> subprocess.CompletedProcess[str]:
    """In another folder, and with settings of another cluster. Of this shell it has nothing but its PATH."""
    others = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "KAFKA_TOPIC": "others", "SEGMENT_WRITE_KEY": "other"}
    environment = {"PATH": os.environ["PATH"], **others}
    return subprocess.run(
        command, shell=True, cwd="/", env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def test_the_printed_commands_run_as_printed_beside_a_second_demo() -> None:
    with ExitStack() as running:
        first, second = (running.enter_context(kept_demo()) for _ in range(2))
        assert len(first.addresses) == len(second.addresses) == 3
        assert not set(first.addresses) & set(second.addresses)
        with ThreadPoolExecutor() as shells:
            preview, dead_letters, reconcile = shells.map(run_in_another_shell, first.commands)
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(30) == 0
        folders = [Path(word).parent for word in first.commands[0].split() if word.endswith("demo.env")]
        assert not any(folder.exists() for folder in folders)
    assert [preview.returncode, dead_letters.returncode, reconcile.returncode] == [0, 0, 0], reconcile.stderr
    assert {"outcome", "partition"} <= set(json.loads(preview.stdout.splitlines()[0]))
    assert "undecodable" in dead_letters.stdout
    *_, totals, ids = reconcile.stdout.strip().splitlines()
    delivered, _, _, waiting, missing = (int(number) for number in totals.split()[1:])
    assert (waiting, missing) == (0, 0)
    assert ids.startswith(f"{delivered} messageId")
    assert sum(map(int, totals.split()[1:])) == COUNT


def test_ctrl_c_in_the_middle_ends_the_demo_with_an_account_of_what_is_left() -> None:
    words = [COMMAND, "demo", "--count", "5000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        steps = [process.stderr.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=100)
    assert [step.split()[0] for step in steps] == ["Starting", "Producing"]
    assert process.returncode == 1
    assert "Interrupted after" in output
    assert re.search(r"lost +0 ", output)
    assert re.search(r"left +\d+ ", output)
    assert "Traceback" not in output + errors


def test_without_a_folder_for_files_the_error_names_the_variable(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    script = f"import tempfile; tempfile.tempdir = {str(no_folder)!r}; from consumer.cli.main import main; main()"
    words = [str(Path(COMMAND).parent / "python"), "-c", script, "demo", "--keep"]
    refused = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("--keep needs a folder for temporary files: Not a directory.")
    assert "TMPDIR" in refused.stderr


@pytest.mark.parametrize("target", ["install", "demo"])
def test_make_names_a_folder_that_cannot_be_created(target: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    venv = tmp_path / "file" / "venv"
    make = subprocess.run(
        ["make", target, f"VENV={venv}"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert make.returncode == 2
    assert f"{venv} cannot be written: choose another folder, as in: make {target} VENV=/tmp/venv" in make.stderr
