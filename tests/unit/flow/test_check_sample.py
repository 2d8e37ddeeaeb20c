"""`check` and `preview` look at real records: wrong settings show before the first start, and nothing is changed."""

import itertools
import json
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import consumer.settings
from consumer import paths
from consumer.avro import decoder
from consumer.cli.check_sample import check_sample
from consumer.demo import fault_scripts
from consumer.demo.expected import ANONYMOUS, REFUSED, UNDECODABLE, ExpectDeadLetter, ExpectDelivered, ExpectSkipped
from consumer.demo.fault_scripts import ReceivedBatch
from consumer.demo.samples import Sample, responses
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import MockBroker
from tests.avro_values import record
from tests.cli_runner import CommandRunner
from tests.http_peer import json_response, peer
from tests.support import KEYS, Flow, registry

RESPONSE = (paths.schemas() / "sprig" / "response.avsc").read_text()
ANOTHER = json.dumps(record("com.acme.Ping", at="long", score="double"))
GLUE_ID = bytes.fromhex("b7b4a7f09c964e4aa687fb5de9ef0c63")


def confluent(body: bytes, number: int = 7) -> bytes:
    return struct.pack(">bI", 0, number) + body


@pytest.fixture
def flow(broker: MockBroker, topic: str) -> Iterator[Flow]:
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(broker.address, topic, segment)


@pytest.fixture
def registry_url() -> Iterator[str]:
    with registry({7: RESPONSE, 8: ANOTHER}, {"responses": [7]}) as url:
        yield url


def check(flow: Flow, *options: str, **settings: str) -> tuple[int, dict[str, tuple[str, str]], Any]:
    """The exit code, the lines about records by their subject, and the sample. Nothing may be written into a log."""
    settings.setdefault("AVRO_FRAMING", "confluent" if "SCHEMA_REGISTRY_URL" in settings else "raw")
    subject = () if "SCHEMA_REGISTRY_TYPE" in settings else ("--subject", "responses")
    result = CommandRunner(flow, settings).run("check", "--json", *subject, *options)
    assert not result.stderr
    report = json.loads(result.stdout)
    assert report["ok"] == (result.returncode == 0)
    lines = {line["what"]: (line["state"], line["found"]) for line in report["looks"]}
    return result.returncode, lines, report["sample"]


def produce(flow: Flow, kinds: Callable[[Sample], bool], count: int, frame: Callable[[bytes], bytes] = bytes) -> None:
    """Produce `count` samples of some kinds."""
    producer = flow.producer()
    samples = [sample for sample in responses(20 * count, seed=1) if kinds(sample)]
    for sample in samples[:count]:
        flow.produce_sample(producer, sample, frame)
    assert producer.flush(30) == 0


def is_delivered(sample: Sample) -> bool:
    return isinstance(sample.expected, ExpectDelivered)


def test_the_sample_has_the_outcome_of_each_record(flow: Flow, registry_url: str) -> None:
    flow.produce(120, frame=confluent)
    code, lines, sample = check(flow, SCHEMA_REGISTRY_URL=registry_url)
    expected = list(flow.produced.values())
    delivered = sum(isinstance(outcome, ExpectDelivered) or outcome == REFUSED for outcome in expected)
    skipped = sum(isinstance(outcome, ExpectSkipped) for outcome in expected)
    assert (code, sample["records"], sample["delivered"]) == (0, 120, delivered)
    assert sum(line["records"] for line in sample["skipped"]) == skipped
    assert sum(line["records"] for line in sample["rejected"]) == 120 - delivered - skipped
    summary = f"the newest 120 records: {delivered} would be delivered, {skipped} skipped, "
    assert lines["sample"] == ("ok", f"{summary}{120 - delivered - skipped} rejected")
    for line in sample["rejected"]:
        outcome = flow.produced[line["partition"], line["offset"]]  # type: ignore[index]
        assert outcome == ExpectDeadLetter(line["reason"])
        assert lines[f"rejected: {line['reason']}"][0] == "warning"
    assert lines["framings"] == ("ok", f"confluent ({sample['schemas']['7']}); schemas: 7 ({sample['schemas']['7']})")
    assert set(sample["environments"]) == {"production", "development"}
    assert lines["environments"][0] == "ok"
    assert 0 < sample["largest_event_bytes"] <= 32_000
    assert not sample["implausible_times"]
    assert not flow.segment.accepted
    assert not any(flow.committed().values())
    assert not flow.dead_letters()


