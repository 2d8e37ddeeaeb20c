"""`contract show` and `contract export`: an analyst's table, and the rules of a tracking plan."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema_rs import Draft7Validator

from consumer import paths
from consumer.cli.main import main
from consumer.contract.describe import Row, rows, skips, tracking_plan
from consumer.contract.loader import load_contracts
from consumer.contract.parser import parse_contract
from consumer.errors import ContractError

(SHIPPED,) = load_contracts(paths.schemas())
FRAME: dict[str, Any] = {
    "type": {"const": "track"},
    "event": {"const": "Answered"},
    "userId": {"type": "string", "x-source": "user"},
    "messageId": {"x-source": "$kafka.messageId"},
}


def contract(file: str = "a.json", properties: Any = None, **outer: Any) -> Any:
    frame = {**FRAME, "properties": {"type": "object", "properties": properties or {}, "required": []}, **outer}
    return parse_contract(file, {"x-record": "*", "required": list(FRAME), "properties": frame})


def test_a_row_says_type_need_and_source() -> None:
    by_field = {row.field: row for row in rows(SHIPPED)}
    assert by_field["type"] == Row("type", "string", True, 'always "track"')
    assert by_field["timestamp"].type == "string (date-time)"
    assert by_field["timestamp"].source == "timestamp, else the Kafka record's time; milliseconds to ISO-8601"
    assert by_field["userId"].source.endswith("number to text; blank: not sent, counted as no_user_id")
    assert by_field["properties.surveyId"] == Row("properties.surveyId", "string or integer or null", False, "surveyId")
    assert by_field["context.integration.version"] == Row(
        "context.integration.version", "string", True, 'always "1.0.0"'
    )


def test_a_row_says_labels_defaults_and_conditions() -> None:
    rule = {"x-source": "k", "x-convert": "label", "x-labels": {"A": "a"}, "default": "none"}
    skip = {"x-skip": {"when": {"not-in": ["done", None]}, "reason": "not_done"}}
    parsed = contract(properties={"kind": rule, "state": skip})
    assert [row.source for row in rows(parsed)][-2:] == ['k; value to its label; default "none"', "state"]
    assert skips(parsed) == ['state none of "done", null: not sent, counted as not_done']


def test_the_plan_has_a_rule_for_all_and_one_for_the_event() -> None:
    common, track = tracking_plan([SHIPPED])["rules"]
    assert (common["type"], track["type"], track["key"]) == ("COMMON", "TRACK", "SDK - Submitted - Survey Response")
    assert set(common["jsonSchema"]["properties"]) == {"type", "userId", "messageId", "timestamp", "context"}
    assert set(track["jsonSchema"]["properties"]) == {"event", "properties"}
    assert '"x-' not in json.dumps([common, track])
    for rule in (common, track):
        Draft7Validator(rule["jsonSchema"])
        assert rule["jsonSchema"]["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_what_contracts_do_not_share_stays_with_their_events() -> None:
    other = contract(
        "b.json", event={"x-source": "e", "default": "Opened"}, userId={"type": "integer", "x-source": "u"}
    )
    common, first, second = tracking_plan([contract(), other])["rules"]
    assert "userId" not in common["jsonSchema"]["properties"]
    assert first["jsonSchema"]["properties"]["userId"] == {"type": "string"}
    assert (second["key"], second["jsonSchema"]["properties"]["userId"]) == ("Opened", {"type": "integer"})
    assert second["jsonSchema"]["required"] == ["event", "userId"]


@pytest.mark.parametrize(
    ("second", "mistake"),
    [
        (contract("b.json"), "b.json: /properties/event: expected an event other than that of a.json"),
        (contract("b.json", event={"x-source": "e"}), "b.json: /properties/event: expected const or default"),
    ],
)
def test_an_event_that_a_plan_cannot_name_is_a_mistake(second: Any, mistake: str) -> None:
    with pytest.raises(ContractError, match=mistake):
        tracking_plan([contract(), second])


def run_contract(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(main, ["contract", *arguments], env={"SCHEMAS_DIR": "", **environment})


def test_show_prints_a_table_and_json_without_any_setting() -> None:
    table = run_contract("show")
    assert (table.exit_code, table.stderr) == (0, "")
    assert "properties.triggeringEvent" in table.stdout
    assert not any(line.endswith(" ") for line in table.stdout.splitlines())
    (contract_json,) = json.loads(run_contract("show", "--json").stdout)
    assert contract_json["fields"][0] == {
        "field": "type",
        "type": "string",
        "required": True,
        "source": 'always "track"',
    }


def test_export_writes_the_plan(tmp_path: Path) -> None:
    assert run_contract("export", "--output", str(tmp_path / "rules.json")).stdout == ""
    assert json.loads((tmp_path / "rules.json").read_text()) == json.loads(run_contract("export").stdout)
    result = run_contract("export", "--output", str(tmp_path / "no" / "rules.json"))
    assert (result.exit_code, "Could not open file" in result.stderr) == (1, True)


def test_a_bad_contract_is_reported_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "segment").mkdir()
    (tmp_path / "segment" / "a.json").write_text('{"x-record": "*"}')
    result = run_contract("show", "--schemas-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("a.json: /: expected type among properties and required")
    assert run_contract("show", SCHEMAS_DIR=str(tmp_path)).exit_code == 2
