"""Each mistake in a contract file is a line: the file, the JSON pointer, what was expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumer import paths
from consumer.contract.loader import load_contracts
from consumer.errors import ContractError

SHIPPED = (paths.schemas() / "segment" / "survey-response.json").read_text()


def lines(folder: Path, **files: str) -> list[str]:
    (folder / "segment").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "segment" / f"{name}.json").write_text(text)
    with pytest.raises(ContractError) as caught:
        load_contracts(folder)
    return list(caught.value.lines)


def changed(place: str, value: Any) -> str:
    """The shipped contract with another value at a JSON pointer; `...` removes the value."""
    schema = json.loads(SHIPPED)
    *steps, last = place.split("/")[1:]
    part = schema
    for step in steps:
        part = part.setdefault(step, {})
    part[last] = value
    if value is ...:
        del part[last]
    return json.dumps(schema)


NAME = "/properties/properties/properties/surveyName"


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("/x-record", ..., "/x-record: expected the full name of an Avro record such as .*; * matches any text"),
        ("/x-record", "a b", "/x-record: expected the full name of an Avro record"),
        ("/x-enviroment", "e", "/x-enviroment: expected a keyword of .*; did you mean x-environment?"),
        ("/x-environment", "$kafka.timestamp", "/x-environment: expected a path in .* but not $kafka.timestamp"),
        (f"{NAME}/x-sorce", "a", f"{NAME}/x-sorce: expected a keyword of .*; did you mean x-source?"),
        (f"{NAME}/x-record", "a", f"{NAME}/x-record: expected no x-record here; x-record belongs at the top"),
        ("/x-source", "a", "/x-source: expected no x-source here; x-source belongs on a property"),
        ("/definitions/d/x-source", "a", "/definitions/d/x-source: expected no x-source here"),
        (f"{NAME}/anyOf", [{"x-convert": "string"}], f"{NAME}/anyOf/0/x-convert: expected no x-convert here"),
        (f"{NAME}/x-source", "a..b", f'{NAME}/x-source: expected a path such as "a.b", or a list of paths'),
        (f"{NAME}/x-source", {"a": 1}, f'{NAME}/x-source: expected a path such as "a.b"'),
        (f"{NAME}/x-source", [], f"{NAME}/x-source: expected at least one path"),
        (f"{NAME}/x-source", "$kafka.timestmp", f"{NAME}/x-source: .*; did you mean $kafka.timestamp?"),
        (f"{NAME}/x-convert", "iso8601", f"{NAME}/x-convert: expected one of .*; did you mean iso-8601?"),
        (f"{NAME}/x-convert", ["string"], f"{NAME}/x-convert: expected one of iso-8601, "),
        (f"{NAME}/x-skip", {"when": "blank"}, f'{NAME}/x-skip: expected {{"when": .., "reason": ..}}'),
        (f"{NAME}/x-skip", {"when": "blnk", "reason": "a"}, f"{NAME}/x-skip/when: expected .*; did you mean"),
        (f"{NAME}/x-skip", {"when": "blank", "reason": "No!"}, f"{NAME}/x-skip/reason: expected a word in snake_case"),
        (f"{NAME}/x-skip", {"when": {"is": ["a"]}, "reason": "a"}, f'{NAME}/x-skip/when: expected "blank" ('),
        (f"{NAME}/x-skip", {"when": {"in": []}, "reason": "a"}, f"{NAME}/x-skip/when/in: expected a list of strings"),
        (f"{NAME}/x-skip", {"when": {"in": [{}]}, "reason": "a"}, f"{NAME}/x-skip/when/in: expected a list of strings"),
        (f"{NAME}/x-skip", {"when": "blank", "reason": "tombstone"}, f"{NAME}/x-skip/reason: expected a word of your"),
        (f"{NAME}/x-skip", {"when": "blank", "reason": "http_400"}, f"{NAME}/x-skip/reason: expected a word of your"),
        ("/x-skip", {"when": "blank", "reason": "a"}, '/x-skip: expected a list of {"source": .., "when": ..'),
        ("/x-skip", [{"when": "blank", "reason": "a"}], '/x-skip/0: expected {"source": .., "when": .., "reason": ..}'),
        ("/x-skip", [{"source": "a..", "when": "blank", "reason": "a"}], "/x-skip/0/source: expected a path such as"),
        ("/x-skip", [{"source": "$kafka.timestamp", "when": "blank", "reason": "a"}], "/x-skip/0/source: expected a"),
        (f"{NAME}/x-labels", {"a": "b"}, f'{NAME}/x-labels: expected "x-convert": "label" beside x-labels'),
        (f"{NAME}/x-convert", "label", f"{NAME}/x-labels: expected a label for each value, such as"),
        (f"{NAME}/default", 5, f"{NAME}/default: expected a value that its own rule allows"),
        (f"{NAME}/const", 5, f"{NAME}/const: expected a value that its own rule allows"),
        ("/properties/context/properties/ip", {"type": "string"}, ".*/context/properties/ip: expected x-source"),
        ("/properties/context/required", ["ip"], "/properties/context/required: expected ip to be declared"),
        ("/properties/receivedAt", {"x-source": "a"}, "/properties/receivedAt: expected no receivedAt: Segment"),
        ("/properties/writeKey", {"const": "a"}, "/properties/writeKey: expected no writeKey: it comes"),
        ("/properties/traits", {"x-source": "a"},
         "/properties/traits: expected no traits: a track event has type, event"),
        ("/properties/userId", ..., "/: expected userId among properties and required"),
        ("/required", ["type", "event", "messageId"], "/: expected userId among properties and required"),
        ("/properties/type", {"const": "identify"}, '/properties/type: expected const "track"'),
        ("/$schema", "https://json-schema.org/draft/2020-12/schema", "/$schema: expected http:"),
        (f"{NAME}/minLength", -1, f"{NAME}/minLength: expected JSON Schema draft-07: -1 is less"),
        (f"{NAME}/format", "date-tme", f"{NAME}/format: expected a format of draft-07, .*; did you mean date-time?"),
        (f"{NAME}/pattern", "(", f"{NAME}/pattern: expected JSON Schema draft-07: "),
        (f"{NAME}/$ref", "#/definitions/gone", f"{NAME}/$ref: expected the pointer of a schema in .* no schema at #/d"),
        (f"{NAME}/$ref", "http://example.com/a",
         f"{NAME}/$ref: expected the pointer of a schema in .* no schema at http"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_line(tmp_path: Path, place: str, value: Any, line: str) -> None:
    (mistake,) = lines(tmp_path, mine=changed(place, value))
    begin, _, end = f"mine.json: {line}".partition(".*")
    assert mistake.startswith(begin)
    assert end in mistake


def test_a_label_that_its_property_does_not_allow_is_a_mistake(tmp_path: Path) -> None:
    schema = json.loads(changed(f"{NAME}/x-convert", "label"))
    schema["properties"]["properties"]["properties"]["surveyName"]["x-labels"] = {"A": "a", "B": 5}
    (mistake,) = lines(tmp_path, mine=json.dumps(schema))
    assert mistake.startswith(
        f"mine.json: {NAME}/x-labels/B: expected a value that its own rule allows: 5 is not of types"
    )


def test_a_source_beside_a_constant_is_a_mistake(tmp_path: Path) -> None:
    place = "/properties/context/properties/integration/properties/name"
    assert lines(tmp_path, mine=changed(f"{place}/x-source", "a"))[0].startswith(f"mine.json: {place}/x-source: ")


def test_all_mistakes_of_all_files_are_reported_together(tmp_path: Path) -> None:
    bad = {"x-recrd": "*", "properties": {"type": {"const": "track"}, "~a/b": {}}, "required": ["type"]}
    mistakes = lines(tmp_path, one=json.dumps(bad), two="[1, 2", three='"text"', four=changed("/x-sorce", "a"))
    assert {line.split(": ")[0] for line in mistakes} == {"one.json", "two.json", "three.json", "four.json"}
    assert [line.split(": ")[1] for line in mistakes if line.startswith("one")] == [
        "/x-record", "/properties/~0a~1b", "/", "/", "/", "/x-recrd",
    ]  # fmt: skip
    assert "two.json: line 1, column 6: expected JSON" in "\n".join(mistakes)


def test_a_folder_without_a_contract_is_a_mistake(tmp_path: Path) -> None:
    assert "expected at least one contract" in lines(tmp_path)[0]


def test_two_contracts_for_the_same_records_are_a_mistake(tmp_path: Path) -> None:
    (mistake,) = lines(tmp_path, a=changed("/x-record", "*.Answer"), b=changed("/x-record", "bus.An*r"))
    expected = "a pattern that is more or less specific than that of a.json, because some records match both"
    assert mistake == f"b.json: /x-record: expected {expected}"
