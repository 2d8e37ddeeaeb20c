"""Records that could take much memory: what no event has room for is refused before anything is made of it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consumer.avro.decode_limits import MAX_DECODED_BYTES
from consumer.avro.decoder import decode, load_schema
from consumer.avro.schema import LARGE_PART
from consumer.contract.compiler import ContractMapper, compile_contract
from consumer.contract.parser import parse_contract
from consumer.contract.size_check import MAX_VALUES, check_size
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
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        added = int(answer.read())
    os.waitpid(child, 0)
    return added


def _status(name: str) -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


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


def test_json_in_a_text_of_a_large_record_is_refused_as_well() -> None:
    schema, mapper = mapper_of("string", {"x-convert": "json", "maxItems": 1})
    value = sized(b"u") + sized(b"[" + b"[]," * 100_000 + b"[]]")

    def work() -> None:
        with pytest.raises(MappingError, match="event_too_large: /properties/a: more than 16000 values inside"):
            mapper.body(decode(schema, value, 0), RECORD, "id", True)

    assert added_memory(work) <= MAX_DECODED_BYTES // 2


def test_a_big_integer_in_a_large_record_is_refused_or_treated_as_in_any_other() -> None:
    avro, value = {"type": "array", "items": "long"}, sized(b"u") + block([zigzag(2**60), zigzag(1)])
    schema, mapper = mapper_of(avro, {})
    with pytest.raises(MappingError, match="integer_too_large: /properties/a"):
        mapper.body(decode(schema, value, 0), RECORD, "id", True)
    schema, mapper = mapper_of(avro, {"x-on-invalid": "omit"})
    assert loads(mapper.body(decode(schema, value, 0), RECORD, "id", True))["properties"] == {"a": [1]}
