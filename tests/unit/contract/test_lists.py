"""`x-list`: what a list becomes, by the fast and by the exact code, and what is found before there is a record."""

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from consumer.avro.decoder import decode, load_schema
from consumer.avro.schema import AvroType, WriterSchema
from consumer.contract import list_forms
from consumer.contract.compatibility import check_compatibility
from consumer.contract.compiler import ContractMapper, Contracts, compile_contract
from consumer.contract.describe import rows
from consumer.contract.field_path import FieldPath
from consumer.contract.folder_check import check_folder
from consumer.contract.parser import parse_contract
from consumer.contract.proof import EventRules, Proof
from consumer.contract.rules import LIST_FORMS, ON_INVALID
from consumer.contract.validator import Validator
from consumer.errors import ContractError, MappingError, RecordError, RecordSkipped
from tests import avro_values
from tests.both_codes import both_codes
from tests.unit.contract.compiled import FRAME, LONG, NULL, RECORD, TEXT, mapped, record, union

DOUBLE, BYTES = AvroType("double"), AvroType("bytes")
SKIP = {"when": "blank", "reason": "none"}
LABELLED = {"x-convert": "label", "x-labels": {"A": "alpha"}}
TEXT_DOES_NOT_FIT = (
    "warning",
    "string in place of a value that cannot be sent does not always fit: rejected as invalid",
)
ANY_TYPE = ["string", "number", "boolean", "object", "array", "null"]


def array(*items: AvroType) -> AvroType:
    return AvroType("array", items=items[0] if len(items) == 1 else union(*items))


def entries(value: AvroType = TEXT, key: AvroType = TEXT) -> AvroType:
    return array(AvroType("record", name="Entry", fields={"key": key, "value": value}))


def contract_of(rule: dict[str, Any], required: Sequence[str] = ()) -> Any:
    properties = {"type": "object", "required": list(required), "properties": {"a": rule}}
    schema = {"x-record": "*", "required": [*FRAME], "properties": {**FRAME, "properties": properties}}
    return parse_contract("test", schema)


def properties_of(rule: dict[str, Any], avro: AvroType, value: Any, required: Sequence[str] = ()) -> Any:
    """Of the event, whose only property is `a`."""
    return mapped({"a": rule}, {"a": avro}, {"a": value}, required)


def findings(rule: dict[str, Any], avro: AvroType, required: Sequence[str] = ()) -> list[tuple[str, str]]:
    checked = check_compatibility(contract_of(rule, required), record(user=TEXT, a=avro))
    return [(finding.severity, finding.detail) for finding in checked]


@pytest.mark.parametrize(
    ("rule", "avro", "value", "expected"),
    [
        ({"x-list": "first"}, array(LONG), [5, 6], 5),
        ({"x-list": "first"}, array(NULL, TEXT), [None, "a"], "a"),
        ({"x-list": "first", "default": "none"}, array(TEXT), [], "none"),
        ({"x-list": "first", "x-convert": "iso-8601-seconds"}, array(LONG), [0], "1970-01-01T00:00:00.000Z"),
        ({"x-list": "first"}, array(array(TEXT)), [["a"]], ["a"]),
        ({"x-list": "join", "x-separator": ""}, array(TEXT), ["a", "b"], "ab"),
        ({"x-list": "join"}, array(DOUBLE), [1e20, 0.5], "1e+20, 0.5"),
        ({"x-list": "join"}, array(BYTES), [b"\x00"], "AA=="),
        ({"x-list": "join", "x-convert": "label", "x-labels": {"A": "alpha"}}, array(TEXT), ["A"], "alpha"),
        ({"x-list": "join", "x-convert": "json"}, TEXT, '["a", 1, null]', "a, 1"),
        ({"x-list": "length"}, array(NULL, TEXT), [None, "a"], 2),
        ({"x-list": "object"}, entries(LONG), [{"key": "a", "value": 1}], {"a": 1}),
        ({"x-list": "object", "x-convert": "string"}, entries(LONG), [{"key": "a", "value": 1}], {"a": "1"}),
        ({"x-list": "object"}, array(AvroType("map", items=TEXT)), [{"key": "a", "value": "b"}], {"a": "b"}),
        ({"x-list": "length"}, union(NULL, array(TEXT)), None, None),
    ],
)
def test_a_list_becomes_what_the_contract_says(rule: dict[str, Any], avro: AvroType, value: Any, expected: Any) -> None:
    assert properties_of({"type": ANY_TYPE, **rule}, avro, value) == {"a": expected}


