"""docs/contract.md: its files are those of examples/, its commands print what it says, its rows are true."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from consumer.avro.schema import AvroType
from consumer.cli.main import main
from consumer.contract.cases import read_cases
from consumer.contract.conversions import CONVERSIONS, label
from consumer.contract.loader import load_contracts
from consumer.contract.rules import LABEL, LIST_FORMS, ON_INVALID
from consumer.errors import ContractError, RecordRejected
from tests.unit.contract.compiled import LONG, NULL, TEXT, mapped, record, union

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "contract.md").read_text()
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
FILES = dict(re.findall(r"^`(examples/\S+)`\n\n```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^```console\n\$ ([^\n]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ROWS = re.findall(
    r"^\| `(?!first|join|length|object)([\w-]+)`(?: with `(\{.*?\})`)? \| `(.+?)` \| (?:rejected as )?`(.+?)` \|$",
    PAGE,
    re.MULTILINE,
)

INVALID_ROWS = re.findall(r'^\| `"(\w+)"` \| `([^`]+)` \| (?:rejected as )?`([^`]+)` \|$', PAGE, re.MULTILINE)

LIST_ROWS = re.findall(
    r"^\| `(first|join|length|object)`(?: with `((?:\"x-convert\": )?\"[^`]*\")`)? "
    r"\| `([^`]+)` \| (?:rejected as )?`([^`]+)` \|$",
    PAGE,
    re.MULTILINE,
)
SAMPLE_TYPES = {bool: AvroType("boolean"), int: LONG, float: AvroType("double"), str: TEXT, type(None): NULL}


def run(words: list[str], environment: Mapping[str, str]) -> Any:
    return CliRunner().invoke(main, words, env={"SCHEMAS_DIR": "", **environment})


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
def test_the_cases_of_an_example_hold(folder: Path) -> None:
    result = run(["contract", "test", "--schemas-dir", str(folder)], {})
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith(f"\n{len(read_cases(folder))} cases, 0 failed\n")


def test_the_page_shows_each_file_of_the_examples_as_it_is() -> None:
    files = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.glob("examples/*/*/*")}
    assert files == FILES


@pytest.mark.parametrize(("command", "printed"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_prints_what_the_page_says(command: str, printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(command)
    name = words.index("sprig-to-segment")
    result = run(words[name + 1 :], dict(word.split("=") for word in words[:name]))
    assert result.exit_code == 0
    assert result.stdout.rstrip("\n") == printed.rstrip("\n")


@pytest.mark.parametrize(("name", "labels", "value", "expected"), ROWS)
def test_a_row_of_the_conversions_is_true(name: str, labels: str, value: str, expected: str) -> None:
    convert = label(json.loads(labels)) if name == LABEL else CONVERSIONS[name]
    try:
        outcome = json.dumps(convert(json.loads(value), "/x"))
    except RecordRejected as error:
        outcome = error.reason
    assert outcome == expected


@pytest.mark.parametrize(("on_invalid", "value", "expected"), INVALID_ROWS)
def test_a_row_of_values_that_cannot_be_sent_is_true(on_invalid: str, value: str, expected: str) -> None:
    integers = AvroType("union", branches=(TEXT, LONG))
    types = {"{": AvroType("map", items=integers), "[": AvroType("array", items=integers)}
    rule = {"a": {"x-on-invalid": on_invalid, "type": ["string", "integer", "array", "object"]}}
    try:
        outcome = json.dumps(mapped(rule, {"a": types.get(value[0], LONG)}, {"a": json.loads(value)}))
    except RecordRejected as error:
        outcome = error.reason
    assert outcome == expected


@pytest.mark.parametrize(("list_form", "annotation", "value", "expected"), LIST_ROWS)
def test_a_row_of_the_lists_is_true(list_form: str, annotation: str, value: str, expected: str) -> None:
    if annotation and ":" not in annotation:
        annotation = f'"x-separator": {annotation}'
    rule = {"a": {"x-list": list_form, **json.loads(f"{{{annotation}}}")}}
    try:
        outcome = json.dumps(mapped(rule, {"a": type_of(json.loads(value))}, {"a": json.loads(value)}))
    except RecordRejected as error:
        outcome = error.reason
    assert outcome == expected


def type_of(value: Any) -> AvroType:
    """A type that values such as this one have."""
    if isinstance(value, dict):
        return record(**{name: type_of(item) for name, item in value.items()})
    if isinstance(value, list):
        types = [type_of(item) for item in value]
        return AvroType("array", items=union(*types) if len(types) != 1 else types[0])
    return SAMPLE_TYPES[type(value)]


def test_the_rows_have_every_list_form() -> None:
    assert {list_form for list_form, *_ in LIST_ROWS} == {*LIST_FORMS}
    assert {bool(annotation) for _, annotation, *_ in LIST_ROWS} == {False, True}
    _, *rows = re.findall("^\\| `", PAGE.partition("\n### Lists\n")[2].partition("\n### ")[0], re.MULTILINE)
    assert len(LIST_ROWS) == len(rows)


def test_the_rows_have_every_rule() -> None:
    assert {on_invalid for on_invalid, *_ in INVALID_ROWS} == {*ON_INVALID}


def test_the_rows_have_every_conversion() -> None:
    assert {name for name, *_ in ROWS} == {*CONVERSIONS, LABEL}


def test_mistakes_are_reported_as_the_page_shows(tmp_path: Path) -> None:
    contract = json.loads((ROOT / "examples" / "flat" / "segment" / "answer.json").read_text())
    event = contract["properties"]
    event["userId"]["x-skip"]["reason"] = "No user id"
    event["timestamp"]["x-convert"] = "iso-8601-sec"
    event["properties"]["properties"]["survey"]["x-sorce"] = "name"
    (tmp_path / "segment").mkdir()
    (tmp_path / "segment" / "answer.json").write_text(json.dumps(contract))
    with pytest.raises(ContractError) as caught:
        load_contracts(tmp_path)
    assert "\n".join(["```", *caught.value.lines, "```"]) in PAGE
