"""`check --contract-only`: schemas from files and from the registry, checked against the contract."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from consumer.cli.main import main
from tests.avro_values import record
from tests.support import registry


def run_check(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(main, ["check", "--contract-only", *arguments], env={"SCHEMAS_DIR": "", **environment})


def write_schema(path: Path, avro: Any) -> str:
    path.write_text(json.dumps(avro))
    return str(path)


def test_a_producer_checks_a_schema_without_any_setting(tmp_path: Path) -> None:
    good = run_check(
        "--schema", write_schema(tmp_path / "good.avsc", record("R", userId="string", surveyName="string"))
    )
    assert (good.exit_code, good.stderr) == (0, "")
    assert good.stdout.startswith("good.avsc R by survey-response.json\n")
    bad = run_check("--schema", write_schema(tmp_path / "bad.avsc", record("R", user="string")))
    assert bad.exit_code == 1
    assert "problem  /userId" in bad.stdout
    assert "no field userId, externalUserId: every record is skipped as no_user_id" in bad.stdout


def test_a_property_that_is_in_no_event_is_a_problem_when_strict(tmp_path: Path) -> None:
    path = write_schema(tmp_path / "a.avsc", record("R", userId="string"))
    assert run_check("--schema", path).exit_code == 0
    assert run_check("--schema", path, "--strict").exit_code == 1


def test_an_unsafe_schema_is_a_problem(tmp_path: Path) -> None:
    result = run_check("--schema", write_schema(tmp_path / "a.avsc", record("R", me="R")), "--json")
    assert result.exit_code == 1
    assert "has no value that ends" in json.loads(result.stdout)[0]["findings"][0]["what"]


def test_each_branch_of_a_union_is_checked_and_a_missing_contract_is_found(tmp_path: Path) -> None:
    path = write_schema(tmp_path / "a.avsc", ["int", record("A", userId="string"), record("B", userId="string")])
    schemas = json.loads(run_check("--schema", path, "--json").stdout)
    assert [(schema["record"], schema["contract"], schema["ok"]) for schema in schemas] == [
        ("int", "", False), ("A", "survey-response.json", True), ("B", "survey-response.json", True),
    ]  # fmt: skip
    assert "ON_UNKNOWN_RECORD=dead-letter" in schemas[0]["findings"][0]["what"]
    assert run_check("--schema", path, ON_UNKNOWN_RECORD="skip").exit_code == 0


def test_every_version_of_the_topics_subject_is_checked() -> None:
    versions = {1: record("R", userId="string"), 2: record("R", user="string")}
    with registry({7: json.dumps(versions[1]), 8: json.dumps(versions[2])}, {"t-value": [7, 8]}) as url:
        result = run_check("--json", SCHEMA_REGISTRY_URL=url, KAFKA_TOPIC="t")
        assert [(schema["schema"], schema["ok"]) for schema in json.loads(result.stdout)] == [
            ("t-value version 1 (id 7)", True), ("t-value version 2 (id 8)", False),
        ]  # fmt: skip
        unknown = run_check("--subject", "gone", SCHEMA_REGISTRY_URL=url)
    assert unknown.exit_code == 1
    assert "the registry has no such subject" in unknown.stdout


def test_an_unreachable_registry_is_a_problem() -> None:
    result = run_check(SCHEMA_REGISTRY_URL="http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "no answer from the schema registry" in result.stdout


def test_bad_usage_is_explained() -> None:
    assert run_check().stderr == "give --schema FILE, or SCHEMA_REGISTRY_URL for the schemas that are registered\n"
    assert run_check(SCHEMA_REGISTRY_URL="nowhere").exit_code == 2
    assert CliRunner().invoke(main, ["check"]).exit_code == 2
