"""Every example in a help text runs as it is printed, and fits a terminal of 80 columns."""

import os
import pty
import re
import shutil
import signal
import stat
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from consumer import paths
from consumer.avro import decoder
from consumer.cli.main import LazyGroup, main
from consumer.demo.expected import ExpectDelivered
from consumer.demo.samples import responses
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.dead_letters import DeadLetterWriter
from consumer.kafka.mock_broker import MockBroker
from consumer.model import DeadLetter, Record, Rejected
from consumer.reasons import Reason
from tests.ports import free_port
from tests.support import COMMAND, KEYS, Flow, registry

TOPIC, PARTITION, OFFSET = "sprig.responses", 3, 1042  # the record of the examples is 3:1042
TEST_TOPIC = "samples"
RESPONSE = (paths.schemas() / "sprig" / "response.avsc").read_text()
# What the examples with a pipe need besides the product. They need no network and no account.
TOOLS = {"bq": "echo id; echo 0123456789abcdef-3-1042-0", "jq": "cat"}
ENDLESS = {
    "run --env-file production.env": '"started"',
    "demo --keep": "Ctrl-C",
    "demo-segment --port 8090": "SEGMENT_ENDPOINT",
    "preview --follow": "Following topic",
    "produce-samples --env-file test.env --count 7200 --rate 2": "samples",
    "status --watch": "group",
}
"""The examples that run until Ctrl-C, with a text that they print when they are ready."""


class Example(NamedTuple):
    """A command line of a help text, in one line or several."""

    words: str
    line: str


class Terminal(NamedTuple):
    """The exit code of a process, and the lines that it printed."""

    code: int
    lines: list[str]


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command
        if isinstance(command, LazyGroup):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


def examples() -> Iterator[Example]:
    for words, command in commands(main):
        text = re.split(r"Examples?:\n", command.help or "")[-1].partition("\n\n")[0]
        joined = re.sub(r"\\\n\s*", "", re.sub(r"\|\n\s*", "| ", text))
        yield from (Example(words, line.strip()) for line in joined.splitlines())


@pytest.fixture(scope="module")
def environment(broker: MockBroker) -> Iterator[dict[str, str]]:
    """The settings of a topic with 1043 records in each partition, of which one is in the dead-letter topic, too."""
    broker.create_topic(TOPIC)
    broker.create_topic(f"{TOPIC}.dead-letter")
    broker.create_topic(TEST_TOPIC)
    sample = next(sample for sample in responses(100, 1) if isinstance(sample.expected, ExpectDelivered))
    with SegmentStandIn(KEYS.values()) as segment, registry({7: RESPONSE}, {f"{TOPIC}-value": [7]}) as url:
        flow = Flow(broker.address, TOPIC, segment, settings={"SCHEMA_REGISTRY_URL": url})
        body = sample.payload(lambda record: decoder.encode(flow.schema, record))
        value = struct.pack(">bI", 0, 7) + (body or b"")
        for offset in range(OFFSET + 1):
            broker.produce(TOPIC, PARTITION, sample.key, value if offset % 100 == OFFSET % 100 else None)
        broker.flush()
        writer = DeadLetterWriter({"bootstrap.servers": broker.address}, f"{TOPIC}.dead-letter", TOPIC, "1.0.0")
        record = Record(PARTITION, OFFSET, 1_772_442_000_000, sample.key, value, ())
        writer.put(DeadLetter(record, Rejected(Reason.NO_WRITE_KEY, "mapping", "")))
        while not writer.advance(0.0, 0.1).confirmed:
            pass
        writer.close()
        yield flow.environment()


@pytest.fixture
def folder(tmp_path: Path, environment: dict[str, str]) -> Path:
    """A folder with the files that the examples name."""
    (tmp_path / "production.env").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    samples = {**environment, "KAFKA_TOPIC": TEST_TOPIC, "AVRO_FRAMING": "raw", "SCHEMA_REGISTRY_URL": ""}
    (tmp_path / "test.env").write_text("".join(f"{name}={value}\n" for name, value in samples.items()))
    (tmp_path / "missing.txt").write_text(f"{TOPIC} {PARTITION} {OFFSET}\n")
    (tmp_path / "tracks.csv.gz").write_text("id\n")
    shutil.copytree(paths.schemas(), tmp_path / "schemas")
    for name in ("new-response.avsc", "answer.avsc"):
        (tmp_path / name).write_text(RESPONSE)
    for name, script in TOOLS.items():
        tool = tmp_path / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def on_a_terminal(line: str, folder: Path, environment: dict[str, str], ready: str) -> Terminal:
    """Run a line of shell on a terminal of 80 columns. Once it prints the text `ready`, Ctrl-C is pressed."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (40, 80))
    path = os.pathsep.join([str(Path(COMMAND).parent), str(folder / "bin"), os.environ["PATH"]])
    process = subprocess.Popen(
        ["bash", "-c", line],
        env={**environment, "PATH": path, "TERM": "xterm"},
        cwd=folder,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    printed = b""
    with os.fdopen(controller, "rb", buffering=0) as screen:
        while chunk := read(screen.fileno()):
            printed += chunk
            if ready and ready.encode() in printed:
                os.killpg(process.pid, signal.SIGINT)
                ready = ""
        code = process.wait(60)
    text = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", printed.decode())
    return Terminal(code, [line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")])


def read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:  # Linux reports the end of a terminal as an error
        return b""


def is_json(line: str) -> bool:
    """JSON has the width of its values: events as they are, settings, and lines for machines."""
    return line.lstrip().startswith(('"', "{", "}", "[", "]", "SEGMENT_WRITE_KEYS={"))


@pytest.mark.parametrize("example", sorted(set(examples())), ids=lambda example: example.line)
def test_an_example_runs_as_printed(folder: Path, environment: dict[str, str], example: Example) -> None:
    ready = ENDLESS.get(example.line.removeprefix("sprig-to-segment "), "")
    exported = {} if "--env-file" in example.line else environment  # what is exported replaces the file
    line = example.line.replace("8090", str(free_port()))  # another process of this machine may have the port
    result = on_a_terminal(line, folder, exported, ready)
    output = "\n".join(result.lines)
    # 1: a finding, such as a missing record. librdkafka's own broker describes no group, which `skip-record` needs.
    assert result.code in ({0, 130} if ready else {0, 1}), output
    assert "Traceback" not in output
    assert not any(key in output for key in KEYS.values())
    assert not [line for line in result.lines if len(line) > 80 and not is_json(line)], output


def test_each_command_has_an_example() -> None:
    assert {example.words for example in examples()} == {words for words, _ in commands(main)}