def test_the_newest_records_of_each_partition_are_looked_at(flow: Flow, registry_url: str) -> None:
    produce(flow, lambda sample: sample.expected == UNDECODABLE, 8, confluent)
    produce(flow, is_delivered, 200, confluent)
    assert min(flow.ends.values()) > 10
    code, _, sample = check(flow, "--sample", "20", SCHEMA_REGISTRY_URL=registry_url)
    assert (code, sample["records"], sample["delivered"]) == (0, 20, 20)


@pytest.mark.parametrize("option", [("--no-sample",), ("--schema", str(paths.schemas() / "sprig" / "response.avsc"))])
def test_no_record_is_looked_at_without_a_sample(flow: Flow, option: tuple[str, ...]) -> None:
    produce(flow, is_delivered, 5, confluent)
    code, lines, sample = check(flow, *option)
    assert (code, sample) == (0, None)
    assert "sample" not in lines


def test_a_topic_without_records_is_a_note(flow: Flow) -> None:
    code, lines, sample = check(flow)
    assert (code, lines["sample"]) == (0, ("note", "the topic has no record"))
    assert (sample["records"], sample["rejected"]) == (0, [])


def test_a_forgotten_registry_is_a_problem(flow: Flow) -> None:
    produce(flow, is_delivered, 30, confluent)
    code, lines, sample = check(flow)
    assert (code, lines["sample"][0], sample["delivered"]) == (1, "problem", 0)
    assert "0 would be delivered" in lines["sample"][1]
    assert lines["framings"] == ("ok", "confluent (30)")
    hints = [text for subject, (_, text) in lines.items() if subject.startswith("rejected: ")]
    assert all(text.endswith("the value looks like Confluent's wire format: set SCHEMA_REGISTRY_URL") for text in hints)


def test_the_framing_of_another_registry_is_a_problem_with_its_settings(flow: Flow, registry_url: str) -> None:
    produce(flow, is_delivered, 30, lambda body: b"\3\0" + GLUE_ID + body)
    code, lines, _ = check(flow, SCHEMA_REGISTRY_URL=registry_url)
    assert (code, lines["sample"][0]) == (1, "problem")
    state, text = lines["rejected: not_framed"]
    assert (state, text.startswith("30 records, such as ")) == ("warning", True)
    settings = "SCHEMA_REGISTRY_URL, SCHEMA_REGISTRY_TYPE=glue and AVRO_FRAMING=glue"
    assert text.endswith(f"the value looks like AWS Glue's framing: set {settings}")
    read_with = "values in the framing glue are read with SCHEMA_REGISTRY_TYPE=glue, AVRO_FRAMING=glue"
    assert lines["what to set"] == ("note", read_with)


def test_the_registry_of_others_is_a_problem(flow: Flow, registry_url: str) -> None:
    """It has another schema with the id of the records, or none."""
    produce(flow, is_delivered, 30, lambda body: confluent(body, 8))
    code, lines, _ = check(flow, SCHEMA_REGISTRY_URL=registry_url)
    assert (code, lines["sample"][0]) == (1, "problem")
    reason = next(subject for subject in lines if subject.startswith("rejected: "))
    assert "are they those of the producers?" in lines[reason][1]
    produce(flow, is_delivered, 30, lambda body: confluent(body, 9))
    _, lines, _ = check(flow, "--sample", "20", SCHEMA_REGISTRY_URL=registry_url)
    assert "look at SCHEMA_REGISTRY_URL" in lines["rejected: unknown_schema"][1]


def test_a_wrong_name_of_an_environment_is_a_warning_that_shows_the_names(flow: Flow, registry_url: str) -> None:
    produce(flow, is_delivered, 60, confluent)
    keys = json.dumps({"prod": "wk1", "Development": "wk2"})
    code, lines, sample = check(flow, SCHEMA_REGISTRY_URL=registry_url, SEGMENT_WRITE_KEYS=keys)
    seen = sample["environments"]
    assert code == 0
    assert lines["rejected: no_write_key"][0] == "warning"
    assert lines["environments"] == (
        "warning",
        f"in the records: 'production' ({seen['production']}), 'development' ({seen['development']}); "
        "in SEGMENT_WRITE_KEYS: prod, Development",
    )
    only_wrong = json.dumps({"prod": "wk1"})
    code, lines, _ = check(flow, SCHEMA_REGISTRY_URL=registry_url, SEGMENT_WRITE_KEYS=only_wrong)
    assert (code, lines["sample"][0]) == (1, "problem")


