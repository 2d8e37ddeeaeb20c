"""Hostile texts of records, schemas, dead letters and contracts, through `run` and each command on a terminal."""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from consumer import paths
from consumer.avro import decoder, schema_files
from consumer.demo.expected import ExpectDelivered
from consumer.demo.samples import responses
from consumer.demo.segment_server import SegmentStandIn
from consumer.errors import MAX_DETAIL_LENGTH
from consumer.kafka import mock_broker
from consumer.kafka.mock_broker import MockBroker
from consumer.outside_text import MAX_SENTENCE_LENGTH
from tests.avro_values import record
from tests.cli_runner import CommandRunner
from tests.hostile_texts import HOSTILE, is_safe
from tests.support import KEYS, Flow, registry, wait_until

_FIXED = ("environment", "questionType", "type")  # the contract knows their values
ALL = "".join(text for text in HOSTILE.values() if len(text) < 100)
RESPONSE = json.loads((paths.schemas() / "sprig" / "response.avsc").read_text())


@pytest.fixture(scope="module")
def flow(broker: MockBroker) -> Iterator[Flow]:
    """A topic with an answer of hostile texts, and two dead letters whose headers are hostile."""
    broker.create_topic("hostile")
    broker.create_topic("hostile.dead-letter")
    with SegmentStandIn(KEYS.values()) as segment:
        flow = Flow(broker.address, "hostile", segment)
        producer = Producer({"bootstrap.servers": broker.address})
        producer.produce("hostile", answer_of(ALL), b"k", 0, headers={ALL: b"\x1b"})
        for number, text in enumerate((ALL, HOSTILE["long"][:100_000])):
            producer.produce("hostile.dead-letter", answer_of(ALL), b"k", 0, headers=dead_letter_headers(number, text))
        assert producer.flush(30) == 0
        yield flow


def answer_of(text: str) -> bytes:
    """A response with the text in each field that is one."""
    schema = schema_files.raw_schema(paths.schemas())
    sample = next(sample for sample in responses(50, 1) if isinstance(sample.expected, ExpectDelivered))
    return decoder.encode(schema, replaced(sample.value, text.encode("utf-8", "replace").decode()))


def replaced(value: Any, text: str) -> Any:
    match value:
        case dict():
            return {name: inner if name in _FIXED else replaced(inner, text) for name, inner in value.items()}
        case list():
            return [replaced(inner, text) for inner in value]
        case str():
            return value + text
    return value


def dead_letter_headers(offset: int, text: str) -> list[tuple[str, str | bytes | None]]:
    raw = text.encode("utf-8", "replace")
    texts = {"reason": raw, "stage": raw, "detail": raw, "schema": raw, "version": raw}
    numbers = {"partition": 0, "offset": offset, "timestamp": 1_772_000_000_000, "attempts": 0}
    fields = {"topic": b"hostile", **texts, **{name: str(number).encode() for name, number in numbers.items()}}
    return [(f"dead-letter-{name}", value) for name, value in fields.items()]


def assert_safe(output: str) -> None:
    """Nothing on the terminal but text, line breaks, the styles of the commands and the line of a progress bar."""
    plain = re.sub(r"\x1b\[(\d+m|A)", "", output).replace("\r", "")
    for line in plain.split("\n"):
        assert is_safe(line), line
        assert len(line) <= 2 * MAX_SENTENCE_LENGTH


