"""`check --contract-only`: what is proved of a schema is what becomes of its records."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.avro.decoder import decode, load
from consumer.cli.main import main
from consumer.contract.compatibility import Finding, prove
from consumer.contract.compiler import compile_contract
from consumer.contract.mapper import Mapper
from consumer.contract.parser import read
from consumer.contract.validator import Validator
from consumer.errors import RecordError
from consumer.model import Message
from tests.avro_values import SCHEMAS, record, sized, values
from tests.support import registry

MESSAGE = Message(0, 0, 0, None, b"", ())
FRAME: dict[str, Any] = {
    "type": {"const": "track"},
    "event": {"const": "e"},
    "userId": {"type": "string", "x-source": "user"},
    "messageId": {"x-source": "$kafka.messageId"},
}
TYPES = ["string", "integer", "number", "boolean", "null", "array", "object"]


def contract(rule: Any, required: bool = False, top: Any = ()) -> Any:
    properties = {"type": "object", "required": ["p"] if required else [], "properties": {"p": rule}}
    frame = {"x-record": "*", "required": list(FRAME), "properties": {**FRAME, "properties": properties}, **dict(top)}
    return read("test", frame)


def proved(rule: Any, avro: Any, required: bool = False, top: Any = ()) -> list[tuple[str, str]]:
    """Weights and words of what is found, without the ordinary."""
    root = load("test", record("R", user="string", **avro)).root
    return [(one.weight, one.what) for one in prove(contract(rule, required, top), root)]


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
LABELS = {"x-convert": "label", "x-labels": {"A": "a"}}


@pytest.mark.parametrize(
    ("rule", "avro", "required", "found"),
    [
        ({"type": "string"}, {"p": "string"}, True, []),
        ({"type": "string"}, {"q": "string"}, True, [
            ("problem", "no field p: every record is set aside as missing_required"),
            ("note", "ignored: the contract does not look at it")]),
        ({"type": "string"}, {}, False, [("warning", "no field p: it is in no call")]),
        ({"type": "string", "default": "d"}, {}, True, [("note", "no field p: always the default")]),
        ({"x-skip": {"when": "blank", "reason": "gone"}}, {}, False, [
            ("problem", "no field p: every record is skipped as gone")]),
        ({"x-source": ["q", "r"]}, {"r": "int"}, True, []),
        ({"type": "string", "x-source": ["r", "p"]}, {"r": "string", "p": "int"}, True, []),
        ({"type": "string", "x-source": ["p", "$kafka.timestamp"]}, {"p": ["null", "string"]}, False, [
            ("warning", "long never fits: set aside as invalid")]),
        ({"allOf": [{"type": "string"}]}, {"p": "int"}, False, [("problem", "int never fits: set aside as invalid")]),
        ({"type": "string"}, {"p": ["null", "string"]}, True, [("warning", "null is set aside as missing_required")]),
        ({"type": "string"}, {"p": ["null", "string"]}, False, [("note", "null is left out")]),
        ({"type": ["string", "null"]}, {"p": ["null", "string"]}, False, [("note", "null stays null")]),
        ({"type": "string", "default": ""}, {"p": ["null", "string"]}, False, [("note", "null becomes the default")]),
        ({"type": "string"}, {"p": "int"}, False, [("problem", "int never fits: set aside as invalid")]),
        ({"type": "string", "x-convert": "string"}, {"p": "int"}, False, []),
        ({"type": "string", "x-convert": "string"}, {"p": "double"}, False, [
            ("problem", "double never fits: set aside as invalid")]),
        ({"type": "string", "x-convert": "iso-8601"}, {"p": ["long", "string"]}, False, []),
        ({"type": "string"}, {"p": {"type": "long", "logicalType": "timestamp-millis"}}, False, []),
        ({"type": "string"}, {"p": ["string", "int"]}, False, [("warning", "int never fits: set aside as invalid")]),
        ({"x-convert": "json"}, {"p": "string"}, False, []),
        ({"type": "array", "x-convert": "json"}, {"p": "string"}, False, [
            ("warning", "string does not always fit: set aside as invalid")]),
        ({"enum": ["A"]}, {"p": ENUM}, False, [("warning", "enum does not always fit: set aside as invalid")]),
        ({"enum": ["C"]}, {"p": ENUM}, False, [("problem", "enum never fits: set aside as invalid")]),
        (LABELS, {"p": ENUM}, False, [("warning", "no label for B: set aside as no_label")]),
        ({"additionalProperties": {"type": "string"}}, {"p": {"type": "map", "values": "int"}}, False, [
            ("warning", "map does not always fit: set aside as invalid")]),
        ({"x-source": "p", "properties": {"x": {"type": "string"}}}, {"p": record("I", x="int")}, False, [
            ("problem", "record never fits: set aside as invalid")]),
    ],
)  # fmt: skip
def test_what_is_found_is_told(rule: Any, avro: Any, required: bool, found: list[tuple[str, str]]) -> None:
    assert proved(rule, avro, required) == found


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ({"in": ["a"]}, [("warning", "no such field: nothing is skipped as mine")]),
        ({"not-in": ["a"]}, [("problem", "no such field: every record is skipped as mine")]),
        ("blank", [("problem", "no such field: every record is skipped as mine")]),
    ],
)
def test_a_condition_on_a_field_that_is_gone_is_told(when: Any, found: Any) -> None:
    skip = {"source": "gone", "when": when, "reason": "mine"}
    assert proved(True, {"p": "int"}, top={"x-skip": [skip]}) == found


def test_an_environment_that_is_gone_is_told() -> None:
    assert proved(True, {"p": "int"}, top={"x-environment": "env"})[0][1].endswith("set aside as no_write_key")


def test_what_the_contract_does_not_look_at_is_told_down_to_the_field() -> None:
    inner = record("I", used="int", idle="int")
    root = load("test", record("R", user="string", r=inner, whole=record("J", a="int"))).root
    rule = {"x-source": ["r.used", "whole"]}
    assert prove(contract(rule), root) == [Finding("note", "r.idle", "ignored: the contract does not look at it")]


def outcome(made: Any, schema: Any, value: bytes) -> tuple[str, bool]:
    """The reason that a record of `user` and `p` is not sent for, "" if it is; and whether `p` was null."""
    loaded = load("test", schema)
    mapper = Mapper(compile_contract(made, loaded.root, "1"), Validator(made.schema))
    try:
        decoded = decode(loaded, sized(b"u") + value, 0)
    except RecordError as error:
        return error.reason, False
    try:
        mapper.call(decoded, MESSAGE, "id")
    except RecordError as error:
        return error.reason, decoded["p"] is None
    return "", decoded["p"] is None


DEFINITIONS = {"definitions": {name: {"type": name} for name in TYPES}}
REFERENCES = st.sampled_from(TYPES).map(lambda it: {"$ref": f"#/definitions/{it}"})
KINDS = st.sampled_from(TYPES).map(lambda it: {"type": it})
RULES = st.one_of(
    st.just(True),
    REFERENCES,
    st.dictionaries(
        st.sampled_from(["allOf", "anyOf", "oneOf"]),
        st.lists(st.one_of(REFERENCES, KINDS), min_size=1, max_size=3),
        min_size=1,
        max_size=1,
    ),
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=4, unique=True).map(lambda it: {"type": it}),
    st.sampled_from(TYPES).map(lambda it: {"type": "array", "items": {"type": it}}),
    st.sampled_from(TYPES).map(lambda it: {"type": "object", "additionalProperties": {"type": it}}),
    st.sampled_from(["A", "x", True, None]).map(lambda it: {"enum": [it, "B"]}),
)
CONVERSIONS = st.sampled_from([{}, {}, {"x-convert": "string"}, {"x-convert": "iso-8601"}])


@settings(deadline=None)  # a machine that is busy proves nothing
@given(SCHEMAS, RULES, CONVERSIONS, st.booleans(), st.data())
def test_a_proof_agrees_with_what_becomes_of_records(
    avro: Any, rule: Any, conversion: Any, required: bool, data: st.DataObject
) -> None:
    made = contract({**rule, **conversion} if isinstance(rule, dict) else rule, required, DEFINITIONS)
    schema = record("R", user="string", p=avro)
    found = [one for one in prove(made, load("test", schema).root) if one.place == "/properties/p"]
    reason, null = outcome(made, schema, data.draw(values(schema["fields"][1]["type"])))
    if not any(one.weight != "note" for one in found):
        assert reason not in ("invalid", "missing_required")
    if any(one.weight == "problem" for one in found) and not null:
        assert reason


def told(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(main, ["check", "--contract-only", *arguments], env={"SCHEMAS_DIR": "", **environment})


def file(place: Path, avro: Any) -> str:
    place.write_text(json.dumps(avro))
    return str(place)


def test_a_producer_asks_with_no_setting_at_all(tmp_path: Path) -> None:
    good = told("--schema", file(tmp_path / "good.avsc", record("R", userId="string", surveyName="string")))
    assert (good.exit_code, good.stderr) == (0, "")
    assert good.stdout.startswith("good.avsc R by survey-response.json\n")
    bad = told("--schema", file(tmp_path / "bad.avsc", record("R", user="string")))
    assert bad.exit_code == 1
    assert "problem  /userId" in bad.stdout
    assert "no field userId, externalUserId: every record is skipped as no_user_id" in bad.stdout


def test_a_property_that_is_in_no_call_is_a_problem_when_strict(tmp_path: Path) -> None:
    path = file(tmp_path / "a.avsc", record("R", userId="string"))
    assert told("--schema", path).exit_code == 0
    assert told("--schema", path, "--strict").exit_code == 1


def test_a_schema_that_is_refused_is_a_problem(tmp_path: Path) -> None:
    made = told("--schema", file(tmp_path / "a.avsc", record("R", me=["null", "R"])), "--json")
    assert made.exit_code == 1
    assert "contains itself" in json.loads(made.stdout)[0]["findings"][0]["what"]


def test_each_branch_of_a_union_is_proved_and_what_has_no_contract_is_told(tmp_path: Path) -> None:
    path = file(tmp_path / "a.avsc", ["int", record("A", userId="string"), record("B", userId="string")])
    made = json.loads(told("--schema", path, "--json").stdout)
    assert [(one["record"], one["contract"], one["ok"]) for one in made] == [
        ("int", "", False), ("A", "survey-response.json", True), ("B", "survey-response.json", True),
    ]  # fmt: skip
    assert "ON_UNKNOWN_RECORD=dead-letter" in made[0]["findings"][0]["what"]
    assert told("--schema", path, ON_UNKNOWN_RECORD="skip").exit_code == 0


def test_every_version_of_the_topics_subject_is_proved() -> None:
    versions = {1: record("R", userId="string"), 2: record("R", user="string")}
    with registry({7: json.dumps(versions[1]), 8: json.dumps(versions[2])}, {"t-value": [7, 8]}) as url:
        made = told("--json", SCHEMA_REGISTRY_URL=url, KAFKA_TOPIC="t")
        assert [(one["schema"], one["ok"]) for one in json.loads(made.stdout)] == [
            ("t-value version 1 (id 7)", True), ("t-value version 2 (id 8)", False),
        ]  # fmt: skip
        gone = told("--subject", "gone", SCHEMA_REGISTRY_URL=url)
    assert gone.exit_code == 1
    assert "the registry has no such subject" in gone.stdout


def test_a_registry_that_is_away_proves_nothing() -> None:
    made = told(SCHEMA_REGISTRY_URL="http://127.0.0.1:9")
    assert made.exit_code == 1
    assert "no answer from the schema registry" in made.stdout


def test_bad_usage_teaches() -> None:
    assert told().stderr == "give --schema FILE, or SCHEMA_REGISTRY_URL for the schemas that are registered\n"
    assert told(SCHEMA_REGISTRY_URL="nowhere").exit_code == 2
    assert CliRunner().invoke(main, ["check"]).exit_code == 2