@pytest.mark.parametrize(
    ("on_invalid", "list_form", "value", "expected"),
    [
        ("null", "first", [2**60, 1], 1),
        ("null", "length", [2**60, 1], 2),
        ("omit", "length", [2**60, 1], 1),
        ("omit", "join", [2**60, 1], "1"),
        ("string", "join", [2**60, 1], "1152921504606846976, 1"),
    ],
)
def test_x_on_invalid_is_for_each_item_first(on_invalid: str, list_form: str, value: Any, expected: Any) -> None:
    assert properties_of({"type": ANY_TYPE, "x-list": list_form, "x-on-invalid": on_invalid}, array(LONG), value) == {
        "a": expected
    }


def test_a_record_without_its_value_gives_no_key() -> None:
    rule = {"type": "object", "x-list": "object", "x-on-invalid": "omit"}
    pairs = [{"key": "a", "value": 2**60}, {"key": "b", "value": 1}]
    assert properties_of(rule, entries(LONG), pairs) == {"a": {"b": 1}}
    assert properties_of(rule, array(AvroType("map", items=LONG)), [{"key": 1}]) == {"a": {}}


@pytest.mark.parametrize(
    ("on_invalid", "expected"), [("null", {"a": None}), ("omit", {}), ("string", {"a": '[["a"]]'})]
)
def test_x_on_invalid_is_for_a_list_that_cannot_become_the_form(on_invalid: str, expected: Any) -> None:
    rule = {"type": ["string", "null"], "x-list": "join", "x-on-invalid": on_invalid}
    assert properties_of(rule, array(array(TEXT)), [["a"]]) == expected


@pytest.mark.parametrize(
    ("list_form", "avro", "value"),
    [
        ("first", TEXT, "a"),
        ("length", AvroType("map", items=TEXT), {"a": "b"}),
        ("join", array(AvroType("map", items=TEXT)), [{}]),
        ("object", array(TEXT), ["a"]),
        ("object", array(AvroType("map", items=TEXT)), [{"value": "a"}]),
        ("object", entries(TEXT, array(TEXT)), [{"key": ["a"], "value": "b"}]),
        ("object", array(AvroType("map", items=TEXT)), [{"key": "a"}]),
    ],
)
def test_a_value_that_cannot_become_the_form_rejects_the_record(list_form: str, avro: AvroType, value: Any) -> None:
    with pytest.raises(MappingError) as caught:
        properties_of({"x-list": list_form}, avro, value)
    assert (caught.value.reason, caught.value.detail) == ("invalid", "/properties/a: x-list")


def test_a_list_without_a_first_item_is_like_null() -> None:
    assert properties_of({"type": "string", "x-list": "first"}, array(TEXT), []) == {}
    assert properties_of({"type": ["string", "null"], "x-list": "first"}, array(TEXT), []) == {"a": None}
    with pytest.raises(MappingError, match="missing_required"):
        properties_of({"type": "string", "x-list": "first"}, array(TEXT), [], ["a"])
    with pytest.raises(RecordSkipped, match="none"):
        properties_of({"x-list": "first", "x-skip": SKIP}, array(TEXT), [])


def test_the_list_is_what_is_blank_and_not_its_first_item() -> None:
    assert properties_of({"x-list": "first", "x-skip": SKIP}, array(TEXT), ["", "a"]) == {"a": ""}


def test_an_empty_list_is_a_value_so_that_the_next_source_is_not_used() -> None:
    rule = {"type": ["string", "null"], "x-list": "first", "x-source": ["a", "b"]}
    types = {"a": union(NULL, array(TEXT)), "b": array(TEXT)}
    assert mapped({"p": rule}, types, {"a": [], "b": ["x"]}) == {"p": None}
    assert mapped({"p": rule}, types, {"a": None, "b": ["x"]}) == {"p": "x"}


