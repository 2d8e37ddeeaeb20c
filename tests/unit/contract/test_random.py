"""Random records of random schemas: the event has what was written, or a reason says why the record is rejected."""

import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer import paths
from consumer.avro.decoder import decode, encode, load_schema
from consumer.contract.compiler import Contracts
from consumer.contract.conversions import MAX_INTEGER
from consumer.contract.json_text import count_nothing
from consumer.contract.rules import Field
from consumer.contract.value_forms import field_forms
from consumer.errors import RecordRejected
from consumer.jsonio import dumps
from consumer.model import Record

CONTRACTS = Contracts(paths.schemas(), "1.2.3")
NAMES = st.sampled_from(["a", "b", "c"])
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(),
    "string": st.text(max_size=5),
}
Typed = tuple[Any, st.SearchStrategy[Any]]


def array(item: Typed) -> Typed:
    # Alone in a union, so that an item has a byte and is one of two types.
    return {"type": "array", "items": ["null", item[0]]} if item[0] != "null" else item[0], (
        st.lists(item[1], max_size=3) if item[0] != "null" else item[1]
    )


def mapped(value: Typed) -> Typed:
    return {"type": "map", "values": value[0]}, st.dictionaries(st.text(max_size=3), value[1], max_size=3)


def record(fields: dict[str, Typed]) -> Typed:
    schema = {
        "type": "record",
        "name": f"R{id(fields)}",
        "fields": [{"name": name, "type": avro} for name, (avro, _) in fields.items()],
    }
    return schema, st.fixed_dictionaries({name: values for name, (_, values) in fields.items()})


SCALAR = st.sampled_from(sorted(SCALARS)).map(lambda name: (name, SCALARS[name]))
TYPES = st.recursive(
    SCALAR,
    lambda inner: (
        inner.map(array) | inner.map(mapped) | st.dictionaries(NAMES, inner, min_size=1, max_size=2).map(record)
    ),
    max_leaves=4,
)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict | list):
        return [number for inner in (value.values() if isinstance(value, dict) else value) for number in numbers(inner)]
    return [value] if type(value) in (int, float) else []


def has_no_json(number: float) -> bool:
    return abs(number) > MAX_INTEGER if isinstance(number, int) else not math.isfinite(number)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_response_of_any_type_arrives_as_it_was_written(data: st.DataObject) -> None:
    avro, values = data.draw(TYPES)
    response = data.draw(values)
    fields = [{"name": "userId", "type": "string"}, {"name": "response", "type": avro}]
    schema = load_schema("random", {"type": "record", "name": "Root", "fields": fields})
    decoded = decode(schema, encode(schema, {"userId": "u", "response": response}), 0)
    unsendable = any(map(has_no_json, numbers(response)))
    if not field_forms(Field("", ()), schema.root, count_nothing):
        assert not unsendable
    try:
        body = dumps(CONTRACTS.mapper(schema).event(decoded, Record(0, 1, 2, None, b"", ()), "id"))
        outcome = json.loads(body)["properties"]["response"]
    except RecordRejected as error:
        outcome = error.detail
    assert outcome == ("/properties/response" if unsendable else response)
