"""`contract init`: the first contract of any schema has no problem, its cases hold, and nothing is overwritten."""

import json
import shlex
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.avro.decoder import load_schema
from consumer.cli.main import main
from consumer.contract.field_guesses import Leaf, guess_environment, guess_time, guess_user, time_conversion
from consumer.contract.first_contract import MAX_RECORD_LEVELS, record_leaves
from consumer.jsonio import written
from tests.avro_values import LOGICAL, PLAIN, SCHEMAS, record
from tests.unit.avro.test_any_schema import SPECIFICATION

ROOT = Path(__file__).parents[3]
CONTRACTS = sorted(path for path in ROOT.glob("*/**/segment/*.json") if ".venv" not in path.parts)
AVRO_FILES = sorted(path for path in ROOT.glob("*/**/*.avsc") if ".venv" not in path.parts)
TIMESTAMP = {"type": "long", "logicalType": "timestamp-millis"}
ANSWER = record("com.acme.SurveyAnswer", user_id=["null", "long"], survey="string", answered_at="long")


def run(*words: str) -> Any:
    return CliRunner().invoke(main, list(words), env={"SCHEMAS_DIR": ""})


def init(folder: Path, avro: Any, *options: str, name: str = "answer.avsc") -> Any:
    """Runs `contract init` for a schema beside the folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    schema = folder.parent / name
    schema.write_text(json.dumps(avro))
    return run("contract", "init", "--schema", str(schema), "--schemas-dir", str(folder), *options)


def require_good(folder: Path, schema: Path, reserved: Collection[str] = ()) -> None:
    """`contract test` passes, and `check` finds neither a problem nor a warning, except for the names in `reserved`."""
    cases = run("contract", "test", "--schemas-dir", str(folder))
    assert (cases.exit_code, cases.stderr) == (0, ""), cases.output
    check = run("check", "--contract-only", "--json", "--schemas-dir", str(folder), "--schema", str(schema))
    findings = [finding for checked in json.loads(check.stdout) for finding in checked["findings"]]
    weighty = [finding for finding in findings if finding["weight"] != "note"]
    assert [(finding["weight"], finding["place"]) for finding in weighty] == [("warning", place) for place in reserved]
    assert all("Segment's warehouses" in finding["what"] for finding in weighty)
    assert check.exit_code == 0, check.output


def contract(folder: Path, name: str = "survey-answer") -> Any:
    return json.loads((folder / "segment" / f"{name}.json").read_text())


def cases(folder: Path, name: str = "survey-answer") -> Any:
    return json.loads((folder / "cases" / f"{name}.json").read_text())


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@settings(deadline=None)  # a busy machine must not fail the test
@given(st.lists(SCHEMAS, min_size=1, max_size=3), st.sampled_from(["string", "long", ["null", "string"]]))
def test_the_first_contract_of_any_record_is_good(
    tmp_path_factory: pytest.TempPathFactory, schemas: list[Any], user: Any
) -> None:
    folder = tmp_path_factory.mktemp("any") / "mine"
    avro = record("R", user=user, **{f"f{number}": schema for number, schema in enumerate(schemas)})
    result = init(folder, avro)
    assert (result.exit_code, result.stderr) == (0, "")
    require_good(folder, folder / "sprig" / "answer.avsc")
    assert cases(folder, "r")[0]["event"]["userId"]
    mapped = json.dumps(contract(folder, "r"))
    paths = [(f'"f{number}"', f'"f{number}.') for number in range(len(schemas))]  # the field, or a field inside it
    assert all(any(path in mapped for path in both) for both in paths)


@settings(deadline=None)
@given(st.lists(SCHEMAS, max_size=3))
def test_without_a_field_for_the_user_it_says_so(tmp_path_factory: pytest.TempPathFactory, schemas: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("any") / "mine"
    result = init(folder, record("R", **{f"f{number}": schema for number, schema in enumerate(schemas)}))
    if result.exit_code:
        assert result.stderr == "answer.avsc: no field can be a userId, because none has text or an integer\n"
        assert not folder.exists()
    else:
        require_good(folder, folder / "sprig" / "answer.avsc")


@settings(deadline=None)
@given(st.lists(SCHEMAS, min_size=2, max_size=4))
def test_each_record_of_a_union_gets_a_contract(tmp_path_factory: pytest.TempPathFactory, schemas: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("any") / "mine"
    avro = [record(f"a.R{number}", user="string", **{f"f{number}": inner}) for number, inner in enumerate(schemas)]
    assert init(folder, ["null", *avro]).exit_code == 0
    assert len([*(folder / "segment").iterdir()]) == len(schemas)
    assert run("contract", "test", "--schemas-dir", str(folder)).exit_code == 0


@pytest.mark.parametrize("path", AVRO_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_first_contracts_of_the_schemas_here_are_good(tmp_path: Path, path: Path) -> None:
    result = run("contract", "init", "--schema", str(path), "--schemas-dir", str(tmp_path))
    assert (result.exit_code, result.stderr) == (0, "")
    require_good(tmp_path, path, ["/properties/event"] if path.name == "other-bus.avsc" else [])


@pytest.mark.parametrize("name", [name for name, avro in SPECIFICATION.items() if isinstance(avro, dict)
                                  and avro["type"] == "record"])  # fmt: skip
def test_the_first_contracts_of_the_specification_are_good(tmp_path: Path, name: str) -> None:
    result = init(tmp_path / "mine", SPECIFICATION[name])
    assert result.exit_code == 0, result.output
    require_good(tmp_path / "mine", tmp_path / "answer.avsc")


@pytest.mark.parametrize("avro", [*sorted(PLAIN), *LOGICAL], ids=json.dumps)
@pytest.mark.parametrize(
    "wrap", ["alone", "nullable", "in an array", "in a map", "in a record", "in a nullable record"]
)
def test_every_type_in_every_place_is_mapped(tmp_path: Path, avro: Any, wrap: str) -> None:
    wrapped = {
        "alone": avro,
        "nullable": avro if avro == "null" else ["null", avro],
        "in an array": {"type": "array", "items": ["boolean", avro] if avro == "null" else avro},
        "in a map": {"type": "map", "values": avro},
        "in a record": record("I", x=avro),
        "in a nullable record": ["null", record("I", x=avro, created_at="long")],
    }[wrap]
    assert init(tmp_path / "mine", record("R", user_id="string", timestamp=TIMESTAMP, p=wrapped)).exit_code == 0
    require_good(tmp_path / "mine", tmp_path / "answer.avsc")
    assert "p" in contract(tmp_path / "mine", "r")["properties"]["properties"]["properties"]


def test_records_in_records_of_any_depth_are_mapped(tmp_path: Path) -> None:
    avro: Any = record("R0", text="string")
    for level in range(1, 30):
        avro = record(f"R{level}", inner=["null", avro], text="string")
    assert init(tmp_path / "mine", avro).exit_code == 0
    require_good(tmp_path / "mine", tmp_path / "answer.avsc")
    leaves = [leaf.path for leaf in record_leaves(load_schema("test", avro).root)]
    assert max(path.count(".") for path in leaves) == MAX_RECORD_LEVELS - 1


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_written_in_the_style_of_the_contracts_here(path: Path) -> None:
    assert written(json.loads(path.read_text())) + "\n" == path.read_text()


def test_the_documentation_of_a_field_becomes_the_description_of_its_property(tmp_path: Path) -> None:
    avro = record("R", user="string", survey="string", answer=record("A", body="string"))
    avro["fields"][1]["doc"] = "The survey's name."
    avro["fields"][2]["type"]["fields"][0]["doc"] = "What was said."
    init(tmp_path / "mine", avro)
    properties = contract(tmp_path / "mine", "r")["properties"]["properties"]["properties"]
    assert properties["survey"] == {"description": "The survey's name.", "type": "string"}
    body = properties["answer"]["properties"]["body"]
    assert body == {"description": "What was said.", "type": "string", "x-source": "answer.body"}


def test_the_guesses_are_marked_in_the_contract_and_printed(tmp_path: Path) -> None:
    avro = record("com.acme.SurveyAnswer", account="string", user_id=["null", "long"], stage="string",
                  answered_at=TIMESTAMP, created_at="long", seen_at="int")  # fmt: skip
    result = init(tmp_path / "mine", avro)
    schema = contract(tmp_path / "mine")
    assert schema["x-environment"] == "stage"
    assert schema["properties"]["userId"] == {
        "$comment": "A guess: user_id, because of its name; it could also be account.",
        "type": "string",
        "minLength": 1,
        "x-source": "user_id",
        "x-convert": "string",
        "x-skip": {"when": "blank", "reason": "no_user_id"},
    }
    assert schema["properties"]["timestamp"]["x-source"] == "answered_at"
    properties = schema["properties"]["properties"]["properties"]
    assert {name: rule.get("x-convert") for name, rule in properties.items()} == {
        "account": None, "created_at": "iso-8601", "seen_at": "iso-8601-seconds",
    }  # fmt: skip
    assert properties["created_at"]["$comment"] == "A guess: a time because of its name, as milliseconds."
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert 'event "Survey Answer", from the name of the record' in lines
    assert "userId user_id, because of its name; it could also be account" in lines
    assert "x-environment stage, because of its name" in lines
    assert "properties.seen_at a time because of its name, as seconds" in lines


def test_a_field_of_any_name_is_mapped(tmp_path: Path) -> None:
    names = {
        "a.b": "string",
        "$c": "string",
        "d[0]": "string",
        "fine": "string",
        "inner": record("I", **{"x.y": "int"}),
    }
    result = init(tmp_path / "mine", record("R", user="string", **names))
    assert result.exit_code == 0
    require_good(tmp_path / "mine", tmp_path / "answer.avsc")
    (case, *_) = cases(tmp_path / "mine", "r")
    assert case["event"]["properties"] == {
        "a.b": "a b",
        "$c": "c",
        "d[0]": "d 0",
        "fine": "fine",
        "inner": {"x.y": 7},
    }


def test_a_field_without_a_name_and_an_enum_without_symbols_end_no_command(tmp_path: Path) -> None:
    assert init(tmp_path / "unnamed", record("Answer", **{"user_id": "string", "": "int"})).exit_code == 0
    assert [*contract(tmp_path / "unnamed", "answer")["properties"]["properties"]["properties"]] == []
    result = init(
        tmp_path / "empty", record("Answer", user_id="string", e={"type": "enum", "name": "E", "symbols": []})
    )
    assert (result.exit_code, result.stdout) == (2, "")
    assert "record: does not fit answer.avsc" in result.stderr


def test_the_cases_are_full_sparse_and_without_a_user(tmp_path: Path) -> None:
    avro = record("com.acme.SurveyAnswer", user_id=["null", "string"], score=["null", "int"], tags={
        "type": "array", "items": "string"}, at=["null", "long"])  # fmt: skip
    init(tmp_path / "mine", avro)
    full, sparse, skipped = cases(tmp_path / "mine")
    assert full["record"] == {"user_id": "user-1", "score": 7, "tags": ["text"], "at": 1_772_442_000_000}
    assert full["event"]["timestamp"] == "2026-03-02T09:00:00.000Z"
    assert sparse["record"] == {"user_id": "user-1", "score": None, "tags": [], "at": None}
    assert sparse["event"]["timestamp"] == "2026-03-02T09:00:00.000Z"  # that of the Kafka record
    assert (skipped["record"]["user_id"], skipped["skipped"]) == (None, "no_user_id")


def test_the_next_steps_are_commands_that_work(tmp_path: Path) -> None:
    result = init(tmp_path / "my contracts", ANSWER)
    commands = [line.strip() for line in result.stdout.splitlines() if line.startswith("  sprig-to-segment ")]
    assert len(commands) == 3
    for command in commands:
        assert run(*shlex.split(command)[1:]).exit_code == 0


def test_the_folder_has_what_an_editor_and_the_framing_raw_need(tmp_path: Path) -> None:
    init(tmp_path / "mine", ANSWER)
    assert files(tmp_path / "mine") == {
        "sprig/answer.avsc", "segment/survey-answer.json", "cases/survey-answer.json", "contract.schema.json",
    }  # fmt: skip
    assert "schema" not in cases(tmp_path / "mine")[0]


def test_a_schema_in_the_folder_is_used_where_it_is(tmp_path: Path) -> None:
    schema = tmp_path / "mine" / "sprig" / "answer.avsc"
    schema.parent.mkdir(parents=True)
    schema.write_text(json.dumps(ANSWER))
    assert run("contract", "init", "--schema", str(schema), "--schemas-dir", str(tmp_path / "mine")).exit_code == 0
    require_good(tmp_path / "mine", schema)
    assert len(files(tmp_path / "mine")) == 4


def test_a_second_schema_does_not_break_the_framing_raw(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    init(folder, ANSWER)
    assert init(folder, record("com.acme.Dismissed", user="string"), name="dismissed.avsc").exit_code == 0
    assert [path.name for path in (folder / "sprig").iterdir()] == ["answer.avsc"]
    assert cases(folder, "dismissed")[0]["schema"] == "cases/dismissed.avsc"
    require_good(folder, folder / "cases" / "dismissed.avsc")


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    init(folder, ANSWER)
    contract_file, case_file = folder / "segment" / "survey-answer.json", folder / "cases" / "survey-answer.json"
    generated = contract_file.read_text()
    assert init(folder, ANSWER).exit_code == 0  # the same again changes nothing
    contract_file.write_text(generated.replace("Survey Answer", "Mine"))
    case_file.write_text("[]")
    result = init(folder, ANSWER)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [f"{path}: exists; --force replaces it" for path in (contract_file, case_file)]
    assert "Mine" in contract_file.read_text()
    assert init(folder, ANSWER, "--force").exit_code == 0
    assert contract_file.read_text() == generated


def test_another_contract_for_the_same_record_is_a_conflict_also_with_force(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    init(folder, ANSWER)
    (folder / "segment" / "survey-answer.json").rename(folder / "segment" / "renamed.json")
    result = init(folder, ANSWER, "--force")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "renamed.json: is for com.acme.SurveyAnswer already" in result.stderr
    assert not (folder / "segment" / "survey-answer.json").exists()


@pytest.mark.parametrize("name", ["com.acme.Opened", "Opened"])
def test_a_record_of_a_union_is_chosen_by_its_name(tmp_path: Path, name: str) -> None:
    union = ["string", ANSWER, record("com.acme.Opened", user="string")]
    assert init(tmp_path / "mine", union, "--record", name).exit_code == 0
    assert [path.name for path in (tmp_path / "mine" / "segment").iterdir()] == ["opened.json"]
    assert run("contract", "test", "--schemas-dir", str(tmp_path / "mine")).exit_code == 0


@pytest.mark.parametrize(
    ("avro", "options", "line"),
    [
        ("string", (), "answer.avsc: expected a record, or a union with records"),
        (["null", "string"], (), "answer.avsc: expected a record, or a union with records"),
        (ANSWER, ("--record", "SurveyAnswr"), "--record: expected one of com.acme.SurveyAnswer"),
        (record("R", a="double"), (), "answer.avsc: no field can be a userId, because none has text or an integer"),
        ({"type": "record", "name": "R", "fields": [{"name": "a", "type": "R"}]}, (), "answer.avsc: R: has no value"),
    ],
)  # fmt: skip
def test_a_schema_without_a_contract_is_one_line_and_writes_nothing(
    tmp_path: Path, avro: Any, options: tuple[str, ...], line: str
) -> None:
    result = init(tmp_path / "mine", avro, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(line)
    assert not (tmp_path / "mine").exists()


def test_records_of_a_union_that_no_event_can_be_made_of_are_said(tmp_path: Path) -> None:
    union = [ANSWER, record("com.acme.Empty"), record("com.acme.Double", value="double")]
    result = init(tmp_path / "mine", union)
    assert result.exit_code == 0
    for name in ("com.acme.Empty", "com.acme.Double"):
        assert f"no contract for {name}: no field can be a userId, which Segment requires" in result.stdout


def test_records_with_the_same_short_name_get_files_and_events_of_their_own(tmp_path: Path) -> None:
    union = [record("a.Answer", user="string", x="int"), record("b.Answer", user="string", y="int")]
    union += [record("b_c.D", user="string", z="int"), record("b.cD", user="string", w="int")]
    assert init(tmp_path / "mine", union).exit_code == 0
    stems = {path.stem: contract(tmp_path / "mine", path.stem) for path in (tmp_path / "mine" / "segment").iterdir()}
    assert {schema["x-record"] for schema in stems.values()} == {"a.Answer", "b.Answer", "b_c.D", "b.cD"}
    assert run("contract", "export", "--schemas-dir", str(tmp_path / "mine")).exit_code == 0
    assert run("contract", "test", "--schemas-dir", str(tmp_path / "mine")).exit_code == 0


def test_records_that_a_sample_cannot_tell_apart_are_said(tmp_path: Path) -> None:
    result = init(tmp_path / "mine", [record("First", user="string"), record("Second", user="string")])
    assert "no case, because the sample record has the form of another record of the union" in result.stdout
    assert run("contract", "test", "--schemas-dir", str(tmp_path / "mine")).exit_code == 0


def leaves(**fields: Any) -> list[Leaf]:
    return [*record_leaves(load_schema("test", record("R", **fields)).root)]


NULLABLE = ["null", "string"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"title": "string", "userId": "string"}, "userId"),
        ({"customer_id": "string", "user_id": "long"}, "user_id"),
        ({"externalUserID": NULLABLE, "email": "string"}, "externalUserID"),
        ({"id": "string", "respondent": record("P", id="string")}, "respondent.id"),
        ({"user": record("U", title="string", id="long")}, "user.id"),
        ({"userId": {"type": "map", "values": "string"}, "email": "string"}, "email"),
        ({"userId": "double", "answer_id": "string"}, "answer_id"),
        ({"at": TIMESTAMP, "text": "string", "number": "int"}, "text"),
        ({"price": {"type": "bytes", "logicalType": "decimal", "precision": 4}, "ok": "boolean"}, None),
    ],
)
def test_the_user_is_guessed_by_name_and_type(fields: Any, path: str | None) -> None:
    guess = guess_user(leaves(**fields))
    assert (guess and guess.leaf.path) == path


@pytest.mark.parametrize(
    ("fields", "path", "conversion"),
    [
        ({"created_at": TIMESTAMP, "answered_at": "long"}, "answered_at", "iso-8601"),
        ({"created": TIMESTAMP, "text": "string"}, "created", ""),
        ({"at": ["null", "int"]}, "at", "iso-8601-seconds"),
        ({"answeredAtMs": "long"}, "answeredAtMs", "iso-8601"),
        ({"answered_at_seconds": "long"}, "answered_at_seconds", "iso-8601-seconds"),
        ({"ts_micros": "long"}, "ts_micros", "iso-8601-micros"),
        ({"timestamp": "string"}, "timestamp", ""),
        ({"meta": record("M", eventTime="long")}, "meta.eventTime", "iso-8601"),
        ({"time_spent": "long", "duration_ms": "long", "format": "string", "seconds": "long"}, None, None),
        ({"at": "double", "ts": {"type": "array", "items": "long"}}, None, None),
    ],
)
def test_the_time_is_guessed_by_name_and_type(fields: Any, path: str | None, conversion: str | None) -> None:
    guess = guess_time(leaves(**fields))
    assert (guess and guess.leaf.path) == path
    assert (guess and time_conversion(guess.leaf)) == conversion


@pytest.mark.parametrize(
    ("fields", "path"),
    [({"env": "string", "environment": NULLABLE}, "environment"), ({"meta": record("M", stage="string")}, "meta.stage"),
     ({"environment": "int"}, None), ({"environments": "string"}, None)],
)  # fmt: skip
def test_the_environment_is_guessed_by_name_and_type(fields: Any, path: str | None) -> None:
    guess = guess_environment(leaves(**fields))
    assert (guess and guess.leaf.path) == path
