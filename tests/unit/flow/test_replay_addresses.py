"""`dead-letters replay --only`: the records of a file are sent again, and nothing else."""

import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer import paths
from consumer.cli.address_file import AddressFile
from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED, ExpectDelivered
from consumer.demo.ledger import address_of
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from consumer.model import RecordAddress
from tests.cli_runner import CommandRunner
from tests.support import KEYS, Flow, is_refused

RAW = {"AVRO_FRAMING": "raw"}


@pytest.fixture(scope="module")
def settled(broker: MockBroker) -> Iterator[Flow]:
    """A flow with 400 settled records, of which Segment refused some."""
    topic = "replayed-by-address"
    broker.create_topic(topic)
    broker.create_topic(f"{topic}.dead-letter")
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        flow = Flow(broker.address, topic, segment, settings=RAW)
        flow.produce(400)
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
        segment.script = fault_scripts.calm
        yield flow


def delivered(flow: Flow) -> dict[RecordAddress, str]:
    """The messageIds of the delivered records, by address."""
    ids = [str(arrival.event["messageId"]) for arrival in flow.segment.accepted]
    return {address: message_id for message_id in ids if (address := address_of(message_id))}


def write(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def replay(flow: Flow, file: str, *options: str, code: int = 0) -> Any:
    return CommandRunner(flow).json("dead-letters", "replay", "--only", file, "--json", *options, code=code)


def arrived_since(flow: Flow, before: int, duplicates: int) -> list[str]:
    """The messageIds that came behind these numbers of accepted events and of dropped repeats."""
    fresh = [str(arrival.event["messageId"]) for arrival in flow.segment.accepted[before:]]
    repeats = [message_id for reason, message_id in flow.segment.dropped[duplicates:] if reason == "duplicate"]
    return fresh + repeats


def test_the_records_of_a_file_are_sent_again_with_their_message_ids(settled: Flow, tmp_path: Path) -> None:
    lacking = dict(list(delivered(settled).items())[5:45:8])
    missing = tmp_path / "missing.txt"
    with AddressFile(missing, settled.topic) as file:
        for address in lacking:
            file.add(address)
    before, repeats = len(settled.segment.accepted), len(settled.segment.dropped)
    committed = settled.committed()
    plan = replay(settled, str(missing))
    assert (plan["sent"], plan["done"], plan["addresses"], plan["no_record"]) == (5, None, 5, [])
    assert not arrived_since(settled, before, repeats)
    done = replay(settled, str(missing), "--yes")
    assert (done["sent"], done["done"]) == (5, True)
    assert Counter(arrived_since(settled, before, repeats)) == Counter(lacking.values())

    second = replay(settled, str(missing), "--yes")
    assert (second["sent"], second["passed"]) == (0, {"replayed before": 5})
    assert settled.committed() == committed


def test_an_empty_file_sends_nothing(settled: Flow, tmp_path: Path) -> None:
    missing = write(tmp_path / "missing.txt")
    result = CommandRunner(settled).run("dead-letters", "replay", "--only", missing, "--yes")
    assert result.returncode == 0
    assert result.stdout.endswith(f"{missing} has 0 addresses.\nNothing was sent.\n")


def test_a_rejected_record_is_sent_from_its_dead_letter_and_once(settled: Flow, tmp_path: Path) -> None:
    """Also if the topic still has the record: a replay of dead letters and one of addresses are the same replay."""
    lines = CommandRunner(settled).run("dead-letters", "list", "--reason", "http_400", "--each").stdout
    refused = [address for address, expected in settled.produced.items() if expected == REFUSED]
    assert refused
    file = tmp_path / "dead-letters.txt"
    file.write_text(lines)
    before, repeats = len(settled.segment.accepted), len(settled.segment.dropped)
    done = replay(settled, str(file), "--yes")
    assert (done["sent"], done["done"], done["passed"]) == (len(refused), True, {})
    ids = arrived_since(settled, before, repeats)
    assert Counter(map(address_of, ids)) == Counter(refused)
    assert replay(settled, str(file), "--yes")["passed"] == {"replayed before": len(refused)}


def test_each_address_without_a_record_is_said(settled: Flow, tmp_path: Path) -> None:
    good = next(address for address, outcome in settled.produced.items() if isinstance(outcome, ExpectDelivered))
    repeated = f"{settled.topic} {good.partition} {good.offset}"
    ahead = f"1:{settled.ends[1] + 5}"
    file = write(tmp_path / "some.txt", "# what a person wrote", str(good), repeated, "", ahead, "77:0")
    plan = replay(settled, file, code=1)
    assert (plan["sent"], plan["repeated"], plan["addresses"]) == (1, 1, 3)
    assert plan["no_record"] == [ahead, "77:0"]
    assert plan["passed"] == {"no such record": 2}
    result = CommandRunner(settled).run("dead-letters", "replay", "--only", file)
    assert result.returncode == 1
    assert f"There is no record to send at {ahead}, 77:0." in result.stdout
    assert "Lines that repeat an address: 1." in result.stdout
    assert "would be sent to Segment" in result.stdout
    assert "sent to Segment" not in result.stdout.replace("would be sent to Segment", "")


def test_a_record_that_cannot_be_sent_is_never_taken_for_replayed(settled: Flow, tmp_path: Path) -> None:
    """The service has not come to one record and sends it itself. Another record does not exist."""
    address = RecordAddress(2, settled.ends[2])
    producer = settled.producer()
    producer.produce(settled.topic, b"", b"key", address.partition)
    assert producer.flush(30) == 0
    good = next(other for other in delivered(settled) if other.partition != 2)
    file = write(tmp_path / "ahead.txt", str(address), f"3:{settled.ends[3] + 5}", str(good))
    first, second = (replay(settled, file, "--yes", code=1) for _ in range(2))
    others = {"not delivered yet": 1, "no such record": 1}
    assert (first["sent"], first["done"], first["passed"]) == (1, True, others)
    assert (second["sent"], second["done"], second["passed"]) == (0, True, {**others, "replayed before": 1})


@pytest.mark.parametrize("setting", ["ON_REJECTED", "ON_UNKNOWN_RECORD"])
def test_without_a_topic_for_dead_letters_there_are_none_if_the_settings_need_none(
    settled: Flow, tmp_path: Path, setting: str
) -> None:
    first = len(setting) * 3  # other addresses each time, which are replayed by another group
    file = write(tmp_path / "some.txt", *map(str, list(delivered(settled))[first : first + 3]))
    both = {"DEAD_LETTER_TOPIC": f"no-topic-{setting}".lower(), "ON_REJECTED": "block", "ON_UNKNOWN_RECORD": "skip"}
    runner = CommandRunner(settled, both)
    plan = runner.json("dead-letters", "replay", "--only", file, "--json", "--yes")
    assert (plan["sent"], plan["done"]) == (3, True)
    reconciled = runner.run("reconcile", "--from", "2020-01-01", "--delivered", "-", "--json", stdin="messageId\n")
    assert '"dead-lettered":0' in reconciled.stdout

    runner = CommandRunner(settled, {**both, setting: "dead-letter"})
    for arguments in (
        ["dead-letters", "replay", "--only", file],
        ["reconcile", "--from", "2020-01-01", "--delivered", file],
    ):
        refused = runner.run(*arguments)
        assert refused.returncode == 1
        assert f"topic {both['DEAD_LETTER_TOPIC']}" in refused.stderr


def test_the_lines_of_an_audit_log_are_not_mixed_with_json(settled: Flow, tmp_path: Path) -> None:
    """They are on the standard output as well."""
    file = write(tmp_path / "some.txt", *map(str, list(delivered(settled))[60:62]))
    before, repeats = len(settled.segment.accepted), len(settled.segment.dropped)
    runner = CommandRunner(settled, {"AUDIT_LOG": "-"})
    refused = runner.run("dead-letters", "replay", "--only", file, "--json", "--yes")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("AUDIT_LOG=-: ")
    assert not arrived_since(settled, before, repeats)
    assert runner.json("dead-letters", "replay", "--only", file, "--json")["sent"] == 2
    audited = CommandRunner(settled, {"AUDIT_LOG": str(tmp_path / "audit.jsonl")})
    assert audited.json("dead-letters", "replay", "--only", file, "--json", "--yes")["sent"] == 2
    assert len((tmp_path / "audit.jsonl").read_text().splitlines()) == 2


def test_the_conclusion_is_the_last_line_after_all_log_lines(settled: Flow, tmp_path: Path) -> None:
    file = write(tmp_path / "some.txt", *map(str, list(delivered(settled))[70:74]))
    settled.segment.script = fault_scripts.fail(status=400)
    try:
        output = CommandRunner(settled).terminal_output("dead-letters", "replay", "--only", file, "--yes")
    finally:
        settled.segment.script = fault_scripts.calm
    assert "repeated" in output  # a line that was folded until the end
    assert output.rstrip().endswith("All selected records are settled.")


def test_addresses_can_be_read_from_standard_input(settled: Flow) -> None:
    (address,) = list(delivered(settled))[75:76]
    planned = CommandRunner(settled).run("dead-letters", "replay", "--only", "-", stdin=f"{address}\n")
    assert planned.returncode == 0
    assert "Standard input has 1 address." in planned.stdout


def test_what_is_missing_is_replayed_by_the_command_that_reconcile_prints(settled: Flow, tmp_path: Path) -> None:
    env_file, ids = tmp_path / "an env file", list(delivered(settled).values())
    environment = settled.environment()
    env_file.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    missing, schemas = tmp_path / "missing.txt", paths.schemas()
    words = ["reconcile", "--from", "2020-01-01", "--delivered", "-", "--missing-file", str(missing)]
    words += ["--env-file", str(env_file), "--schemas-dir", str(schemas)]
    runner = CommandRunner(settled, dict.fromkeys(environment, ""))
    printed = runner.run(*words, stdin="\n".join(["messageId", *ids[3:]])).stderr.splitlines()[-1]
    program, *replaying = shlex.split(printed)
    assert program == "sprig-to-segment"
    assert runner.json(*replaying, "--json")["addresses"] == 3


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("3", "expected PARTITION:OFFSET or TOPIC PARTITION OFFSET"),
        ("another 3 7", "the address is of another topic than"),
    ],
)
def test_a_wrong_line_sends_nothing(settled: Flow, tmp_path: Path, line: str, text: str) -> None:
    file, before = write(tmp_path / "wrong.txt", "0:1", line), len(settled.segment.accepted)
    result = CommandRunner(settled).run("dead-letters", "replay", "--only", file, "--yes")
    assert result.returncode == 2
    assert result.stderr.startswith(f"{file}:2: {text}")
    assert len(settled.segment.accepted) == before


def test_an_address_file_is_a_selection_of_its_own(settled: Flow, tmp_path: Path) -> None:
    options = "--only", write(tmp_path / "a.txt", "0:1"), "--reason", "http_400"
    result = CommandRunner(settled).run("dead-letters", "replay", *options)
    assert result.returncode == 2
    assert "--only selects by address" in result.stderr
