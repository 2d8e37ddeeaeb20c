"""The fast code of a contract: the same event or the same error as by the exact code with the whole validator."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import mixed_shape, shape
from consumer import paths
from consumer.avro.decoder import decode, load_schema
from consumer.avro.schema import WriterSchema
from consumer.contract.compiler import CompiledContract, ContractMapper, Contracts, compile_contract
from consumer.contract.parser import parse_contract
from consumer.contract.rules import LIST_FORMS, ON_INVALID
from consumer.contract.validator import Validator, part_validator
from consumer.errors import RecordError
from consumer.jsonio import loads
from consumer.model import Record
from tests.avro_values import SCHEMAS, record, sized, values, zigzag
from tests.unit.contract.compiled import FRAME, RECORD

TYPES = ["string", "integer", "number", "boolean", "array", "object", "null"]
RULES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, unique=True),
        "minLength": st.integers(0, 3),
        "maximum": st.integers(-5, 5),
        "items": st.fixed_dictionaries({"type": st.sampled_from(TYPES)}) | st.just([{"type": "integer"}, True]),
        "additionalItems": st.booleans(),
        "additionalProperties": st.booleans() | st.fixed_dictionaries({"type": st.sampled_from(TYPES)}),
        "properties": st.just({"f0": {"type": "string"}, "": {"type": "null"}}),
        "enum": st.just([None, 0, "A", True]),
        "not": st.just({"type": "string", "maxLength": 0}),
        "anyOf": st.just([{"type": "string"}, {"maximum": 3}]),
        "$ref": st.just("#/definitions/short"),
        "format": st.sampled_from(["date-time", "date"]),
        "pattern": st.just("\\S"),
        "x-convert": st.sampled_from(["string", "iso-8601", "iso-8601-micros", "json"]),
        "x-on-invalid": st.sampled_from(ON_INVALID),
        "x-list": st.sampled_from(LIST_FORMS),
        "x-skip": st.just({"when": "blank", "reason": "no_p"}),
        "description": st.just("a remark"),
    },
)


def contract_of(
    rule: Any, required: bool, outer: dict[str, Any], user: dict[str, Any], name: str = "p"
) -> dict[str, Any]:
    """A contract whose events have the record's field `p` as the property `name`."""
    # x-source, because an object with properties is otherwise built from them
    properties = {"type": "object", "properties": {name: {**rule, "x-source": "p"}}, **outer}
    properties |= {"required": [name]} if required else {}
    event = {**FRAME, "userId": {"x-source": "user", **user}, "properties": properties}
    definitions = {"short": {"maxLength": 2}}
    return {"x-record": "*", "required": [*FRAME], "definitions": definitions, "properties": event}


CONTRACTS = st.builds(
    contract_of,
    RULES,
    st.booleans(),
    st.sampled_from([{}, {"minProperties": 1}, {"additionalProperties": False}]),
    st.sampled_from([{}, {"type": "string", "minLength": 2}, {"x-skip": {"when": "blank", "reason": "no_user"}}]),
    st.sampled_from(["p", "a/b", "~"]),
)


def mapper_of(contract: dict[str, Any], schema: WriterSchema) -> tuple[CompiledContract, ContractMapper]:
    parsed = parse_contract("test", contract)
    compiled = compile_contract(parsed, schema.root, "1.2.3")
    return compiled, ContractMapper(compiled, Validator(parsed.schema))


def compare(mapper: ContractMapper, decoded: Any) -> str:
    """Runs both codes, which the switch of all unit tests compares, and the code for large records; the outcome."""
    outcome, body = outcome_and_body(mapper, decoded, False)
    assert outcome_and_body(mapper, decoded, True) == (outcome, body)
    return outcome


def outcome_and_body(mapper: ContractMapper, decoded: Any, is_large: bool) -> tuple[str, Any]:
    try:
        return "event", loads(mapper.body(decoded, RECORD, "id", is_large))
    except RecordError as error:
        return error.reason, str(error)


@settings(max_examples=60)
@given(SCHEMAS, CONTRACTS, st.data())
def test_both_codes_agree_for_any_schema_and_rule(avro: Any, contract: Any, data: st.DataObject) -> None:
    user = data.draw(st.text(max_size=3))
    schema = load_schema("test", record("R", user="string", p=avro))
    _, mapper = mapper_of(contract, schema)
    for _ in range(3):
        compare(mapper, decode(schema, sized(user.encode()) + data.draw(values(avro)), 0))


@pytest.mark.parametrize("shape_of", [shape, mixed_shape])
def test_events_of_the_benchmark_need_no_validator(shape_of: Any) -> None:
    schema = load_schema("test", shape_of.schema_json())
    contract = Contracts(paths.schemas(), "1.2.3").contracts[0]
    compiled = compile_contract(contract, schema.root, "1.2.3")
    assert compiled.is_proven
    mapper = ContractMapper(compiled, Validator(contract.schema))
    for value in shape_of.values(50):
        decoded = decode(schema, value, 0)
        event = compiled.fast_event(decoded, RECORD, "id")
        assert loads(mapper.body(decoded, RECORD, "id")) == event


