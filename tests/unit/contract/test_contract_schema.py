"""schemas/contract.schema.json: editors accept what the service accepts, and the page says the same."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft7Validator

from consumer import paths
from consumer.contract.conversions import CONVERSIONS
from consumer.contract.keywords import DRAFT_07_KEYWORDS, FIELD_ANNOTATIONS, TOP_ANNOTATIONS
from consumer.contract.parser import parse_contract
from consumer.contract.rules import DRAFT_07, LABEL, LIST_FORMS, SPECIAL_SOURCES
from consumer.errors import ContractError

ROOT = Path(__file__).parents[3]
FORMAT: dict[str, Any] = json.loads((paths.schemas() / "contract.schema.json").read_text())
VALID = Draft7Validator(FORMAT)
CONTRACTS = sorted(path for path in ROOT.glob("*/**/segment/*.json") if ".venv" not in path.parts)
SHIPPED = json.loads((paths.schemas() / "segment" / "survey-response.json").read_text())
NAME = ["properties", "properties", "properties", "surveyName"]
PROPERTY = FORMAT["definitions"]["property"]["properties"]


def changed(place: list[str], value: Any) -> Any:
    schema = json.loads(json.dumps(SHIPPED))
    part = schema
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    return schema


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_contract_of_the_repository_has_the_format(path: Path) -> None:
    assert VALID.is_valid(json.loads(path.read_text()))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["x-record"], "a b"),
        (["x-enviroment"], "e"),
        (["x-environment"], []),
        (["x-source"], "a"),
        (["x-skip"], {"when": "blank", "reason": "a"}),
        (["x-skip"], [{"when": "blank", "reason": "a"}]),
        (["required"], ["type", "event", "userId"]),
        (["properties", "receivedAt"], {"x-source": "a"}),
        (["properties", "type"], {"const": "identify"}),
        ([*NAME, "x-sorce"], "a"),
        ([*NAME, "x-record"], "a"),
        ([*NAME, "x-source"], "a..b"),
        ([*NAME, "x-source"], []),
        ([*NAME, "x-convert"], "iso8601"),
        ([*NAME, "x-labels"], {}),
        ([*NAME, "x-list"], "last"),
        ([*NAME, "x-separator"], 1),
        ([*NAME, "x-skip"], {"when": "blank"}),
        ([*NAME, "x-skip"], {"when": "blnk", "reason": "a"}),
        ([*NAME, "x-skip"], {"when": {"in": []}, "reason": "a"}),
        ([*NAME, "x-skip"], {"when": "blank", "reason": "No!"}),
        ([*NAME, "minLength"], -1),
        ([*NAME, "tpye"], "string"),
        ([*NAME, "nullable"], True),
        (["record"], "a.B"),
        (["properties", "messageId", "const"], "a"),
    ],
)
def test_a_mistake_that_an_editor_shows_also_stops_the_start(place: list[str], value: Any) -> None:
    schema = changed(place, value)
    assert not VALID.is_valid(schema)
    with pytest.raises(ContractError):
        parse_contract("mine.json", schema)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["$schema"], DRAFT_07),
        (["x-skip"], [{"source": ["a", "b.c"], "when": {"not-in": ["x", 1, None]}, "reason": "not_x"}]),
        ([*NAME, "x-source"], ["a", "$service.version"]),
        ([*NAME, "x-convert"], "json"),
        (NAME, {"type": "string", "x-convert": "label", "x-labels": {"A": "a"}}),
        (NAME, True),
    ],
)
def test_a_contract_that_an_editor_accepts_is_accepted(place: list[str], value: Any) -> None:
    schema = changed(place, value)
    assert VALID.is_valid(schema)
    assert parse_contract("mine.json", schema).schema["$schema"] == DRAFT_07


def test_the_format_knows_every_annotation_conversion_and_source() -> None:
    assert {word for word in FORMAT["properties"] if word.startswith("x-")} == set(TOP_ANNOTATIONS)
    assert {word for word in PROPERTY if word.startswith("x-")} == set(FIELD_ANNOTATIONS)
    assert FORMAT["definitions"]["keyword"]["enum"] == [*DRAFT_07_KEYWORDS]
    named = [part["propertyNames"]["anyOf"][0]["enum"] for part in (FORMAT, FORMAT["definitions"]["property"])]
    assert named == [[*TOP_ANNOTATIONS], [*FIELD_ANNOTATIONS]]
    assert PROPERTY["x-convert"]["enum"] == [*CONVERSIONS, LABEL]
    assert PROPERTY["x-list"]["enum"] == [*LIST_FORMS]
    assert PROPERTY["x-source"]["anyOf"][0]["enum"] == [*SPECIAL_SOURCES]


def test_the_page_says_what_the_format_says() -> None:
    page = (ROOT / "docs" / "contract.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| (the top|a property) \| (.+) \|$", page, re.MULTILINE)
    expected = [(word, "the top", FORMAT["properties"][word]["description"]) for word in TOP_ANNOTATIONS]
    expected += [
        (word, "a property", PROPERTY[word]["description"]) for word in (*FIELD_ANNOTATIONS, "const", "default")
    ]
    assert rows == expected
