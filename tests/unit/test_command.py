"""The command line, as a user meets it: help, exit codes, one clear line a mistake and never a stack trace."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from consumer.cli.main import main
from tests.support import COMMAND

NEEDED = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "SEGMENT_WRITE_KEY": "top-secret-key", "HTTP_PORT": "0"}


def called(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run([COMMAND, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    assert "top-secret-key" not in done.stdout + done.stderr
    return done


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield *path, name


@pytest.mark.parametrize("words", list(commands(main)), ids=" ".join)
def test_help_teaches_by_example(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*words, "--help"])
    assert shown.exit_code == 0
    examples = shown.output.partition("Example")[2]
    assert " ".join(("sprig-to-segment", *words)) in examples


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(shell: str) -> None:
    script = called(_SPRIG_TO_SEGMENT_COMPLETE=f"{shell}_source")
    assert script.returncode == 0
    assert "sprig-to-segment" in script.stdout
    typed = {"COMP_WORDS": "sprig-to-segment dead", "COMP_CWORD": "1" if shell != "fish" else "dead"}
    assert "dead-letters" in called(_SPRIG_TO_SEGMENT_COMPLETE=f"{shell}_complete", **typed).stdout


def test_all_mistakes_are_told_at_once() -> None:
    done = called("run", BATCH_MAX_EVENTS="3000", LOG_LEVEL="loud")
    assert done.returncode == 2
    told = {line.split(":")[0] for line in done.stderr.splitlines()}
    assert told == {"KAFKA_BOOTSTRAP_SERVERS", "SEGMENT_WRITE_KEYS", "BATCH_MAX_EVENTS", "LOG_LEVEL"}


@pytest.mark.parametrize(
    "config", [{"no.such.option": 1}, {"security.protocol": "SASL_SSL", "sasl.mechanism": "NOPE"}], ids=str
)
def test_options_that_the_kafka_client_refuses_are_a_mistake(config: dict[str, object]) -> None:
    done = called("run", **NEEDED, KAFKA_CONFIG=json.dumps(config))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("KAFKA_CONFIG: ")


def test_a_contract_with_mistakes_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "segment").mkdir()
    (tmp_path / "segment" / "odd.json").write_text('{"x-record": "*", "type": "object"}')
    done = called("run", **NEEDED, SCHEMAS_DIR=str(tmp_path), SCHEMA_REGISTRY_URL="http://127.0.0.1:1")
    assert done.returncode == 2
    assert all(line.startswith("odd.json: /") for line in done.stderr.splitlines())


def test_a_port_in_use_is_a_clear_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = called("run", **NEEDED | {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(taken.getsockname()[1])})
    assert done.returncode == 1
    assert "HTTP_PORT" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_a_broker_it_waits_and_still_stops_when_asked(number: signal.Signals) -> None:
    env = {"PATH": os.environ["PATH"], **NEEDED}
    running = subprocess.Popen([COMMAND, "run"], env=env, stderr=subprocess.PIPE, text=True)
    assert running.stderr
    for line in running.stderr:
        if json.loads(line)["event"] == "started":
            break
    began = time.monotonic()
    running.send_signal(number)
    rest = running.communicate(timeout=30)[1]
    assert running.returncode == 0
    assert time.monotonic() - began < 15
    assert "Traceback" not in rest


def test_a_thread_that_cannot_be_hurried_keeps_no_process_beyond_its_time() -> None:
    """As one that looks a name up: Python waits for it at the end, and the watchdog does not."""
    program = """if True:
        import os, signal, threading, time
        from concurrent.futures import ThreadPoolExecutor
        from consumer.cli.run import stopped_by_signals
        stop = threading.Event()
        ThreadPoolExecutor().submit(time.sleep, 60)
        with stopped_by_signals(stop, 0.5):
            os.kill(os.getpid(), signal.SIGTERM)
            stop.wait()
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "not stopped in time" in done.stderr) == (1, True)


def test_the_demo_loses_nothing_and_says_so_in_one_line() -> None:
    done = called("demo", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = done.stdout.splitlines()
    story = json.loads(line)
    assert story["produced"] == story["delivered"] + story["skipped"] + story["dead_lettered"] == 2400
    assert (story["lost"], story["duplicates"], story["out_of_order"]) == (0, 0, 0)
    assert story["throttled"]
    assert set(story["dead_lettered_by_reason"]) >= {"undecodable", "event_too_large", "http_400"}