COMMANDS = {
    "preview": (["preview"], 0),
    "list": (["dead-letters", "list"], 0),
    "show": (["dead-letters", "show", "0:0"], 0),
    "show long": (["dead-letters", "show", "0:1"], 0),
    "replay": (["dead-letters", "replay"], 0),
    "check": (["check"], None),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_command_prints_records_and_dead_letters_safely(flow: Flow, name: str, as_json: bool) -> None:
    arguments, code = COMMANDS[name]
    if as_json and name != "preview":
        arguments = [*arguments, "--json"]
    output = CommandRunner(flow).terminal_output(*arguments, code=code)
    assert "\\x1b[2J" in output or "\\u001b[2J" in output or name in ("replay", "check", "show long"), output
    if not as_json:
        assert_safe(output)
    elif name != "preview":
        assert is_safe(output.replace("\n", "").replace("\r", ""))


def test_json_in_a_pipe_has_the_exact_values(flow: Flow) -> None:
    raw = CommandRunner(flow).run("preview", "--from", "0:0").stdout
    assert is_safe(raw.replace("\n", ""))
    texts = json.dumps(json.loads(raw), ensure_ascii=False)
    assert json.dumps(ALL.encode("utf-8", "replace").decode(), ensure_ascii=False)[1:-1] in texts


def test_a_reconciliation_is_printed_safely(flow: Flow, tmp_path: Path) -> None:
    delivered = tmp_path / "delivered.csv"
    delivered.write_bytes(f"messageId\n{ALL}\n".encode("utf-8", "replace"))
    arguments = ["reconcile", "--from", "2020-01-01", "--delivered", str(delivered)]
    assert_safe(CommandRunner(flow).terminal_output(*arguments, code=None))


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
def test_schema_files_are_reported_safely(flow: Flow, tmp_path: Path, as_json: list[str]) -> None:
    arguments = ["check", "--contract-only", *as_json]
    for name, raw in HOSTILE.items():
        text = raw[:100_000].encode("utf-8", "replace").decode()
        for number, schema in enumerate((record(text, x="int"), record("R", **{text: "int"}), record("R", x=text))):
            path = tmp_path / f"{name} {number}.avsc"
            path.write_text(json.dumps(schema))
            arguments += ["--schema", str(path)]
    output = CommandRunner(flow).terminal_output(*arguments, code=1)
    if as_json:
        assert is_safe(output.replace("\r\n", "").replace("\n", ""))
    else:
        assert_safe(output)


@pytest.mark.parametrize("command", [["contract", "show"], ["contract", "test"], ["contract", "export"]], ids=" ".join)
def test_a_contract_is_printed_safely(flow: Flow, tmp_path: Path, command: list[str]) -> None:
    text = ALL.encode("utf-8", "replace").decode()
    (tmp_path / "segment").mkdir()
    (tmp_path / "sprig").mkdir()
    contract = json.loads((paths.schemas() / "segment" / "survey-response.json").read_text())
    contract["description"] = contract["title"] = text
    contract["x-record"] = text
    (tmp_path / "segment" / "a.json").write_text(json.dumps(contract))
    (tmp_path / "sprig" / "a.avsc").write_text(json.dumps(RESPONSE))
    assert_safe(CommandRunner(flow).terminal_output(*command, "--schemas-dir", str(tmp_path), code=None))


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_schemas_of_a_registry_are_logged_and_dead_lettered_safely(
    broker: MockBroker, topic: str, log_format: str
) -> None:
    """Each schema has a hostile name of an unsafe record, or of a type that is not defined."""
    texts = [text[:100_000].encode("utf-8", "replace").decode() for text in HOSTILE.values()]
    unsafe = {"type": "array", "items": "null"}
    schemas = {number: json.dumps(record(f"a.{text}", x=unsafe)) for number, text in enumerate(texts)}
    schemas |= {100 + number: json.dumps(record("R", x=["null", text])) for number, text in enumerate(texts)}
    name = ALL.encode("utf-8", "replace").decode().replace("\0", "")  # where the client ends a name
    copied = (name, b"\x1b[2J\x9b\xff")
    with SegmentStandIn(KEYS.values()) as segment, registry(schemas) as url:
        flow = Flow(broker.address, topic, segment)
        producer = flow.producer()
        for number in schemas:
            producer.produce(topic, struct.pack(">bI", 0, number) + b"\2", copied[1], 0, headers=[copied])
        assert producer.flush(30) == 0
        settings = {"SCHEMA_REGISTRY_URL": url, "AVRO_FRAMING": "confluent", "LOG_FORMAT": log_format}
        with flow.member(**settings) as member:
            wait_until(lambda: len(dead_letters(broker, topic)) == len(schemas), "a dead letter for each schema")
            if log_format == "json":
                status = httpx.get(f"{member.url}/status.json", trust_env=False).text
                assert is_safe(status)
                assert len(status) < 200_000
                assert is_safe(httpx.get(f"{member.url}/metrics", trust_env=False).text.replace("\n", ""))
            assert member.terminate() == 0
    assert_safe(member.output)
    for message in dead_letters(broker, topic):
        first, *own = message.headers()
        assert (first, message.key()) == (copied, copied[1])  # byte for byte
        for _, value in own:
            assert is_safe(value.decode())
            assert len(value) <= 4 * MAX_DETAIL_LENGTH


def dead_letters(broker: MockBroker, topic: str) -> list[Any]:
    return list(mock_broker.records(broker.address, f"{topic}.dead-letter"))
