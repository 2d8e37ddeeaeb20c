"""`contract test`: the shipped cases hold and cover the contract; a failing case and a bad file are explained."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from consumer import paths
from consumer.avro.decoder import encode, load_schema
from consumer.avro.json_to_avro import avro_value
from consumer.cli.main import main
from consumer.contract.cases import read_cases
from consumer.contract.describe import rows
from consumer.contract.loader import load_contracts
from consumer.demo.survey_questions import QUESTION_TYPES
from tests.unit.contract.compiled import FRAME, sent_form

UUID = "5b1f3f5c-6a53-4f6e-9c55-0d6f0f0b7a11"
CASES = read_cases(paths.schemas())
AVRO = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "user", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}, "default": 0},
        {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}],
         "default": None},
        {"name": "raw", "type": ["null", "bytes"], "default": None},
        {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}, "default": "A"},
        {"name": "more", "type": ["null", {"type": "array", "items": {"type": "map", "values": "int"}}],
         "default": None},
    ],
}  # fmt: skip
CONTRACT = {
    "x-record": "R",
    "required": [*FRAME],
    "properties": {
        **FRAME,
        "userId": {"x-source": "user", "x-skip": {"when": "blank", "reason": "no_user"}},
        "properties": {"properties": {name: {} for name in ("at", "day", "price", "raw", "kind", "more")}},
    },
}


def write_folder(folder: Path, cases: Any) -> Path:
    for name, value in {"sprig/r.avsc": AVRO, "segment/c.json": CONTRACT, "cases/a.json": cases}.items():
        (folder / name).parent.mkdir()
        (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


def run_cases(folder: Path, *options: str) -> Any:
    return CliRunner().invoke(main, ["contract", "test", "--schemas-dir", str(folder), *options])


def test_the_shipped_cases_hold() -> None:
    result = CliRunner().invoke(main, ["contract", "test"], env={"SCHEMAS_DIR": ""})
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith(f"\n{len(CASES)} cases, 0 failed\n")


def test_the_shipped_cases_cover_each_question_type_property_and_outcome() -> None:
    assert {case.record.get("questionType") for case in CASES} >= QUESTION_TYPES | {"followup"}
    (contract,) = load_contracts(paths.schemas())
    events = json.dumps([case.expected.get("event", {}) for case in CASES if len(case.record) > 10])
    assert all(f'"{row.field.rpartition(".")[2]}"' in events for row in rows(contract))
    assert {outcome for case in CASES for outcome in case.expected} == {
        "event", "has", "skipped", "rejected", "environment",
    }  # fmt: skip
    reasons = {case.expected["rejected"]["reason"] for case in CASES if "rejected" in case.expected}
    assert reasons == {"integer_too_large", "invalid", "time_out_of_range"}


def test_json_stands_for_every_type_of_avro(tmp_path: Path) -> None:
    record = {"user": "u", "at": "2026-03-02T09:00:00Z", "day": "2026-03-02", "price": "12.34", "raw": "AP8Q"}
    forms = {"at": "2026-03-02T09:00:00.000Z", "day": "2026-03-02", "price": "12.34", "raw": "AP8Q"}
    cases = [
        {"case": "texts", "record": record, "has": {f"/properties/{name}": value for name, value in forms.items()}},
        {"case": "stored integers", "record": {"user": "u", "at": 1772442000000, "day": 20514},
         "has": {"/properties/at": forms["at"], "/properties/day": forms["day"]}},
        {"case": "lists and maps", "record": {"user": "u", "kind": "B", "more": [{"a": 1}]},
         "has": {"/properties/kind": "B", "/properties/more/0": 1}},
    ]  # fmt: skip
    lines = run_cases(write_folder(tmp_path, cases)).stdout.splitlines()
    assert [line[:4] for line in lines] == ["ok  ", "ok  ", "FAIL", "    ", "3 ca"]
    assert lines[3].strip() == "/properties/more/0: expected 1, got nothing"  # no way into lists


@pytest.mark.parametrize(
    ("avro", "text", "value"),
    [
        ({"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}, UUID, UUID),
        ({"type": "long", "logicalType": "timestamp-nanos"}, "2026-03-02T10:00:00.000001+01:00",
         "2026-03-02T09:00:00.000001000Z"),
        ({"type": "long", "logicalType": "local-timestamp-nanos"}, "2026-03-02T09:00:00",
         "2026-03-02T09:00:00.000000000Z"),
    ],
)  # fmt: skip
def test_text_stands_for_a_uuid_and_for_nanoseconds(avro: Any, text: str, value: str) -> None:
    schema = load_schema("test", {"type": "record", "name": "R", "fields": [{"name": "x", "type": avro}]})
    encoded = encode(schema, {"x": avro_value(schema.root.fields["x"], text, "x")})
    assert sent_form(schema, encoded) == {"x": value}


def test_json_stands_for_a_union_in_a_union(tmp_path: Path) -> None:
    cases = [{"case": "of a price", "record": {"user": "u", "price": 12}, "has": {"/properties/price": 12}}]
    folder = write_folder(tmp_path, cases)
    price = {"name": "price", "type": ["null", ["int", "string"]]}
    fields: Any = AVRO["fields"]
    avro = {**AVRO, "fields": [price if field["name"] == "price" else field for field in fields]}
    (folder / "sprig" / "r.avsc").write_text(json.dumps(avro))
    assert run_cases(folder).exit_code == 0


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ({"has": {"/properties/kind": "B"}}, '/properties/kind: expected "B", got "A"'),
        ({"has": {"/properties/gone": 1}}, "/properties/gone: expected 1, got nothing"),
        ({"skipped": "no_user"}, 'expected skipped, but the record becomes an event: {"type":'),
        ({"rejected": {"reason": "invalid"}}, 'expected rejected, but the record becomes an event: {"type":'),
        ({"environment": "live", "has": {}}, 'environment: expected "live", got ""'),
    ],
)
def test_a_failing_case_names_the_place(tmp_path: Path, expected: Any, line: str) -> None:
    result = run_cases(write_folder(tmp_path, [{"case": "example", "record": {"user": "u"}, **expected}]))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "FAIL  cases/a.json  example"
    assert result.stdout.splitlines()[1].strip().startswith(line)


@pytest.mark.parametrize(
    "expected", [{"event": {"a": 1, "b": 2}}, {"has": {"/userId": "u", "/event": "e"}}, {"has": {}}]
)
@pytest.mark.parametrize(
    ("user", "change", "outcome"),
    [
        (None, {}, "skipped as no_user"),
        ("u", {"x-record": "S"}, "rejected as unknown_record: no contract is for R"),
        ("u", {"allOf": [{"required": ["context"]}]}, "rejected as invalid: /context: required"),
    ],
)
def test_a_record_without_the_expected_event_is_one_line_with_the_reason(
    tmp_path: Path, expected: Any, user: Any, change: Any, outcome: str
) -> None:
    case = {"case": "example", "record": {"user": user}, "environment": "live", **expected}
    folder = write_folder(tmp_path, [case])
    (folder / "segment" / "c.json").write_text(json.dumps({**CONTRACT, **change}))
    (result, *_) = json.loads(run_cases(folder, "--json").stdout)
    assert result["differences"] == [f"expected an event, but the record is {outcome}"]


def test_a_whole_event_is_compared_with_all_its_properties(tmp_path: Path) -> None:
    event = {"type": "track", "event": "e", "userId": "v", "messageId": "$kafka.messageId", "extra": 1}
    folder = write_folder(tmp_path, [{"case": "example", "record": {"user": "u"}, "event": event}])
    results = json.loads(run_cases(folder, "--json").stdout)
    assert results[0]["differences"][0] == '/userId: expected "v", got "u"'
    assert "/extra: expected 1, got nothing" in results[0]["differences"]
    assert any(line.startswith("/properties: expected nothing, got {") for line in results[0]["differences"])


@pytest.mark.parametrize(
    ("cases", "line"),
    [
        ("[", "cases/a.json: line 1, column 2: expected JSON: "),
        ('[{"case": "a", "record": {"user": "u",\n "user": "v"}, "event": {}}]',
         'cases/a.json: line 2, column 2: expected JSON: key "user" twice in /0/record, first in line 1'),
        ({}, "cases/a.json: /: expected a list of cases"),
        ("[" * 900 + "1" + "]" * 900, "cases/a.json: /: expected at most 128 lists and objects inside each other"),
        ([1], 'cases/a.json: /0: expected an object with "case", "record"'),
        ([{"case": "a", "record": {}, "event": {}, "skipped": "b"}], "cases/a.json: /0: expected exactly one of event"),
        ([{"case": "a", "record": {}, "call": {}}], "cases/a.json: /0: expected no call: a case has "),
        ([{"case": "a", "record": {}, "unprocessable": {}}], "cases/a.json: /0: expected no unprocessable: a case "),
        ([{"record": {}, "event": {}}], 'cases/a.json: /0: expected "case", which describes the example'),
        ([{"case": "a", "record": {}, "event": []}], "cases/a.json: /0: expected an object as event"),
        ([{"case": "a", "record": {"user": 5}, "event": {}}], "cases/a.json: a: record.user: expected null or string"),
        ([{"case": "a", "record": {"usr": "u"}, "event": {}}], "cases/a.json: a: record: expected record"),
        ([{"case": "a", "record": {"user": "u", "raw": "!"}, "event": {}}], "cases/a.json: a: record: does not fit"),
        ([{"case": "a", "schema": "b.avsc", "record": {}, "event": {}}], "cases/a.json: a: b.avsc: not a readable"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_explained(tmp_path: Path, cases: Any, line: str) -> None:
    result = run_cases(write_folder(tmp_path, cases))
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.match(re.escape(line), result.stderr), result.stderr


def test_a_folder_without_cases_is_a_mistake(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, [])
    assert "expected at least one file of cases" in run_cases(folder).stderr
