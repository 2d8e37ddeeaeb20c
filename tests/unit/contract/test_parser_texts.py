"""Typical mistakes in a first contract, and the whole line that reports each of them."""

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
KEYWORDS = (
    "a keyword of JSON Schema draft-07, or x-source, or x-convert, or x-labels, or x-list, or x-separator, "
    "or x-on-invalid, or x-skip"
)
TYPES = "one of string, number, integer, boolean, array, object, null, or a list of them"
TESTS = '"blank" (null, empty or white space), {"in": [..]} or {"not-in": [..]}'
CONVERSIONS = "one of iso-8601, iso-8601-seconds, iso-8601-micros, string, json, label"
SPECIAL = "$kafka.timestamp, or $kafka.messageId, or $service.version"
EVENT = "type, event, userId, anonymousId, messageId, timestamp, context, properties, integrations"
SCHEMA = 'a schema such as {"type": "string"}, or {"const": ..} for a value that is the same in every event'
ON_A_FIELD = "belongs on a property that comes from the record (without const, and without properties of its own)"
NO_SOURCE = "x-source, const, default or properties (a name is a source only inside `properties`)"
REQUIRED = "among properties and required, because Segment drops events without it"


def mistakes(folder: Path, content: bytes) -> list[str]:
    (folder / "segment").mkdir()
    (folder / "segment" / "mine.json").write_bytes(content)
    with pytest.raises(ContractError) as caught:
        load_contracts(folder)
    return [line.removeprefix("mine.json: ") for line in caught.value.lines]


