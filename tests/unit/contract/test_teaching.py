"""Typical mistakes of who writes a first contract, and the whole line that each is told with."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumer.contract.loader import load_contracts
from consumer.errors import ContractError

ROOT = Path(__file__).parents[3]
CONTRACT = (ROOT / "examples" / "flat" / "segment" / "answer.json").read_text()
OUTER, INNER = "/properties", "/properties/properties/properties"
SURVEY = f"{INNER}/survey"
KEYWORDS = "a keyword of JSON Schema draft-07, or x-source, or x-convert, or x-labels, or x-skip"
TYPES = "one of string, number, integer, boolean, array, object, null, or a list of them"
TESTS = '"blank" (null, empty or white space), {"in": [..]} or {"not-in": [..]}'
CONVERSIONS = "one of iso-8601, iso-8601-seconds, iso-8601-micros, string, json, label"
SPECIAL = "$kafka.timestamp, or $kafka.messageId, or $service.version"
CALL = "type, event, userId, anonymousId, messageId, timestamp, context, properties, integrations"
SCHEMA = 'a schema such as {"type": "string"}, or {"const": ..} for what is the same in every call'
ON_A_FIELD = "it belongs on a property that comes from the record (without const, and without properties of its own)"
NOWHERE = "x-source, const, default or properties (only inside `properties` a name is a source)"
REQUIRED = "among properties and required, as Segment drops calls without it"


def told(folder: Path, content: bytes) -> list[str]:
    (folder / "segment").mkdir()
    (folder / "segment" / "mine.json").write_bytes(content)
    with pytest.raises(ContractError) as caught:
        load_contracts(folder)
    return [line.removeprefix("mine.json: ") for line in caught.value.lines]


def changed(place: str, value: Any) -> bytes:
    """The flat example with a value put in at a JSON pointer."""
    schema = json.loads(CONTRACT)
    *steps, last = place.split("/")[1:]
    part = schema
    for step in steps:
        part = part[step]
    part[last] = value
    return json.dumps(schema).encode()


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        # An annotation that is misspelt, or another tool's.
        (f"{SURVEY}/x-sorce", "name", f"{KEYWORDS}; did you mean x-source?"),
        (f"{SURVEY}/x_source", "name", f"{KEYWORDS}; did you mean x-source?"),
        (f"{SURVEY}/source", "name", f"{KEYWORDS}; did you mean x-source?"),
        (f"{SURVEY}/pii", True, f"{KEYWORDS}; a remark stands in $comment"),
        ("/record", "a.B", "a keyword of JSON Schema draft-07, or x-record, or x-environment, or x-skip; "
         "did you mean x-record?"),
        (f"{SURVEY}/x-environment", "env", "no x-environment here; it belongs at the top of the file"),
        (f"{OUTER}/event/x-source", "event", f"no x-source here; {ON_A_FIELD}"),
        # A keyword of JSON Schema that is misspelt, or of another dialect.
        (f"{SURVEY}/tpye", "string", f"{KEYWORDS}; did you mean type?"),
        (f"{SURVEY}/defualt", "none", f"{KEYWORDS}; did you mean default?"),
        (f"{SURVEY}/nullable", True, 'type ["string", "null"]; draft-07 has no nullable'),
        ("/$defs", {}, "definitions; draft-07 has no $defs"),
        ("/$schema", "https://json-schema.org/draft/2020-12/schema",
         "http://json-schema.org/draft-07/schema#, or the way to contract.schema.json"),
        (f"{SURVEY}/type", "str", f"{TYPES}; did you mean string?"),
        (f"{SURVEY}/type", "datetime", f'{TYPES}; a time is a string with "format": "date-time"'),
        (f"{SURVEY}/format", "datetime",
         "a format of draft-07, such as date-time, date, time, email or uri; did you mean date-time?"),
        (f"{SURVEY}/required", True, "a list of the names of required properties, beside `properties`"),
        (f"{SURVEY}/enum", "a", 'JSON Schema draft-07: "a" is not of type "array"'),
        (f"{SURVEY}/$ref", "#/definitions/text",
         'the place of a schema in this file, such as "#/definitions/name"; there is no #/definitions/text'),
        (f"{INNER}/o", {"$ref": "#", "properties": {"a": {}}},
         "/$ref no $ref beside properties, as draft-07 looks at nothing beside it"),
        # A schema that is none.
        (f"{OUTER}/event", "Survey Answered", SCHEMA),
        (SURVEY, "string", SCHEMA),
        (INNER, [{"name": "survey"}], "an object: the properties' schemas by their names"),
        # Where a value comes from.
        (f"{SURVEY}/x-source", "answers[0].survey",
         "no index as in answers[0].survey: a path leads through records and maps, a list is taken whole"),
        (f"{SURVEY}/x-source", "$.survey", f'a path of the record such as "a.b", or {SPECIAL}, and no $.survey'),
        (f"{SURVEY}/x-source", "$kafka.timestmp",
         f'a path of the record such as "a.b", or {SPECIAL}, and no $kafka.timestmp; did you mean $kafka.timestamp?'),
        (f"{SURVEY}/x-source", "", 'a path such as "a.b", or a list of them'),
        (f"{OUTER}/event", {"type": "string"}, NOWHERE),
        (f"{OUTER}/context", {"properties": {"ip": {"type": "string"}}}, f"/properties/ip {NOWHERE}"),
        ("/x-record", r"com\.acme\..*",
         'the full name of an Avro record such as "com.acme.Answer", in which * is any text'),
        # What becomes of it.
        (f"{SURVEY}/x-convert", "ISO-8601", f"{CONVERSIONS}; did you mean iso-8601?"),
        (f"{SURVEY}/x-convert", "lowercase", CONVERSIONS),
        (f"{SURVEY}/x-convert", "", CONVERSIONS),
        (SURVEY, {"x-convert": "label"}, '/x-labels a label for each value, such as {"OPEN": "open question"}'),
        (f"{SURVEY}/x-labels", {"A": "a"}, '"x-convert": "label" beside x-labels, else nothing goes by them'),
        (f"{SURVEY}/default", None, 'a value that its own rule allows: null is not of type "string"'),
        (f"{INNER}/o", {"properties": {"a": {}}, "default": {}},
         "/default no default here: the object is made of its properties, always"),
        # What is not sent.
        (f"{SURVEY}/x-skip", "blank", '{"when": .., "reason": ..}'),
        (f"{SURVEY}/x-skip", {"when": "blank"}, '{"when": .., "reason": ..}; reason is missing'),
        (f"{SURVEY}/x-skip", {"source": "a", "when": "blank", "reason": "a"},
         '{"when": .., "reason": ..}; there is no source'),
        (f"{SURVEY}/x-skip", {"when": "empty", "reason": "a"}, f"/when {TESTS}"),
        (f"{SURVEY}/x-skip", {"when": "", "reason": "a"}, f"/when {TESTS}"),
        (f"{SURVEY}/x-skip", {"when": {"not_in": ["a"]}, "reason": "a"}, f"/when {TESTS}; did you mean not-in?"),
        (f"{SURVEY}/x-skip", {"when": {"in": "test"}, "reason": "a"},
         '/when/in a list of texts, numbers, true, false or null, such as ["test"]'),
        (f"{SURVEY}/x-skip", {"when": "blank", "reason": "No user"},
         "/reason a word in snake_case, such as no_user_id"),
        (f"{SURVEY}/x-skip", {"when": "blank", "reason": "invalid"},
         "/reason a word of your own, as the service itself counts under invalid"),
        (f"{SURVEY}", {"default": "a", "x-skip": {"when": "blank", "reason": "a"}},
         "/x-skip no x-skip beside default: with a default it is never blank"),
        (f"{OUTER}/messageId/x-skip", {"when": {"in": ["a"]}, "reason": "a"},
         '/when "blank", as only fields of the record are compared with a list'),
        ("/x-skip", {"source": "a", "when": "blank", "reason": "a"},
         'a list of {"source": .., "when": .., "reason": ..}'),
        ("/x-skip", [{"field": "a", "when": "blank", "reason": "a"}],
         '/0 {"source": .., "when": .., "reason": ..}; there is no field; source is missing'),
        # What Segment takes.
        (f"{OUTER}/event", {"const": ""}, '/const a value that Segment takes: "" is shorter than 1 character'),
        (f"{OUTER}/userId", {"const": 5}, '/const a value that Segment takes: 5 is not of type "string"'),
        (f"{OUTER}/messageId", {"const": "a"},
         "/const x-source, as of calls with one messageId Segment takes the first"),
        (f"{OUTER}/type", {"const": "identify"}, 'const "track"'),
        (f"{OUTER}/sentAt", {"x-source": "a"}, "no sentAt: each request sets it anew"),
        (f"{OUTER}/traits", {"x-source": "a"},
         f"no traits: a call has {CALL}; what else an event says stands in properties"),
        (f"{OUTER}/survey", {"type": "string"},
         f"no survey: a call has {CALL}; what else an event says stands in properties"),
        (f"{OUTER}/user_id", {"x-source": "user_id"}, f"no user_id: a call has {CALL}; did you mean userId?"),
        (f"{OUTER}/properties/required", ["surveys"], "surveys to be declared, as nothing else is in a call"),
    ],
)  # fmt: skip
def test_a_typical_mistake_teaches(tmp_path: Path, place: str, value: Any, expected: str) -> None:
    """What is expected somewhere inside the value begins with the way there."""
    inside, _, what = expected.partition(" ") if expected.startswith("/") else ("", "", expected)
    assert told(tmp_path, changed(place, value)) == [f"{place}{inside}: expected {what}"]


def test_what_segment_needs_and_the_contract_leaves_out_is_told(tmp_path: Path) -> None:
    line = f"/: expected messageId {REQUIRED}"
    assert told(tmp_path, changed("/required", ["type", "event", "userId", "properties"])) == [line]


def test_a_level_that_is_forgotten_is_told_at_both_ends(tmp_path: Path) -> None:
    assert told(tmp_path, changed(f"{OUTER}/properties", {"survey": {"type": "string"}})) == [
        f"/properties/properties: expected {NOWHERE}",
        f"/properties/properties/survey: expected {KEYWORDS}; a property stands in `properties`",
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "line 1, column 1: expected JSON: Input is a zero-length, empty document"),
        (b'{"x-record": "*",}', "line 1, column 17: expected JSON: trailing comma is not allowed"),
        (b"{\n  // mine\n}", "line 2, column 3: expected JSON: unexpected character, expected a string key"),
        ('{"title": "Antwörten"}'.encode("latin-1"), "byte 15: expected text in UTF-8"),
        ("\ufeff{}".encode(), "line 1, column 1: expected JSON: UTF-8 byte order mark (BOM) is not supported"),
        (b"[]", "/: expected a JSON object"),
    ],
)
def test_a_file_that_is_no_json_object_is_told(tmp_path: Path, content: bytes, line: str) -> None:
    assert told(tmp_path, content) == [line]