def test_several_environments_with_one_key_for_all_are_a_note(flow: Flow, registry_url: str) -> None:
    produce(flow, is_delivered, 60, confluent)
    settings = {"SEGMENT_WRITE_KEYS": "{}", "SEGMENT_WRITE_KEY": "wk1"}
    _, lines, _ = check(flow, SCHEMA_REGISTRY_URL=registry_url, **settings)
    assert lines["environments"][0] == "note"
    assert lines["environments"][1].endswith("; one write key is for all")


def schemas_with_seconds(folder: Path) -> Path:
    """A copy of the packaged contract whose time is read with a wrong unit: seconds are taken for milliseconds."""
    shutil.copytree(paths.schemas(), folder, dirs_exist_ok=True)
    path = folder / "segment" / "survey-response.json"
    contract = json.loads(path.read_text())
    contract["properties"]["timestamp"] |= {"x-source": "oldVisitorId", "x-convert": "iso-8601"}
    path.write_text(json.dumps(contract))
    return folder


def test_seconds_that_are_taken_for_milliseconds_are_a_warning_in_check_and_preview(
    flow: Flow, registry_url: str, tmp_path: Path
) -> None:
    produce(flow, is_delivered, 30, confluent)
    settings = {"SCHEMA_REGISTRY_URL": registry_url, "SCHEMAS_DIR": str(schemas_with_seconds(tmp_path))}
    code, lines, sample = check(flow, **settings)
    assert (code, lines["time"][0]) == (0, "warning")
    text = "/timestamp is of the year 1970, before 2000: is its unit right in the contract?"
    assert lines["time"][1].endswith(text)
    assert sample["implausible_times"][0]["pointer"] == "/timestamp"
    runner = CommandRunner(flow, settings)
    assert any(text in line.get("warnings", ()) for line in runner.json_lines("preview", "--count", "30"))
    assert f"warning: {text}" in runner.terminal_output("preview", "--count", "30")


def test_a_contract_for_other_records_is_a_problem(flow: Flow, registry_url: str, tmp_path: Path) -> None:
    shutil.copytree(paths.schemas(), tmp_path, dirs_exist_ok=True)
    path = tmp_path / "segment" / "survey-response.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"x-record": "com.acme.Other"}))
    produce(flow, is_delivered, 10, confluent)
    settings = {"SCHEMA_REGISTRY_URL": registry_url, "SCHEMAS_DIR": str(tmp_path)}
    code, lines, _ = check(flow, **settings)
    assert (code, lines["sample"][0]) == (1, "problem")
    assert "look at x-record in the contracts" in lines["rejected: unknown_record"][1]
    _, lines, _ = check(flow, **settings, ON_UNKNOWN_RECORD="skip")
    assert lines["rejected: unknown_record"][0] == "note"


def test_records_of_which_none_has_an_event_are_a_problem(flow: Flow, registry_url: str) -> None:
    """Nor are their environments seen, because a record with nothing to send needs no key."""
    produce(flow, lambda sample: sample.expected == ANONYMOUS, 10, confluent)
    code, lines, _ = check(flow, SCHEMA_REGISTRY_URL=registry_url)
    assert (code, lines["sample"]) == (
        1,
        ("problem", "the newest 10 records: 0 would be delivered, 10 skipped, 0 rejected"),
    )
    assert lines["skipped: no_user_id"][0] == "note"
    assert "environments" not in lines


def test_a_reference_that_the_registry_denies_is_a_problem(flow: Flow) -> None:
    references = [{"name": "com.sprig.Response", "subject": "response", "version": 1}]
    answers = {"/schemas/ids/7": json_response({"schema": '"com.sprig.Response"', "references": references})}
    produce(flow, is_delivered, 10, confluent)
    denied = json_response({"error_code": 40301}, 403)
    with peer(lambda request: answers.get(request.path.partition("?")[0], denied)) as server:
        code, lines, sample = check(flow, SCHEMA_REGISTRY_URL=server.url)
        result = CommandRunner(flow, {"SCHEMA_REGISTRY_URL": server.url}).run("preview")
    cause = "schema id 7 refers to version 1 of the subject 'response': HTTP status 403"
    assert (code, sample["waiting"][0]["records"]) == (1, 10)
    assert lines["waiting"][0] == "problem"
    assert cause in lines["waiting"][1]
    assert (result.returncode, cause in result.stderr) == (1, True)
    assert sum(request.path.startswith("/schemas/ids/7") for request in server.requests) == 2  # once by each command