@pytest.mark.parametrize("list_form", LIST_FORMS)
def test_null_in_a_text_is_like_null(list_form: str) -> None:
    rule = {"type": "string", "x-list": list_form, "x-convert": "json"}
    assert properties_of(rule, TEXT, "null") == {}
    assert properties_of({**rule, "type": ANY_TYPE}, TEXT, "null") == {"a": None}
    assert properties_of({**rule, "default": "none"}, TEXT, "null") == {"a": "none"}
    with pytest.raises(MappingError, match="missing_required"):
        properties_of(rule, TEXT, "null", ["a"])
    with pytest.raises(RecordSkipped, match="none"):
        properties_of({**rule, "x-skip": SKIP}, TEXT, "null")


def test_a_key_that_comes_twice_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    list_forms._warn_of_repeated_key.cache_clear()
    twice = [{"key": "a", "value": "b"}, {"key": "a", "value": "c"}]
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert properties_of({"x-list": "object"}, entries(), twice) == {"a": {"a": "c"}}
    assert [entry.getMessage() for entry in caplog.records] == ["list has a key twice, using the last value"]


JSON_TEXTS = ["null", "{}", "1", "[]", '["a"]', '[{"key": "a", "value": null}]', "[null", "[1e999]"]


@pytest.mark.parametrize(
    ("annotations", "avro", "values"),
    [
        ({"x-list": "first"}, array(NULL, TEXT), [[], [None], ["a"]]),
        ({"x-list": "join"}, array(LONG), [[], [1, 2], [2**60]]),
        ({"x-list": "length"}, array(TEXT), [[], ["a"]]),
        (
            {"x-list": "object"},
            entries(DOUBLE),
            [[], [{"key": "a", "value": 0.5}], [{"key": "a", "value": float("nan")}]],
        ),
        *(({"x-list": list_form, "x-convert": "json"}, TEXT, JSON_TEXTS) for list_form in LIST_FORMS),
    ],
)
@pytest.mark.parametrize("required", [(), ("a",)], ids=["optional", "required"])
@pytest.mark.parametrize(
    "rule", [{}, {"type": ["string", "integer", "object"]}, {"type": "string", "default": "none"}, {"x-skip": SKIP}]
)
def test_both_codes_make_the_same_event(
    annotations: Any, avro: AvroType, values: Sequence[Any], required: Sequence[str], rule: Any, tmp_path: Any
) -> None:
    rule = {"type": "object", "required": list(required), "properties": {"a": {**rule, **annotations}}}
    schema = {"x-record": "*", "type": "object", "required": [*FRAME], "properties": {**FRAME, "properties": rule}}
    (tmp_path / "segment").mkdir()
    (tmp_path / "segment" / "test.json").write_text(json.dumps(schema))
    root = record(user=TEXT, a=avro)
    with both_codes():
        mapper = Contracts(tmp_path, "1.2.3").mapper(WriterSchema("test", root, {}, {}, 1000))
        for value in values:
            with suppress(RecordError):  # that both codes raise it is compared, too
                mapper.body({"user": "u", "a": value}, RECORD, "id-1")


@pytest.mark.parametrize(
    ("rule", "avro"),
    [
        ({"type": "string", "x-list": "join"}, array(LONG)),
        ({"type": "integer", "x-list": "length"}, array(LONG)),
        ({"type": "string", "x-list": "first"}, array(TEXT)),
        ({"type": "object", "x-list": "object"}, entries()),
        ({"type": "object", "x-list": "object", "additionalProperties": {"type": "number"}}, entries(DOUBLE)),
    ],
)
def test_a_form_that_always_fits_is_proven(rule: dict[str, Any], avro: AvroType) -> None:
    contract = contract_of(rule)
    proof = Proof(EventRules(contract, "1"))
    field = contract.event.properties["properties"].properties["a"]
    assert proof.check_of(field, [FieldPath("", avro)], False) is None
    assert not [finding for finding in findings(rule, avro) if finding[0] != "note"]


