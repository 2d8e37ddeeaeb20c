"""The command line as a user sees it: help, exit codes, one clear line for each mistake, never a stack trace."""

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

from consumer import paths
from consumer.cli.main import LazyGroup, main
from consumer.pipeline.message_id import message_id_prefix
from consumer.settings import fingerprint
from tests.support import COMMAND

KEY = "TopSecretKey0123456789abcdefghij"  # in the form of Segment's keys
REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "SEGMENT_WRITE_KEY": KEY, "HTTP_PORT": "0"}


def run_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **environment}
    result = subprocess.run([COMMAND, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in result.stdout + result.stderr
    assert KEY not in result.stdout + result.stderr
    return result


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield *path, name


def lazy_commands() -> Iterator[tuple[LazyGroup, str]]:
    for group in (main, *main.commands.values()):
        if isinstance(group, LazyGroup):
            yield from ((group, name) for name in group.lazy_commands)


@pytest.mark.parametrize("words", list(commands(main)), ids=" ".join)
def test_help_teaches_by_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    examples = result.output.partition("Example")[2]
    assert " ".join(("sprig-to-segment", *words)) in examples


@pytest.mark.parametrize("words", list(commands(main)), ids=" ".join)
def test_help_fits_a_terminal_of_80_columns(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"], env={"COLUMNS": "80"})
    assert not [line for line in result.output.splitlines() if len(line) > 80]


@pytest.mark.parametrize(
    ("group", "name"), [pytest.param(*pair, id=f"{pair[0].name} {pair[1]}") for pair in lazy_commands()]
)
def test_a_short_help_in_the_table_is_that_of_the_command(group: LazyGroup, name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command
    assert command.name == name
    assert command.get_short_help_str(limit=100) == group.lazy_commands[name].short_help


def test_the_list_of_commands_imports_no_command() -> None:
    script = "import sys; from click.testing import CliRunner; from consumer.cli.main import main\n"
    script += "for words in ([], ['contract'], ['dead-letters']): CliRunner().invoke(main, [*words, '--help'])\n"
    script += "print(*(name for name in sys.modules if name.startswith('consumer')))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(result.stdout.split()) == {"consumer", "consumer.cli", "consumer.cli.main"}


def test_a_misspelt_command_gets_a_suggestion() -> None:
    result = run_command("dead-letters", "lst")
    assert result.returncode == 2
    assert "No such command 'lst'. Did you mean 'list'?" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "last", "completion"),
    [
        ("sprig-to-segment", "dead", "dead-letters"),
        ("sprig-to-segment dead-letters", "rep", "replay"),
        ("sprig-to-segment dead-letters replay", "--aga", "--again"),
        ("sprig-to-segment check", "--contract", "--contract-only"),
    ],
)
def test_shells_complete_commands_and_options(shell: str, words: str, last: str, completion: str) -> None:
    script = run_command(_SPRIG_TO_SEGMENT_COMPLETE=f"{shell}_source")
    assert script.returncode == 0
    assert "sprig-to-segment" in script.stdout
    position = last if shell == "fish" else str(len(words.split()))
    typed = {"COMP_WORDS": f"{words} {last}", "COMP_CWORD": position}
    assert completion in run_command(_SPRIG_TO_SEGMENT_COMPLETE=f"{shell}_complete", **typed).stdout


@pytest.mark.parametrize("words", ["contract show", "contract show --json", "--help"])
def test_an_output_that_cannot_be_written_is_one_clear_line(words: str) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([COMMAND, *words.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_output_is_no_error(closed: str) -> None:
    result = subprocess.run(
        ["sh", "-c", f'"$0" contract show {closed}', COMMAND], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert bool(result.stdout) == (closed == "2>&-")


def test_all_mistakes_are_reported_together() -> None:
    result = run_command("run", BATCH_MAX_EVENTS="3000", LOG_LEVEL="loud")
    assert result.returncode == 2
    names = {line.split(":")[0] for line in result.stderr.splitlines()}
    assert names == {"KAFKA_BOOTSTRAP_SERVERS", "SEGMENT_WRITE_KEYS", "BATCH_MAX_EVENTS", "LOG_LEVEL"}


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    "config",
    [
        {"no.such.option": 1},
        {"security.protocol": "SASL_SSL", "sasl.mechanism": "NOPE"},
        {"session.timeout.ms": 400_000},  # more than max.poll.interval.ms
        {"security.protocol": "SSL", "ssl.ca.location": "/no/such/file"},
    ],
    ids=str,
)
def test_options_that_the_kafka_client_refuses_are_a_mistake(command: str, config: dict[str, object]) -> None:
    result = run_command(command, **REQUIRED, KAFKA_CONFIG=json.dumps(config))
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("KAFKA_CONFIG: ")


def test_a_contract_with_mistakes_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "segment").mkdir()
    (tmp_path / "segment" / "odd.json").write_text('{"x-record": "*", "type": "object"}')
    result = run_command("run", **REQUIRED, SCHEMAS_DIR=str(tmp_path), SCHEMA_REGISTRY_URL="http://127.0.0.1:1")
    assert result.returncode == 2
    assert all(line.startswith("odd.json: /") for line in result.stderr.splitlines())


def test_a_port_in_use_is_a_clear_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(server.getsockname()[1])}
        result = run_command("run", **REQUIRED | address)
    assert result.returncode == 1
    assert "HTTP_PORT" in result.stderr.splitlines()[-1]


def test_the_start_is_logged_with_the_settings_that_say_where_records_go() -> None:
    keys = {"production": KEY, "development": f"{KEY[1:]}x"}
    changes = {"SEGMENT_WRITE_KEY": "", "SEGMENT_WRITE_KEYS": json.dumps(keys), "SEGMENT_REGION": "eu"}
    changes |= {"KAFKA_TOPIC": "answers", "SCHEMA_REGISTRY_URL": "http://registry:8081"}
    env = {"PATH": os.environ["PATH"], **REQUIRED, **changes}
    with subprocess.Popen([COMMAND, "run"], env=env, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        line = next(line for line in running.stderr if '"started"' in line)
        running.terminate()
    assert not any(key in line for key in keys.values())
    fields = json.loads(line)
    expected = {"topic": "answers", "group": "sprig-to-segment", "dead_letter_topic": "answers.dead-letter"}
    expected |= {"framing": "confluent", "registry": "http://registry:8081", "region": "eu"}
    expected |= {"segment": "events.eu1.segmentapis.com", "schemas": str(paths.schemas())}
    assert {name: fields[name] for name in expected} == expected
    assert fields["message_id_prefixes"] == {
        environment: message_id_prefix(fingerprint(key), "answers") for environment, key in keys.items()
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_a_broker_the_service_waits_and_still_stops_on_a_signal(number: signal.Signals) -> None:
    env = {"PATH": os.environ["PATH"], **REQUIRED}
    running = subprocess.Popen([COMMAND, "run"], env=env, stderr=subprocess.PIPE, text=True)
    assert running.stderr
    for line in running.stderr:
        if json.loads(line)["event"] == "started":
            break
    signalled_at = time.monotonic()
    running.send_signal(number)
    rest = running.communicate(timeout=30)[1]
    assert running.returncode == 0
    assert time.monotonic() - signalled_at < 15
    assert "Traceback" not in rest


def test_a_thread_that_cannot_be_interrupted_does_not_delay_the_end_of_the_process() -> None:
    """For example a thread that resolves a name: Python waits for the thread at the end, the watchdog does not."""
    program = """if True:
        import os, signal, threading, time
        from concurrent.futures import ThreadPoolExecutor
        from consumer.signals import stop_requests
        ThreadPoolExecutor().submit(time.sleep, 60)
        with stop_requests(0.5) as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            stop.wait()
    """
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, "not stopped in time" in result.stderr) == (1, True)


def test_the_demo_loses_nothing_and_reports_that_in_one_line() -> None:
    result = run_command("demo", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    (line,) = result.stdout.splitlines()
    report = json.loads(line)
    assert report["produced"] == report["delivered"] + report["skipped"] + report["dead_lettered"] == 2400
    assert (report["lost"], report["duplicates"], report["out_of_order"]) == (0, 0, 0)
    assert report["throttled"]
    assert set(report["dead_lettered_by_reason"]) >= {"undecodable", "event_too_large", "http_400"}