def changed(place: str, value: Any) -> bytes:
    """The flat example with another value at a JSON pointer."""
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
        # An annotation that is misspelt or of another tool.
        (f"{SURVEY}/x-sorce", "name", f"{KEYWORDS}; did you mean x-source?"),
        (f"{SURVEY}/x_source", "name", f"{KEYWORDS}; did you mean x-source?"),
        (f"{SURVEY}/source", "name", f"{KEYWORDS}; did you mean x-source?"),
        (f"{SURVEY}/pii", True, f"{KEYWORDS}; a remark belongs in $comment"),
        ("/record", "a.B",
         "a keyword of JSON Schema draft-07, or x-record, or x-environment, or x-skip, or x-allow-rules; "
         "did you mean x-record?"),
        (f"{SURVEY}/x-environment", "env", "no x-environment here; x-environment belongs at the top of the file"),
        (f"{OUTER}/event/x-source", "event", f"no x-source here; x-source {ON_A_FIELD}"),
        # A keyword of JSON Schema that is misspelt, or of another dialect.
        (f"{SURVEY}/tpye", "string", f"{KEYWORDS}; did you mean type?"),
        (f"{SURVEY}/defualt", "none", f"{KEYWORDS}; did you mean default?"),
        (f"{SURVEY}/nullable", True, 'type ["string", "null"]; draft-07 has no nullable'),
        ("/$defs", {}, "definitions; draft-07 has no $defs"),
        ("/$schema", "https://json-schema.org/draft/2020-12/schema",
         "http://json-schema.org/draft-07/schema#, or the path to contract.schema.json"),
        (f"{SURVEY}/type", "str", f"{TYPES}; did you mean string?"),
        (f"{SURVEY}/type", "datetime", f'{TYPES}; a time is a string with "format": "date-time"'),
        (f"{SURVEY}/format", "datetime",
         "a format of draft-07, such as date-time, date, time, email or uri; did you mean date-time?"),
        (f"{SURVEY}/required", True, "a list of the names of required properties, beside `properties`"),
        (f"{SURVEY}/enum", "a", 'JSON Schema draft-07: "a" is not of type "array"'),
        (f"{SURVEY}/$ref", "#/definitions/text",
         'the pointer of a schema in this file, such as "#/definitions/name"; '
         "there is no schema at #/definitions/text"),
        (f"{INNER}/o", {"$ref": "#", "properties": {"a": {}}},
         "/$ref no $ref beside properties, because draft-07 ignores everything beside a $ref"),
        # A value in place of a schema.
        (f"{OUTER}/event", "Survey Answered", SCHEMA),
        (SURVEY, "string", SCHEMA),
        (INNER, [{"name": "survey"}], "an object with a schema for each property, by the property's name"),
        # Where a value comes from.
        (f"{SURVEY}/x-source", "answers[0].survey",
         "a path without an index, unlike answers[0].survey: "
         "a path leads through records and maps, and a list is sent as a whole"),
        (f"{SURVEY}/x-source", "$.survey",
         f'a path in the record such as "a.b", or {SPECIAL}, but not $.survey; a field of this name is `$`, in backticks'),  # noqa: E501
        (f"{SURVEY}/x-source", "$kafka.timestmp",
         f'a path in the record such as "a.b", or {SPECIAL}, but not $kafka.timestmp; did you mean $kafka.timestamp?'),
        (f"{SURVEY}/x-source", "",
         'a path such as "a.b", or a list of paths; a name with a dot is in backticks: `a.b`.c'),
        (f"{OUTER}/event", {"type": "string"}, NO_SOURCE),
        (f"{OUTER}/context", {"properties": {"ip": {"type": "string"}}}, f"/properties/ip {NO_SOURCE}"),
        ("/x-record", r"com\.acme\..*",
         'the full name of an Avro record such as "com.acme.Answer"; * matches any text'),
        # How a value is converted.
        (f"{SURVEY}/x-convert", "ISO-8601", f"{CONVERSIONS}; did you mean iso-8601?"),
        (f"{SURVEY}/x-convert", "lowercase", CONVERSIONS),
        (f"{SURVEY}/x-convert", "", CONVERSIONS),
        (SURVEY, {"x-source": ["at", "$kafka.timestamp"], "x-convert": "iso-8601-seconds"},
         "/x-convert iso-8601 or string, because $kafka.timestamp is in milliseconds"),
        (SURVEY, {"x-source": "$kafka.timestamp", "x-convert": "json"},
         "/x-convert iso-8601 or string, because $kafka.timestamp is in milliseconds"),
        (SURVEY, {"x-source": "$service.version", "x-convert": "string"},
         "/x-convert no x-convert, because $service.version is text that stays as it is"),
        (f"{OUTER}/messageId/x-convert", "json",
         "no x-convert, because $kafka.messageId is text that stays as it is"),
        (SURVEY, {"x-convert": "label"}, '/x-labels a label for each value, such as {"OPEN": "open question"}'),
        (f"{SURVEY}/x-labels", {"A": "a"},
         '"x-convert": "label" beside x-labels, because no other conversion uses labels'),
        (f"{SURVEY}/default", None, 'a value that its own rule allows: null is not of type "string"'),
        (f"{INNER}/o", {"properties": {"a": {}}, "default": {}},
         "/default no default here, because the object is always built from its properties"),
        # Which records are skipped.
        (f"{SURVEY}/x-skip", "blank", '{"when": .., "reason": ..}'),
        (f"{SURVEY}/x-skip", {"when": "blank"}, '{"when": .., "reason": ..}; reason is missing'),
        (f"{SURVEY}/x-skip", {"source": "a", "when": "blank", "reason": "a"},
         '{"when": .., "reason": ..}; unknown key source'),
        (f"{SURVEY}/x-skip", {"when": "empty", "reason": "a"}, f"/when {TESTS}"),
        (f"{SURVEY}/x-skip", {"when": "", "reason": "a"}, f"/when {TESTS}"),
        (f"{SURVEY}/x-skip", {"when": {"not_in": ["a"]}, "reason": "a"}, f"/when {TESTS}; did you mean not-in?"),
        (f"{SURVEY}/x-skip", {"when": {"in": "test"}, "reason": "a"},
         '/when/in a list of strings, numbers, true, false or null, such as ["test"]'),
        (f"{SURVEY}/x-skip", {"when": "blank", "reason": "No user"},
         "/reason a word in snake_case, such as no_user_id"),
        (f"{SURVEY}/x-skip", {"when": "blank", "reason": "invalid"},
         "/reason a word of your own, because the service itself counts under invalid"),
        (f"{SURVEY}", {"default": "a", "x-skip": {"when": "blank", "reason": "a"}},
         "/x-skip no x-skip beside default, because a property with a default is never blank"),
        (f"{OUTER}/messageId/x-skip", {"when": {"in": ["a"]}, "reason": "a"},
         '/when "blank", because only fields of the record are compared with a list'),
        ("/x-skip", {"source": "a", "when": "blank", "reason": "a"},
         'a list of {"source": .., "when": .., "reason": ..}'),
        ("/x-skip", [{"field": "a", "when": "blank", "reason": "a"}],
         '/0 {"source": .., "when": .., "reason": ..}; unknown key field; source is missing'),
        # What Segment accepts.
        (f"{OUTER}/event", {"const": ""}, '/const a value that Segment accepts: "" is shorter than 1 character'),
        (f"{OUTER}/userId", {"const": 5}, '/const a value that Segment accepts: 5 is not of type "string"'),
        (f"{OUTER}/messageId", {"const": "a"},
         "/const x-source, because of events with the same messageId Segment keeps only the first"),
        (f"{OUTER}/type", {"const": "identify"}, 'const "track"'),
        (f"{OUTER}/sentAt", {"x-source": "a"}, "no sentAt: each request sets it anew"),
        (f"{OUTER}/traits", {"x-source": "a"},
         f"no traits: a track event has {EVENT}; all other properties belong in `properties`"),
        (f"{OUTER}/survey", {"type": "string"},
         f"no survey: a track event has {EVENT}; all other properties belong in `properties`"),
        (f"{OUTER}/user_id", {"x-source": "user_id"}, f"no user_id: a track event has {EVENT}; did you mean userId?"),
        (f"{OUTER}/properties/required", ["surveys"],
         "surveys to be declared, because an event has only declared properties"),
    ],
)  # fmt: skip
def test_a_typical_mistake_is_explained(tmp_path: Path, place: str, value: Any, expected: str) -> None:
    """A text about a place inside the value begins with the way to that place."""
    inside, _, text = expected.partition(" ") if expected.startswith("/") else ("", "", expected)
    assert mistakes(tmp_path, changed(place, value)) == [f"{place}{inside}: expected {text}"]


def test_a_property_that_segment_requires_and_the_contract_omits_is_reported(tmp_path: Path) -> None:
    line = f"/: expected messageId {REQUIRED}"
    assert mistakes(tmp_path, changed("/required", ["type", "event", "userId", "properties"])) == [line]


def test_a_forgotten_level_is_reported_at_both_ends(tmp_path: Path) -> None:
    assert mistakes(tmp_path, changed(f"{OUTER}/properties", {"survey": {"type": "string"}})) == [
        f"/properties/properties: expected {NO_SOURCE}",
        f"/properties/properties/survey: expected {KEYWORDS}; a property belongs in `properties`",
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
        (
            b'{"properties": {"locale": {},\n  "score": {}, "locale": {}}}',
            'line 2, column 16: expected JSON: key "locale" twice in /properties, first in line 1',
        ),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "/: expected at most 128 lists and objects inside each other"),
    ],
)
def test_a_file_that_is_no_json_object_is_reported(tmp_path: Path, content: bytes, line: str) -> None:
    assert mistakes(tmp_path, content) == [line]