@pytest.mark.parametrize(
    ("rule", "avro", "expected"),
    [
        (
            {"x-list": "first"},
            TEXT,
            ("problem", "x-list first is for a list, not for string: rejected as invalid"),
        ),
        (
            {"x-list": "join"},
            array(TEXT, array(TEXT)),
            ("warning", "x-list join cannot use every value of a list of string or array: rejected as invalid"),
        ),
        (
            {"x-list": "object"},
            entries(TEXT, union(NULL, TEXT)),
            ("warning", "x-list object cannot use every value of a list of record: rejected as invalid"),
        ),
        (
            {"x-list": "first", "x-convert": "json"},
            TEXT,
            ("warning", "x-list first cannot use every value of JSON: rejected as invalid"),
        ),
        (
            {"x-list": "first", "x-convert": "json", "x-on-invalid": "null"},
            TEXT,
            ("note", "x-list first cannot use every value of JSON: x-on-invalid null applies"),
        ),
        (
            {"x-list": "length"},
            union(TEXT, array(TEXT)),
            ("warning", "x-list length is for a list, not for string: rejected as invalid"),
        ),
        (
            {"x-list": "join"},
            array(array(TEXT)),
            (
                "problem",
                "x-list join is for a list of texts, numbers or booleans, not for a list of array: rejected as invalid",
            ),
        ),
        (
            {"x-list": "object"},
            array(record(name=TEXT, value=TEXT)),
            (
                "problem",
                "x-list object is for a list of records with the fields key and value, not for a list of record: "
                "rejected as invalid",
            ),
        ),
        (
            {"type": "string", "x-list": "length"},
            array(TEXT),
            ("problem", "array with x-list length never fits: rejected as invalid"),
        ),
        ({"type": "string", "x-list": "first"}, array(TEXT), ("note", "null or no first item is left out")),
        (
            {"x-list": "first", "x-skip": SKIP},
            array(TEXT),
            ("note", "null or no first item: skipped as none"),
        ),
        (
            {"type": "integer", "x-list": "length", "x-convert": "json"},
            TEXT,
            ("note", "null or JSON null is left out"),
        ),
        (
            {"x-list": "first", "x-convert": "json", "x-skip": SKIP},
            TEXT,
            ("note", "null or JSON null or no first item or blank: skipped as none"),
        ),
        ({"type": "integer", "x-list": "first", "x-on-invalid": "string"}, TEXT, TEXT_DOES_NOT_FIT),
        (
            {"type": "integer", "x-list": "length", "x-on-invalid": "string"},
            union(TEXT, array(TEXT)),
            TEXT_DOES_NOT_FIT,
        ),
        (
            {"type": "integer", "x-list": "length", "x-convert": "json", "x-on-invalid": "string"},
            TEXT,
            TEXT_DOES_NOT_FIT,
        ),
        (
            {"enum": ["alpha"], "x-list": "first", **LABELLED, "x-on-invalid": "string"},
            array(AvroType("enum", symbols=("A", "B"))),
            TEXT_DOES_NOT_FIT,
        ),
        (
            {"type": "integer", "x-list": "first", "x-on-invalid": "string"},
            array(LONG),
            ("warning", "string in place of a value that cannot be sent does not always fit: rejected as invalid"),
        ),
    ],
)
def test_what_is_found_before_there_is_a_record(rule: dict[str, Any], avro: AvroType, expected: Any) -> None:
    assert expected in findings(rule, avro)


@pytest.mark.parametrize(
    ("rule", "avro"),
    [
        ({"type": "string", "x-list": "first", "x-on-invalid": "string"}, TEXT),
        ({"type": "integer", "x-list": "length", "x-on-invalid": "string"}, array(TEXT)),
        ({"type": "integer", "x-list": "length", "x-on-invalid": "null"}, union(TEXT, array(TEXT))),
        (
            {"enum": ["alpha"], "x-list": "first", **LABELLED, "x-on-invalid": "string"},
            array(AvroType("enum", symbols=("A",))),
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}, "x-list": "object", "x-on-invalid": "omit"},
            entries(LONG),
        ),
    ],
)
def test_what_is_in_place_of_a_value_fits(rule: dict[str, Any], avro: AvroType) -> None:
    assert TEXT_DOES_NOT_FIT not in findings(rule, avro)
    assert not [detail for _, detail in findings(rule, avro) if "in place of a value" in detail]


