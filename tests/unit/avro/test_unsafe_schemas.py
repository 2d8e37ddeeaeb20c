"""Schemas that are not safe to decode with are refused when they are loaded, with the path and the reason."""

from typing import Any

import pytest

from consumer.avro.decoder import decode, load_schema
from consumer.avro.logical_types import MAX_DIGITS
from consumer.avro.schema_tree import MAX_DEPTH
from consumer.errors import UnsafeSchema
from tests.avro_values import record


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def refusal(schema: Any, *references: Any) -> str:
    with pytest.raises(UnsafeSchema) as caught:
        load_schema("schema id 7", schema, references)
    (line,) = caught.value.lines
    assert line.startswith("schema id 7: ")
    return line


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        (record("Node", self="Node"), "Node"),
        (record("a.A", b=record("B", c=record("C", back="A"))), "a.A"),
        (array(record("Node", next=["null", "int"], self="Node")), "Node"),
    ],
)
def test_records_whose_values_cannot_end(schema: Any, name: str) -> None:
    assert f": {name}: has no value that ends; let the field that leads back" in refusal(schema)


def test_a_type_used_twice_is_not_recursion() -> None:
    root = load_schema("test", record("A", x=record("B", n="int"), y="B", z=["null", array("B")])).root
    assert root.fields["x"] == root.fields["y"]


@pytest.mark.parametrize(
    "items",
    [
        "null",
        {"type": "null"},
        record("Empty"),
        record("Outer", inner=record("Inner", first="null"), second="null"),
    ],
)
def test_arrays_of_items_without_bytes(items: Any) -> None:
    assert "R.list: an array of items that take no bytes" in refusal(record("R", list=array(items)))
    assert "the value[]: an array" in refusal(array(array(items)))


def test_arrays_of_named_items_without_bytes() -> None:
    assert "no bytes" in refusal(record("R", first=record("Empty"), list=array("Empty")))


@pytest.mark.parametrize("items", [["null"], ["null", "int"], record("R", a="null", b="boolean"), array("int")])
def test_arrays_of_items_with_at_least_a_byte_are_accepted(items: Any) -> None:
    assert load_schema("test", array(items)).root.kind == "array"


def test_depth_beyond_the_limit() -> None:
    deep: Any = "int"
    for _ in range(MAX_DEPTH - 1):
        deep = array(deep)
    assert load_schema("test", deep).root.kind == "array"
    assert "deep" in refusal(array(array(deep)))


def test_depth_that_could_overflow_the_parser() -> None:
    deep: Any = "int"
    for _ in range(1_000):
        deep = array(deep)
    assert "too deep" in refusal(deep)
    assert "too deep" in refusal("int", deep)


def test_depth_by_named_types() -> None:
    chain = [record("N0", x="int"), *(record(f"N{i}", x=f"N{i - 1}") for i in range(1, 3_000))]
    assert "deep" in refusal(record("Root", x="N2999"), *chain)
    assert "deep" in refusal([*chain])


def test_a_tree_that_grows_exponentially() -> None:
    levels = [record("L0", x="int"), *(record(f"L{i}", a=f"L{i - 1}", b=f"L{i - 1}") for i in range(1, 40))]
    assert "more than 10000 types" in refusal("L39", *levels)


def test_a_tree_without_bytes_that_grows_exponentially() -> None:
    levels = [record("L0"), *(record(f"L{i}", a=f"L{i - 1}", b=f"L{i - 1}") for i in range(1, 40))]
    assert "more than 10000 types" in refusal(array("L39"), *levels)


@pytest.mark.parametrize("size", [0, -1, "16", 2.5, True, None])
def test_a_fixed_whose_size_is_not_positive(size: object) -> None:
    avro = record("R", list=array({"type": "fixed", "name": "F", "size": size}))
    assert ": R.list[]: a fixed whose size is not a positive integer" in refusal(avro)


def test_decimals_with_too_many_digits() -> None:
    def avro(digits: int) -> Any:
        return record("R", d={"type": "bytes", "logicalType": "decimal", "precision": digits, "scale": digits})

    assert load_schema("test", avro(MAX_DIGITS)).root.fields["d"].logical == "decimal"
    assert ": R.d: a decimal of more than 1000 digits" in refusal(avro(MAX_DIGITS + 1))