@pytest.mark.parametrize(
    ("rule", "avro", "value", "expected"),
    [
        ({}, "long", zigzag(2**53), "integer_too_large"),
        ({}, "long", zigzag(2**53 - 1), "event"),
        ({"x-on-invalid": "string"}, "long", zigzag(2**62), "event"),
        ({}, "double", b"\0\0\0\0\0\0\xf0\x7f", "non_finite_number"),
        ({}, "float", b"\0\0\xc0\x7f", "non_finite_number"),
        ({}, {"type": "array", "items": "double"}, b"\2\0\0\0\0\0\0\xf0\x7f\0", "non_finite_number"),
        ({}, {"type": "map", "values": ["null", "double"]}, b"\2\2a\2\0\0\0\0\0\0\xf0\x7f\0", "non_finite_number"),
        ({}, {"type": "map", "values": record("I", d="double")}, b"\2\2a\0\0\0\0\0\0\xf0\xff\0", "non_finite_number"),
        ({"type": "string"}, "long", zigzag(1), "invalid"),
        ({"maxLength": 1}, "string", sized(b"ab"), "invalid"),
        ({"type": ["string", "null"]}, ["null", "string"], zigzag(0), "event"),
        ({"type": "string", "format": "date-time"}, "string", sized(b"noon"), "invalid"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "map", "values": "int"},
         b"\2\2a\2\0", "invalid"),
        ({"items": [{"type": "string"}]}, {"type": "array", "items": "int"}, b"\2\2\0", "invalid"),
        ({"items": [True], "additionalItems": {"type": "string"}}, {"type": "array", "items": "int"},
         b"\4\2\2\0", "invalid"),
        ({"type": "object", "required": ["b"]}, {"type": "map", "values": "int"}, b"\2\2a\2\0", "invalid"),
    ],
)  # fmt: skip
def test_a_value_that_the_fast_code_must_not_send_is_found(rule: Any, avro: Any, value: bytes, expected: str) -> None:
    schema = load_schema("test", record("R", user="string", p=avro))
    _, mapper = mapper_of(contract_of(rule, False, {}, {}), schema)
    assert compare(mapper, decode(schema, sized(b"u") + value, 0)) == expected


@pytest.mark.parametrize("user", ["", " ", "\x1c", "\u3000", "\ufeff", " \ufeff", "u", "\xfc"])
@pytest.mark.parametrize("skip", [{}, {"x-skip": {"when": "blank", "reason": "no_user"}}])
def test_a_user_id_without_a_visible_character_is_not_sent(user: str, skip: Any) -> None:
    schema = load_schema("test", record("R", user="string", p="int"))
    _, mapper = mapper_of(contract_of({}, False, {}, {"type": "string", **skip}), schema)
    outcome = compare(mapper, decode(schema, sized(user.encode()) + zigzag(1), 0))
    assert (outcome == "event") == (user in ("u", "\xfc") or (user == "\x1c" and not skip))


@pytest.mark.parametrize("name", ["a/b", "a~b", "a~1b", "properties"])
def test_a_property_of_any_name_is_checked(name: str) -> None:
    schema = load_schema("test", record("R", user="string", p=["null", "int"]))
    _, mapper = mapper_of(contract_of({"type": "string"}, True, {}, {}, name), schema)
    assert compare(mapper, decode(schema, sized(b"u") + b"\2\2", 0)) == "invalid"
    assert compare(mapper, decode(schema, sized(b"u") + b"\0", 0)) == "missing_required"


def test_python_and_draft_07_differ_about_white_space_only_where_the_fast_code_asks_the_validator() -> None:
    has_visible = part_validator([{"pattern": "\\S"}], {})
    characters = [chr(number) for number in range(0x10000) if not 0xD800 <= number < 0xE000]
    assert [character for character in characters if character.strip() and not has_visible(character)] == ["\ufeff"]


@pytest.mark.parametrize("length", [6, 50, 51, 69])
def test_a_message_id_is_checked_where_its_rule_is_stricter_than_what_the_service_makes(length: int) -> None:
    schema = load_schema("test", record("R", user="string", p="int"))
    contract = contract_of({}, False, {}, {})
    contract["properties"]["messageId"] = {"x-source": "$kafka.messageId", "maxLength": 50}
    _, mapper = mapper_of(contract, schema)
    decoded = decode(schema, sized(b"u") + zigzag(1), 0)
    try:
        outcome = "event" if mapper.body(decoded, RECORD, "m" * length) else ""
    except RecordError as error:
        outcome = error.reason
    assert outcome == ("event" if length <= 50 else "invalid")


@pytest.mark.parametrize("pattern", ["^1\\.2", "^9"])
def test_the_version_is_checked_once(pattern: str) -> None:
    schema = load_schema("test", record("R", user="string", p="int"))
    contract = contract_of({}, False, {}, {})
    library = {"properties": {"version": {"x-source": "$service.version", "pattern": pattern}}}
    contract["properties"]["context"] = {"properties": {"library": library}}
    compiled, mapper = mapper_of(contract, schema)
    outcome = compare(mapper, decode(schema, sized(b"u") + zigzag(1), 0))
    assert (outcome, compiled.is_proven) == (("event", True) if pattern == "^1\\.2" else ("invalid", False))


def test_the_longest_message_id_of_the_service_is_within_the_limit_that_is_taken_for_proven() -> None:
    from consumer.pipeline.message_id import message_id
    from consumer.segment_limits import MAX_MESSAGE_ID_LENGTH

    assert len(message_id("f" * 16, Record(2**31 - 1, 2**63 - 1, -(2**63), None, None, ()))) <= MAX_MESSAGE_ID_LENGTH
