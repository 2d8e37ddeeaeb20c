"""Records that could take much memory: what no event has room for is refused before anything is made of it."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from consumer.avro.decode_limits import MAX_DECODED_BYTES
from consumer.avro.decoder import decode, load_schema
from consumer.avro.schema import LARGE_PART
from consumer.contract.compiler import ContractMapper, compile_contract
from consumer.contract.parser import parse_contract
from consumer.contract.rules import ON_INVALID
from consumer.contract.size_check import MAX_TEXT_PARTS, MAX_VALUES, check_size
from consumer.contract.validator import Validator
from consumer.errors import MappingError, RecordError, RecordSkipped
from consumer.jsonio import dumps, loads
from consumer.segment_limits import MAX_EVENT_BYTES
from tests.avro_values import block, record, sized, zigzag
from tests.unit.contract.compiled import FRAME, RECORD

NULLABLE = ["null", "int"]
WIDE = record("A", **{f"f{number}": NULLABLE for number in range(40)})
DENSE: list[tuple[Any, bytes, Any]] = [
    (record("A", x=record("B", y=record("C", z=NULLABLE))), b"\0", {"maxItems": 10}),
    (WIDE, bytes(40), {"x-convert": "string"}),
    ("int", b"\xff\x7f", {"x-convert": "string"}),
    ({"type": "long", "logicalType": "timestamp-millis"}, b"\2", {}),
    ({"type": "map", "values": "int"}, b"\0", {"x-on-invalid": "omit"}),
]


def mapper_of(avro: Any, rule: Any, **user: Any) -> tuple[Any, ContractMapper]:
    schema = load_schema("test", record("R", user="string", a=avro))
    properties = {"properties": {"a": rule}}
    event = {**FRAME, "userId": {"x-source": "user", **user}, "properties": properties}
    contract = parse_contract("test", {"x-record": "*", "required": [*FRAME], "properties": event})
    return schema, ContractMapper(compile_contract(contract, schema.root, "1"), Validator(contract.schema))


def added_memory(work: Callable[[], object]) -> int:
    """The most bytes that a process has more than before while it does this. Libraries have memory beside Python's."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            before = _status("VmRSS")
            work()
            os.write(writing, str(_status("VmHWM") - before).encode())
        except BaseException as error:  # noqa: BLE001 - a failed assertion as well: the parent reports it
            os.write(writing, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert answer.removeprefix("-").isdecimal(), answer
    return int(answer)


def _status(name: str) -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def test_an_error_of_the_work_is_the_error_of_the_test() -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        added_memory(lambda: 1 // 0)


@pytest.mark.parametrize(("avro", "item", "rule"), DENSE)
def test_a_record_takes_no_more_memory_than_it_may_when_it_is_decoded(avro: Any, item: bytes, rule: Any) -> None:
    schema, mapper = mapper_of({"type": "array", "items": avro}, rule)
    value = sized(b"u") + block([item] * ((schema.max_value_bytes - 20) // len(item)))
    assert schema.is_large(len(value))

    def work() -> None:
        with pytest.raises(MappingError, match="event_too_large"):
            mapper.body(decode(schema, value, 0), RECORD, "id", True)

    assert added_memory(work) <= MAX_DECODED_BYTES


def test_a_record_that_is_not_large_takes_little_memory_to_say_what_is_invalid() -> None:
    schema, mapper = mapper_of({"type": "array", "items": WIDE}, {"maxItems": 10})
    value = sized(b"u") + block([bytes(40)] * (schema.max_value_bytes // LARGE_PART // 40 - 1))
    assert not schema.is_large(len(value))

    def work() -> None:
        with pytest.raises(MappingError, match="invalid: /properties/a: maxItems"):
            mapper.body(decode(schema, value, 0), RECORD, "id", False)

    assert added_memory(work) <= MAX_DECODED_BYTES // 2


@pytest.mark.parametrize("value", [[0] * MAX_VALUES, [[]] * MAX_VALUES, {str(n): 0 for n in range(MAX_VALUES)}])
def test_what_is_too_large_has_no_room_in_an_event(value: Any) -> None:
    check_size(value, "/a")
    check_size([value[: MAX_VALUES - 1] if isinstance(value, list) else 1], "/a")
    too_large = [value]
    assert len(dumps(too_large)) > MAX_EVENT_BYTES
    with pytest.raises(MappingError, match=f"event_too_large: /a: more than {MAX_VALUES} values inside"):
        check_size(too_large, "/a")


def test_a_large_record_that_is_skipped_or_has_little_to_send_is_not_refused() -> None:
    avro = {"type": "array", "items": "int"}
    unsent = record("Big", sent=avro, unsent=avro)
    schema, mapper = mapper_of(unsent, {"x-source": "a.sent"}, **{"x-skip": {"when": "blank", "reason": "no_user"}})
    long, short = block([b"\0"] * 40_000), block([b"\2"])
    body = mapper.body(decode(schema, sized(b"u") + short + long, 0), RECORD, "id", True)
    assert loads(body)["properties"] == {"a": [1]}
    with pytest.raises(RecordSkipped, match="no_user"):
        mapper.body(decode(schema, sized(b"") + long + long, 0), RECORD, "id", True)
    with pytest.raises(RecordError, match="event_too_large"):
        mapper.body(decode(schema, sized(b"u") + long + short, 0), RECORD, "id", True)


@pytest.mark.parametrize("avro", ["string", {"type": "array", "items": "string"}, ["null", "bytes"]])
@pytest.mark.parametrize("text", [b"[]", b"{}", b'{"a":1}', b"1e999", b'{"a":1,"a":[]}'])
@pytest.mark.parametrize("annotations", [{}, {"x-list": "length"}, {"x-on-invalid": "string"}])
def test_json_in_texts_of_a_large_record_is_refused_before_it_is_read(avro: Any, text: bytes, annotations: Any) -> None:
    schema, mapper = mapper_of(avro, {"x-convert": "json", "maxItems": 1, **annotations})
    long = b"[" + (text + b",") * ((schema.max_value_bytes - 30) // (len(text) + 1)) + b"1]"
    if avro == "string":
        value = sized(long)
    elif isinstance(avro, list):
        value = zigzag(1) + sized(long)
    else:
        part = b"[" + (text + b",") * 20_000 + b"1]"
        value = block([sized(part)] * ((schema.max_value_bytes - 30) // (len(part) + 3)))
    value = sized(b"u") + value

    def work() -> None:
        with pytest.raises(MappingError, match="event_too_large: /properties/a: more than 32000 commas and brackets"):
            mapper.body(decode(schema, value, 0), RECORD, "id", True)

    assert added_memory(work) <= MAX_DECODED_BYTES


@pytest.mark.parametrize("text", [b"[]", b'" "', b'{"a":1}', b"1e999", b'{"a":1,"a":[]}'])
def test_json_with_as_many_values_as_are_read_takes_little_memory(text: bytes) -> None:
    schema, mapper = mapper_of("string", {"x-convert": "json", "x-list": "length"})
    count = (MAX_TEXT_PARTS - 1) // (1 + sum(text.count(part) for part in b",[{"))
    value = sized(b"u") + sized(b"[" + b",".join([text] * count) + b" " * (schema.max_value_bytes - 400_000) + b"]")

    def work() -> None:
        with suppress(RecordError):
            mapper.body(decode(schema, value, 0), RECORD, "id", True)

    assert added_memory(work) <= MAX_DECODED_BYTES


def test_json_that_is_read_has_no_more_values_than_an_event() -> None:
    schema, mapper = mapper_of("string", {"x-convert": "json"})
    value = sized(b"u") + sized(b"[" + b"1," * MAX_VALUES + b"1]")
    with pytest.raises(MappingError, match="event_too_large: /properties/a: more than 16000 values inside"):
        mapper.body(decode(schema, value, 0), RECORD, "id", True)


@pytest.mark.parametrize(
    ("avro", "item", "rule", "expected"),
    [
        ("int", b"\2", {"x-list": "length"}, "count"),
        ("int", b"\2", {"x-list": "first"}, 1),
        ("int", b"\2", {"x-list": "length", "x-convert": "string"}, "count"),
        (NULLABLE, b"\0", {"x-list": "first", "type": ["null", "integer"]}, None),
        (NULLABLE, b"\0", {"x-list": "first", "type": "integer", "default": 7}, 7),
        (WIDE, bytes(40), {"x-list": "length"}, "count"),
        ("string", sized(b"[1]"), {"x-list": "first", "x-convert": "json"}, [1]),
    ],
)
def test_the_first_item_and_the_length_of_a_large_list_are_sent(
    avro: Any, item: bytes, rule: Any, expected: Any
) -> None:
    schema, mapper = mapper_of({"type": "array", "items": avro}, rule)
    count = 30_000 if "x-convert" in rule else (schema.max_value_bytes - 20) // len(item)
    value = sized(b"u") + block([item] * count)

    def work() -> None:
        body = mapper.body(decode(schema, value, 0), RECORD, "id", True)
        assert loads(body)["properties"] == {"a": count if expected == "count" else expected}

    assert added_memory(work) <= MAX_DECODED_BYTES


@pytest.mark.parametrize("list_form", ["first", "length"])
@pytest.mark.parametrize("on_invalid", ON_INVALID)
@pytest.mark.parametrize("place", [None, 0, 50, 99, 100, 250])
@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 300])
def test_a_list_of_some_items_at_a_time_gives_what_the_whole_list_gives(
    list_form: str, on_invalid: str, place: int | None, length: int
) -> None:
    avro = {"type": "array", "items": ["null", "long"]}
    schema, mapper = mapper_of(avro, {"x-list": list_form, "x-on-invalid": on_invalid})
    items = [b"\0"] * length
    if place is not None:
        items[place:] = [zigzag(1) + zigzag(2**60), *[zigzag(1) + zigzag(number) for number in range(length)]]
    value = sized(b"u") + block(items)

    def outcome(is_large: bool) -> Any:
        try:
            return loads(mapper.body(decode(schema, value, 0), RECORD, "id", is_large))
        except RecordError as error:
            return str(error)

    assert outcome(True) == outcome(False)


def test_what_skips_a_large_record_can_stand_behind_what_is_too_large() -> None:
    skip = {"x-skip": {"when": "blank", "reason": "no_user"}}
    rule = {"type": "object", "properties": {"list": {"x-source": "a"}, "late": {"x-source": "user", **skip}}}
    schema, mapper = mapper_of({"type": "array", "items": "int"}, rule)
    long = block([b"\0"] * 40_000)
    with pytest.raises(RecordSkipped, match="no_user"):
        mapper.body(decode(schema, sized(b" ") + long, 0), RECORD, "id", True)
    with pytest.raises(MappingError, match="event_too_large: /properties/a/list"):
        mapper.body(decode(schema, sized(b"u") + long, 0), RECORD, "id", True)


def test_the_limits_are_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "contract.md").read_text()
    section = page.partition("\n### Large records\n")[2].partition("\n### ")[0]
    for limit in (f"{MAX_VALUES:,} values", f"{MAX_TEXT_PARTS:,} commas", "100 items", "2 MiB"):
        assert limit in section
    assert MAX_DECODED_BYTES // LARGE_PART == 2 * 2**20


@pytest.mark.parametrize("list_form", ["first", "length"])
def test_some_items_in_a_row_of_a_large_list_must_not_be_too_large(list_form: str) -> None:
    schema, mapper = mapper_of({"type": "array", "items": {"type": "array", "items": "int"}}, {"x-list": list_form})
    value = sized(b"u") + block([block([b"\2"] * (MAX_VALUES // 100))] * 100)
    with pytest.raises(MappingError, match="event_too_large"):
        mapper.body(decode(schema, value, 0), RECORD, "id", True)


def test_values_count_before_x_on_invalid_leaves_them_out() -> None:
    schema, mapper = mapper_of({"type": "array", "items": "long"}, {"x-on-invalid": "omit"})
    value = sized(b"u") + block([zigzag(2**60)] * (MAX_VALUES + 1))
    with pytest.raises(MappingError, match="event_too_large"):
        mapper.body(decode(schema, value, 0), RECORD, "id", True)


def test_a_big_integer_in_a_large_record_is_refused_or_treated_as_in_any_other() -> None:
    avro, value = {"type": "array", "items": "long"}, sized(b"u") + block([zigzag(2**60), zigzag(1)])
    schema, mapper = mapper_of(avro, {})
    with pytest.raises(MappingError, match="integer_too_large: /properties/a"):
        mapper.body(decode(schema, value, 0), RECORD, "id", True)
    schema, mapper = mapper_of(avro, {"x-on-invalid": "omit"})
    assert loads(mapper.body(decode(schema, value, 0), RECORD, "id", True))["properties"] == {"a": [1]}