@pytest.mark.parametrize(("on_invalid", "fits"), [("omit", True), ("null", False), ("string", False)])
def test_a_value_of_an_object_is_checked_with_what_is_in_its_place(on_invalid: str, fits: bool) -> None:
    rule = {"type": "object", "additionalProperties": {"type": "number"}, "x-list": "object"}
    details = [detail for _, detail in findings({**rule, "x-on-invalid": on_invalid}, entries(DOUBLE))]
    assert any(f"{on_invalid} in place of a value" in detail for detail in details) != fits


@pytest.mark.parametrize("list_form", LIST_FORMS)
@pytest.mark.parametrize("on_invalid", ON_INVALID)
def test_a_text_of_an_ambiguous_union_is_no_list(list_form: str, on_invalid: str) -> None:
    date, time = {"type": "int", "logicalType": "date"}, {"type": "long", "logicalType": "timestamp-millis"}
    schema = load_schema("test", avro_values.record("R", user="string", a=[date, time]))
    contract = contract_of({"type": ANY_TYPE, "x-list": list_form, "x-on-invalid": on_invalid})
    mapper = ContractMapper(compile_contract(contract, schema.root, "1"), Validator(contract.schema))
    decoded = decode(schema, avro_values.sized(b"u") + avro_values.zigzag(1) + avro_values.zigzag(0), 0)
    try:
        outcome = json.loads(mapper.body(decoded, RECORD, "id"))["properties"]
    except MappingError as error:
        outcome = error.reason
    expected = {"null": {"a": None}, "omit": {}, "string": {"a": "1970-01-01T00:00:00.000Z"}, "reject": "invalid"}
    assert outcome == expected[on_invalid]


def test_a_type_of_which_the_form_makes_nothing_is_not_proven() -> None:
    contract = contract_of({"type": "integer", "x-list": "length"})
    proof = Proof(EventRules(contract, "1"))
    field = contract.event.properties["properties"].properties["a"]
    assert proof.check_of(field, [FieldPath("", TEXT)], False)


def test_a_folder_without_a_list_for_the_form_is_a_problem() -> None:
    contract, root = contract_of({"x-list": "first"}), record(user=TEXT, a=TEXT)
    problems = check_folder([contract], [root])["test"]
    assert [problem.detail for problem in problems] == [
        "x-list first is for a list, not for string: rejected as invalid"
    ]
    assert not check_folder([contract], [record(user=TEXT, a=array(TEXT))])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"x-list": "frist"}, "one of first, join, length, object; did you mean first?"),
        ({"x-list": "join", "x-separator": 1}, 'a text such as ", "'),
        (
            {"x-list": "first", "x-separator": ";"},
            '"x-list": "join" beside x-separator, because nothing else is joined',
        ),
        ({"x-list": "first", "x-source": "$kafka.timestamp"}, "no x-list, because $kafka.timestamp is no list"),
        (
            {"type": "integer", "x-list": "first", **LABELLED},
            'a value that its own rule allows: "alpha" is not of type "integer"',
        ),
        (
            {"x-list": "join", "x-convert": "label", "x-labels": {"A": ["alpha"]}},
            'a text, a number or a boolean, because of "x-list": "join"',
        ),
        (
            {"x-list": "join", "x-convert": "label", "x-labels": {"A": {}}},
            'a text, a number or a boolean, because of "x-list": "join"',
        ),
    ],
)
def test_a_mistake_names_the_way_out(rule: dict[str, Any], expected: str) -> None:
    with pytest.raises(ContractError) as caught:
        contract_of(rule)
    assert [line.partition(": expected ")[2] for line in caught.value.lines] == [expected]


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "string", "x-list": "first", "x-convert": "label", "x-labels": {"A": "alpha", "B": None}},
        {"type": "integer", "x-list": "length", **LABELLED},
        {"type": "string", "x-list": "join", "x-convert": "label", "x-labels": {"A": 1, "B": None}},
    ],
)
def test_a_label_of_an_item_need_not_obey_the_rule_of_the_property(rule: dict[str, Any]) -> None:
    assert contract_of(rule)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"x-list": "first"}, "the first item"),
        ({"x-list": "join"}, 'items joined with ", "'),
        ({"x-list": "length"}, "the number of items"),
        ({"x-list": "object"}, "keys and values to an object"),
    ],
)
def test_the_table_of_a_contract_names_the_form(rule: dict[str, Any], expected: str) -> None:
    assert rows(contract_of(rule))[-1].source == f"a; {expected}"
