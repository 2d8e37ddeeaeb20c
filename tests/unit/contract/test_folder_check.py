"""`contract test` and `check` find what a contract has and no schema has, and say which field was probably meant."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from consumer.avro.decoder import load_schema
from consumer.cli.contract_cases import FITS
from consumer.cli.main import main
from consumer.contract.compatibility import check_compatibility
from consumer.contract.field_path import field_paths, resolve_path
from consumer.contract.parser import parse_contract
from tests.avro_values import record
from tests.unit.contract.compiled import FRAME

CUSTOMER = record("Customer", segment="string", id="string")
CUSTOMER_FIELDS = "; did you mean customer.segment or customer.id?"
MAP = {"type": "map", "values": "string"}
AVRO = record("bus.Answer", user="string", customer=["null", CUSTOMER], scores=MAP, at="int")


def contract(properties: dict[str, Any], top: Any = ()) -> dict[str, Any]:
    event = {**FRAME, "properties": {"type": "object", "properties": properties}}
    return {"x-record": "bus.*", "required": [*FRAME], "properties": event, **dict(top)}


def write_folder(folder: Path, schema: Any, avro: dict[str, Any], cases: Any = ()) -> Path:
    files = {"segment/c.json": schema, "cases/a.json": [*cases] or [skipped_case()]}
    for name, value in {**files, **{f"{name}.avsc": value for name, value in avro.items()}}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value))
    return folder


def skipped_case(schema: str = "sprig/a.avsc") -> dict[str, Any]:
    """A case that holds, whatever the contract does not know."""
    value: dict[str, Any] = {"user": "u", "customer": None, "scores": {}, "at": 1}
    return {"case": "a", "schema": schema, "record": value, "has": {"/userId": "u"}}


def run_cases(folder: Path) -> tuple[int, list[str]]:
    """The exit code, and what is wrong with the contract."""
    result = CliRunner().invoke(main, ["contract", "test", "--schemas-dir", str(folder), "--json"])
    results = json.loads(result.stdout)
    assert not [line for line in results if line["differences"] and line["case"] != FITS]
    return result.exit_code, [line for result in results for line in result["differences"]]


P = "/properties/p"


@pytest.mark.parametrize(
    ("schema", "line"),
    [
        (contract({"p": {"x-source": "customer.tier"}}),
         f"{P}: no schema in the folder has the field customer.tier{CUSTOMER_FIELDS}"),
        (contract({"p": {"x-source": "customer.segmnt"}}),
         f"{P}: no schema in the folder has the field customer.segmnt; did you mean customer.segment?"),
        (contract({"p": {"x-source": "Customer.Segment"}}),
         f"{P}: no schema in the folder has the field Customer.Segment; did you mean customer.segment?"),
        (contract({"p": {"x-source": ["customer.idd", "user"]}}),
         f"{P}: no schema in the folder has the field customer.idd; did you mean customer.id?"),
        (contract({"p": {"x-source": ["nowhere"], "default": 1}}),
         f"{P}: no schema in the folder has the field nowhere"),
        (contract({"p": {"x-source": "customer.segment.name"}}),
         f"{P}: no schema in the folder has the field customer.segment.name; did you mean customer.segment?"),
        (contract({"scors": {}}), "/properties/scors: no schema in the folder has the field scors; "
         "did you mean scores?"),
        (contract({}, {"x-environment": "custmer.segment"}), "/x-environment: no schema in the folder has the field "
         "custmer.segment; did you mean customer.segment?"),
        (contract({}, {"x-skip": [{"source": "statu", "when": {"in": ["a"]}, "reason": "mine"}]}),
         "/x-skip: no schema in the folder has the field statu"),
        (contract({"p": {"x-source": "at", "x-convert": "json"}}),
         f"{P}: x-convert json cannot convert int: it is for JSON in a text or in bytes"),
        (contract({"p": {"x-source": "at", "x-convert": "iso-8601"}}),
         f"{P}: x-convert iso-8601 makes times of January 1970 of an int: it is for milliseconds in a long; "
         "did you mean iso-8601-seconds?"),
    ],
)  # fmt: skip
def test_what_fits_no_schema_fails_although_each_case_holds(tmp_path: Path, schema: Any, line: str) -> None:
    assert run_cases(write_folder(tmp_path, schema, {"sprig/a": AVRO})) == (1, [line])


@pytest.mark.parametrize(
    "source", ["user", "customer", "customer.segment", "scores", "scores.any", "$kafka.timestamp", ["user", "at"]]
)
def test_what_a_schema_has_passes(tmp_path: Path, source: Any) -> None:
    assert run_cases(write_folder(tmp_path, contract({"p": {"x-source": source}}), {"sprig/a": AVRO})) == (0, [])


def test_a_field_of_any_schema_of_the_folder_or_of_a_case_passes(tmp_path: Path) -> None:
    schema = contract({"p": {"x-source": ["new", "old"], "x-convert": "string"}, "q": {"x-source": "union"}})
    old = record("bus.Old", user="string", old="long")
    union = ["int", record("bus.Union", user="string", union="string"), record("other.R", typo="string")]
    avro = {"sprig/a": AVRO, "sprig/b": record("bus.New", user="string", new="string"), "cases/old": old}
    old_case = {"case": "b", "schema": "cases/old.avsc", "record": {"user": "u", "old": 5}, "has": {}}
    folder = write_folder(tmp_path, schema, {**avro, "sprig/union": union}, [skipped_case(), old_case])
    assert run_cases(folder) == (0, [])


def test_fields_of_records_of_another_contract_do_not_count(tmp_path: Path) -> None:
    other = record("other.Answer", user="string", foreign="string")
    folder = write_folder(tmp_path, contract({"foreign": {}}), {"sprig/a": AVRO, "sprig/b": other})
    assert run_cases(folder) == (1, ["/properties/foreign: no schema in the folder has the field foreign"])


def test_a_contract_without_a_schema_fails_and_is_told_the_similar_record(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, contract({}), {"sprig/a": AVRO})
    (folder / "segment" / "d.json").write_text(json.dumps({**contract({}), "x-record": "bus.Anser"}))
    line = "/x-record: no schema in the folder has a record bus.Anser; did you mean bus.Answer?"
    assert run_cases(folder) == (1, [line])


def test_the_report_for_people_counts_the_contracts_that_do_not_fit(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, contract({"p": {"x-source": "customer.tier"}}), {"sprig/a": AVRO})
    result = CliRunner().invoke(main, ["contract", "test", "--schemas-dir", str(folder)])
    assert result.stdout.splitlines() == [
        "ok    cases/a.json  a",
        "FAIL  segment/c.json  the contract fits the schemas of the folder",
        f"        /properties/p: no schema in the folder has the field customer.tier{CUSTOMER_FIELDS}",
        "1 case, 0 failed; 1 contract without a fitting schema",
    ]


@pytest.mark.parametrize(
    ("schema", "finding"),
    [
        (contract({"p": {"x-source": "customer.tier"}}),
         ("warning", "no field customer.tier: no event has this property" + CUSTOMER_FIELDS)),
        (contract({"p": {"x-source": "customer.tier", "default": 1}}),
         ("note", "no field customer.tier: always the default" + CUSTOMER_FIELDS)),
        (contract({"p": {"x-source": ["customer.segmet", "user"]}}),
         ("warning", "no field customer.segmet; did you mean customer.segment?")),
        (contract({"p": {"x-source": ["customer.segmet", "$service.version"]}}),
         ("warning", "no field customer.segmet; did you mean customer.segment?")),
        (contract({}, {"x-environment": "custmer"}),
         ("warning", "no such field: with SEGMENT_WRITE_KEYS every record is rejected as no_write_key; did you mean "
          "customer?")),
        (contract({}, {"x-environment": ["user", "customer.segmet"]}),
         ("warning", "no field customer.segmet; did you mean customer.segment?")),
        (contract({}, {"x-skip": [{"source": "score", "when": {"in": ["a"]}, "reason": "mine"}]}),
         ("warning", "no such field: nothing is skipped as mine; did you mean scores?")),
        (contract({}, {"x-skip": [{"source": ["user", "score"], "when": {"in": ["a"]}, "reason": "mine"}]}),
         ("warning", "no field score; did you mean scores?")),
    ],
)  # fmt: skip
def test_check_suggests_the_similar_field(schema: Any, finding: tuple[str, str]) -> None:
    findings = check_compatibility(parse_contract("c.json", schema), load_schema("test", AVRO).root)
    assert finding in [(finding.severity, finding.detail) for finding in findings]
    assert sum("did you mean" in finding.detail for finding in findings) == 1


@pytest.mark.parametrize("source", [["user", "external_user"], ["accountId", "user"], ["user", "zzz"]])
def test_a_field_of_another_schema_beside_one_that_exists_is_no_finding(source: Any) -> None:
    parsed = parse_contract("c.json", contract({"p": {"x-source": source}}))
    findings = check_compatibility(parsed, load_schema("test", AVRO).root)
    assert not [finding for finding in findings if finding.place == P]


def test_a_field_that_the_contract_uses_is_not_suggested() -> None:
    parsed = parse_contract("c.json", contract({"score": {}, "scores": {}}))
    findings = check_compatibility(parsed, load_schema("test", AVRO).root)
    assert ("/properties/score", "no field score: no event has this property") in [
        (finding.place, finding.detail) for finding in findings
    ]


def test_every_path_of_a_record_leads_to_a_field() -> None:
    root = load_schema("test", record("R", a=["null", record("I", b=["int", record("J", c="int")])], m=MAP)).root
    assert [*field_paths(root)] == ["a", "a.b", "a.b.c", "m"]
    assert all(resolve_path(root, path) for path in field_paths(root))