@pytest.mark.parametrize("name", ["x", 7])
def test_a_field_without_a_unique_text_as_its_name(name: object) -> None:
    fields = [{"name": "x", "type": "int"}, {"name": name, "type": "string"}]
    assert f": R.{name}: a field whose name" in refusal({"type": "record", "name": "R", "fields": fields})


@pytest.mark.parametrize("avro", [record("int", x="string"), {"type": "enum", "name": ".string", "symbols": ["A"]}])
def test_a_type_with_the_name_of_a_primitive_type(avro: Any) -> None:
    """Its second use would be read as the primitive type. Java refuses it as well."""
    assert "; give it a namespace" in refusal(record("R", x=avro))
    assert load_schema("test", record("a.R", x={**avro, "name": avro["name"].strip(".")})).root.name == "a.R"


def test_a_name_with_two_meanings() -> None:
    first, second = record("a.I", x="int"), record("a.I", x="int", y="int")
    assert "the type a.I has two different definitions" in refusal([first, second])
    assert "the type a.I has two different definitions" in refusal(
        record("T", left="a.L", right="a.I"), first, record("a.L", i="I"), second
    )


def test_marks_of_the_library_in_a_schema_are_ignored() -> None:
    forged = {"R": record("R", x={"type": "array", "items": "null"})}
    schema = load_schema("test", {**record("R", x="int"), "__fastavro_parsed": True, "__named_schemas": forged})
    assert decode(schema, b"\x0e", 0) == {"x": 7}
    assert "not an Avro schema" in refusal({"type": "R", "__fastavro_parsed": True, "__named_schemas": forged})


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("a.Nowhere", "the type a.Nowhere is not defined"),
        (record("R", x="a.Nowhere"), "the type a.Nowhere is not defined"),
        ({"type": "union"}, "the type union is not defined"),
        ({"type": "array"}, "a type without 'items'"),
        ({"type": "map"}, "a type without 'values'"),
        ({"type": "enum", "name": "E"}, "a type without 'symbols'"),
        ({}, "a type without 'type'"),
        ({"type": "enum", "name": "E", "symbols": "A"}, "a part of it does not have the form"),
        ({"type": "enum", "name": "E", "symbols": [5]}, "a part of it does not have the form"),
        ({"type": "fixed", "name": "F"}, "a type without 'size'"),
        ({"type": "enum", "symbols": ["A"]}, "a type without 'name'"),
        ({"type": "enum", "name": ".", "symbols": ["A"]}, "a part of it does not have the form"),
        ({"type": "record", "name": "R", "fields": [5]}, "a part of it does not have the form"),
        ({"type": "record", "name": "R", "fields": [{"name": "x"}]}, "a type without 'type'"),
        (7, "a part of it does not have the form"),
        (None, "a part of it does not have the form"),
        (True, "a part of it does not have the form"),
        ([], "a part of it does not have the form"),
        ({"type": ["int"]}, "a part of it does not have the form"),
        ({"type": "record", "name": "R", "fields": 5}, "a part of it does not have the form"),
    ],
)
def test_what_is_not_an_avro_schema_is_described_in_words(schema: Any, text: str) -> None:
    assert f": not an Avro schema: {text}" in refusal(schema)
    assert "Error" not in refusal(schema)


def test_a_union_of_thousands_of_branches_is_accepted() -> None:
    branches = [record(f"R{i}", x="int") for i in range(3_000)]
    assert len(load_schema("test", branches).root.branches) == 3_000


@pytest.mark.parametrize(
    "schema",
    [None, 3, "nope", {}, {"type": "nope"}, record("R", x="Unknown"), {"type": "record", "name": "R", "fields": [1]},
     record("R", x={"type": "fixed", "name": "F"}), record("R", x={"type": {"type": "string"}})],
)  # fmt: skip
def test_values_that_are_not_avro_schemas(schema: Any) -> None:
    assert refusal(schema)
