"""Warnings for names to which Segment's destinations give a meaning of their own; the rows of the page are true."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from consumer.cli.main import main
from consumer.contract.compatibility import check_compatibility
from consumer.contract.loader import load_contracts
from consumer.contract.parser import parse_contract
from consumer.contract.reserved_names import OWN_COLUMNS, PROPERTY_TYPES, check_names, column_name
from tests.unit.contract.compiled import FRAME, TEXT, record

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "contract.md").read_text()
ROWS = re.findall(r"^\| `(properties|context/traits)` \| `(\w+)` \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
DISCARDED = "Segment's warehouses discard this property, because the column {} is their own: rename it"


def contract_file(place: str, properties: Any) -> dict[str, Any]:
    rule: Any = {"type": "object", "properties": properties}
    outer, _, inner = place.partition("/")
    if inner:
        rule = {"type": "object", "properties": {inner: rule}}
    return {"x-record": "*", "required": [*FRAME], "properties": {**FRAME, outer: rule}}


def warnings(place: str, properties: Any) -> dict[str, str]:
    contract = parse_contract("test", contract_file(place, properties))
    return {finding.place: finding.detail for finding in check_names(contract) if finding.severity == "warning"}


@pytest.mark.parametrize(("place", "name", "json_type", "effect"), ROWS)
def test_a_row_of_the_page_is_true(place: str, name: str, json_type: str, effect: str) -> None:
    text = warnings(place, {name: {"type": json_type, "x-source": "a"}})[f"/{place}/{name}"]
    column, expected = re.search(r"column `(\w+)`", effect), re.search(r"read (as an? \w+)", effect)
    assert text == DISCARDED.format(column[1]) if column else f" {expected and expected[1]}, and" in text


def test_the_page_has_each_reserved_name_of_properties_and_each_column() -> None:
    assert {*PROPERTY_TYPES} <= {name for place, name, *_ in ROWS if place == "properties"}
    assert all(f"`{column}`" in PAGE for column in OWN_COLUMNS)


def test_other_names_and_types_are_silent() -> None:
    fields: dict[str, Any] = {"revenue": {"type": ["integer", "null"]}, "value": {}, "currency": {"const": "EUR"}}
    assert not warnings("properties", {**fields, "userIdentity": {"type": "string"}, "plan": True})
    assert not warnings("context/traits", {"age": {"type": "integer", "x-source": "a"}})


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*")), ids=lambda path: path.name)
def test_the_examples_have_no_such_name(path: Path) -> None:
    assert not [finding for contract in load_contracts(path) for finding in check_names(contract)]


def test_a_constant_has_the_type_of_its_value() -> None:
    assert warnings("properties", {"revenue": {"const": "5"}}) == {
        "/properties/revenue": "Segment reads the property revenue as a number, and it is string here: "
        "change its type, or rename it"
    }


def test_a_nested_name_and_two_names_of_one_column_are_reported() -> None:
    properties = {
        "user": {"type": "object", "properties": {"id": {"type": "string"}}},
        "plan_name": {"type": "string"},
        "planName": {"type": "string"},
    }
    assert warnings("properties", properties) == {
        "/properties/user/id": DISCARDED.format("user_id"),
        "/properties/planName": "Segment's warehouses name its column plan_name, as that of /properties/plan_name: "
        "rename one of the two",
    }


def test_a_declared_name_in_a_value_that_is_sent_as_a_whole_is_reported() -> None:
    user = {"type": "object", "x-source": "user", "properties": {"id": {"type": "string"}}}
    assert warnings("properties", {"user": user}) == {"/properties/user/id": DISCARDED.format("user_id")}
    traits = {"type": "object", "x-source": "user", "properties": {"age": {"type": "string"}, "name": {"const": 1}}}
    assert {*warnings("context", {"traits": traits})} == {"/context/traits/age", "/context/traits/name"}


def test_names_beyond_ascii_are_not_taken_for_one_column() -> None:
    assert not warnings("properties", {"gr\u00f6\u00dfe": {"x-source": "a"}, "gr_e": {"x-source": "b"}})
    assert not warnings("properties", {"\u540d": {"x-source": "a"}, "\u5b57": {"x-source": "b"}})


@pytest.mark.parametrize(
    ("names", "column"),
    [(("userID",), "user_id"), (("a", "bC"), "a_b_c"), (("sent at",), "sent_at"), (("_id",), "_id")],
)
def test_the_column_of_a_property(names: tuple[str, ...], column: str) -> None:
    assert column_name(names) == column


def test_check_and_the_commands_of_contracts_show_the_warning(tmp_path: Path) -> None:
    contract = json.loads((ROOT / "examples" / "flat" / "segment" / "answer.json").read_text())
    contract["properties"]["properties"]["properties"]["user_id"] = {"type": "integer"}
    root = record(user=TEXT, user_id=TEXT)
    assert DISCARDED.format("user_id") in [
        finding.detail for finding in check_compatibility(parse_contract("test", contract), root)
    ]
    shutil.copytree(ROOT / "examples" / "flat", tmp_path, dirs_exist_ok=True)
    (tmp_path / "segment" / "answer.json").write_text(json.dumps(contract))
    for command in ("show", "test"):
        printed = CliRunner().invoke(main, ["contract", command, "--schemas-dir", str(tmp_path)]).output
        assert f"/properties/user_id: {DISCARDED.format('user_id')}" in " ".join(printed.split())