def test_a_registry_that_never_answers_ends_the_sample_and_is_a_problem(flow: Flow) -> None:
    silence = fault_scripts.hang()(ReceivedBatch(1, "", [], {}))
    assert silence
    produce(flow, is_delivered, 30, confluent)
    with peer(lambda _: silence) as server:
        config = json.dumps({"timeout": 0.5})
        started_at = time.monotonic()
        code, lines, sample = check(flow, SCHEMA_REGISTRY_URL=server.url, SCHEMA_REGISTRY_CONFIG=config)
        assert time.monotonic() - started_at < 30
    assert (code, sample["waiting"][0]["records"]) == (1, 30)
    assert "no answer from the schema registry: the request took longer than its timeout" in lines["waiting"][1]
    assert sum(request.path.startswith("/schemas/ids/7") for request in server.requests) == 1


def test_a_registry_that_never_answers_for_many_schemas_ends_the_sample_in_time(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = fault_scripts.hang()(ReceivedBatch(1, "", [], {}))
    assert silence
    numbers = itertools.count(1)
    produce(flow, is_delivered, 30, lambda body: confluent(body, next(numbers)))
    with peer(lambda _: silence) as server:
        config = json.dumps({"timeout": 0.5})
        settings = {**flow.environment(), "SCHEMA_REGISTRY_URL": server.url, "SCHEMA_REGISTRY_CONFIG": config}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        results, sample = check_sample(consumer.settings.load(None), 30, [], max_seconds=1.2)
    assert sample
    assert sample.ended_early
    assert 1 <= sample.records <= 10
    assert results[0].state == "problem"
    assert results[0].detail.endswith("no further record was looked at, because the time was over")


def test_a_broker_that_never_answers_ends_the_check(flow: Flow) -> None:
    result = CommandRunner(flow, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}).run("check", "--json")
    lines = {line["what"]: (line["state"], line["found"]) for line in json.loads(result.stdout)["looks"]}
    assert result.returncode == 1
    assert lines["sample"] == ("note", "no record was looked at, because of the problem with Kafka")


def test_names_of_environments_are_escaped_and_in_no_log(flow: Flow, registry_url: str) -> None:
    value = decoder.encode(flow.schema, {"userId": "u", "environment": "\x1b[2Jprod" + "x" * 200})
    producer = flow.producer()
    producer.produce(flow.topic, confluent(value), partition=0)
    assert producer.flush(30) == 0
    runner = CommandRunner(flow, {"SCHEMA_REGISTRY_URL": registry_url, "LOG_LEVEL": "debug"})
    result = runner.run("check")
    assert "'\\x1b[2jprodxxx" in result.stdout
    assert "\x1b" not in result.stdout
    assert "x" * 100 not in result.stdout
    assert "prod" not in result.stderr


def test_the_schemas_of_the_sample_are_checked_where_the_registry_lists_none(flow: Flow) -> None:
    """Apicurio, in its own API. `auto` sees that the ids have four bytes. `check` asks for an id of nobody first."""
    schema = json.loads(RESPONSE)
    produce(flow, is_delivered, 5, confluent)
    with peer(lambda request: json_response([] if request.path.endswith("/references") else schema)) as server:
        registry = {"SCHEMA_REGISTRY_URL": server.url, "SCHEMA_REGISTRY_TYPE": "apicurio", "AVRO_FRAMING": "auto"}
        registry["SCHEMA_REGISTRY_CONFIG"] = '{"apicurio.registry.use-id": "contentId"}'
        code, lines, sample = check(flow, **registry)
    assert (code, sample["delivered"]) == (0, 5)
    assert lines["framings"] == ("ok", "apicurio (5); schemas: contentId 7 (5)")
    assert lines["schemas"][1].startswith("1 schema: 0 problems")
    paths_asked = {request.path.partition("?")[0] for request in server.requests}
    ids = (7, 2**31 - 1)
    assert paths_asked == {f"/apis/registry/v3/ids/contentIds/{i}{end}" for i in ids for end in ("", "/references")}
