"""Names, orders and liberties of schemas as real producers and registries write them."""

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.avro.decoder import decode, fingerprint, load_schema
from consumer.avro.schema_parser import parse
from consumer.errors import UnsafeSchema
from tests.avro_values import SCHEMAS, record, sized, values, zigzag
from tests.unit.avro.test_fingerprint import crc

ANSWER = {"type": "record", "name": "Answer", "namespace": "", "fields": [{"name": "text", "type": "string"}]}


def response(**fields: Any) -> dict[str, Any]:
    return {**record("Resp", **fields), "namespace": "com.acme"}


def with_notes(avro: dict[str, Any]) -> dict[str, Any]:
    fields = [
        {**field, "doc": "A number.", "default": 7, "order": "ignore", "aliases": ["m"]} for field in avro["fields"]
    ]
    return {**avro, "fields": fields, "aliases": ["B"]}


def test_a_type_without_a_namespace_is_found_inside_a_type_with_one() -> None:
    """Java prints the second use without its empty namespace, and reads what it printed."""
    schema = load_schema("test", response(userId="string", first=ANSWER, second=["null", "Answer"]))
    assert schema.root.fields["second"].branches[1].name == "Answer"
    assert decode(schema, sized(b"u") + sized(b"yes") + b"\x00", 0) == {
        "userId": "u",
        "first": {"text": "yes"},
        "second": None,
    }
    assert decode(schema, sized(b"u") + sized(b"yes") + b"\x02" + sized(b"no"), 0)["second"] == {"text": "no"}


def test_a_type_of_the_same_namespace_has_precedence_over_one_without_a_namespace() -> None:
    own = {"type": "record", "name": "Answer", "fields": [{"name": "score", "type": "int"}]}
    schema = load_schema("test", response(first=ANSWER, own=own, again="Answer"))
    assert schema.root.fields["again"].name == "com.acme.Answer"


def test_a_namespace_that_is_empty_holds_for_the_types_inside() -> None:
    outer = {
        "type": "record",
        "name": "Outer",
        "namespace": "",
        "fields": [{"name": "in", "type": record("In", x="int")}],
    }
    schema = load_schema("test", response(outer=outer, again="In"))
    assert schema.root.fields["again"].name == "In"


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        (record("R", x=record("A", n="int"), y={"type": "A"}), "y"),
        (record("R", y="A", x=record("A", n="int")), "y"),  # used before its definition
        ([record("R", y="A"), record("A", n="int")], "y"),
        (record("R", x=record("A", n="int"), y=record("A", n="int")), "y"),  # the same definition twice
        (record("a.R", x=record("A", n="int"), y={**record("A", n="int"), "namespace": "a", "doc": "."}), "y"),
        (record("R", x=record("A", n="int"), y=with_notes(record("A", n="int"))), "y"),
    ],
)
def test_a_named_type_can_be_used_in_every_way(schema: Any, field: str) -> None:
    loaded = load_schema("test", schema)
    root = loaded.branches[0].root if loaded.branches else loaded.root
    (avro,) = root.fields[field].alternatives
    assert (avro.name.rpartition(".")[2], avro.fields["n"].kind) == ("A", "int")


@pytest.mark.parametrize("name", ["record", "error", "enum", "fixed", "array", "map", "union", "error_union", "x.map"])
@pytest.mark.parametrize(
    ("definition", "encoded", "value"),
    [
        (record("N", t="int"), b"\2", {"t": 1}),
        ({"type": "enum", "symbols": ["A", "B"]}, b"\2", "B"),
        ({"type": "fixed", "size": 1}, b"\2", b"\2"),
    ],
)
def test_a_type_can_have_the_name_of_a_kind_of_types(name: str, definition: Any, encoded: bytes, value: Any) -> None:
    named = {**definition, "name": name}
    schema = load_schema("test", record("R", a=named, b=["null", name], c={"type": "array", "items": name}))
    decoded = decode(schema, encoded + b"\2" + encoded + b"\2" + encoded + b"\0", 0)
    assert decoded == {"a": value, "b": value, "c": [value]}


def test_a_recursive_type_can_have_the_name_of_a_kind_of_types() -> None:
    schema = load_schema("test", record("record", next=["null", "record"]))
    assert decode(schema, b"\2\2\0", 0) == {"next": {"next": {"next": None}}}


CITY = record("City", n="string")
CITIES = {"type": "map", "values": CITY}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (record("a.A", c=CITY), record("a.A", c="City")),
        (record("a.A", c="a.City"), record("a.A", c={**CITY, "namespace": "a", "doc": "."})),
        (record("a.A", c=["null", CITY]), record("a.A", c=["null", "a.City"])),
        (record("a.A", c={"type": "array", "items": CITY}), record("a.A", c={"type": "array", "items": "City"})),
        (
            record("a.A", c={"type": "map", "values": {"type": "City"}}),
            record("a.A", c={"type": "map", "values": CITY}),
        ),
        (record("a.A", c={"type": "string"}, d=CITY), record("a.A", c="string", d="City")),
    ],
)
def test_a_type_can_be_defined_twice_if_both_texts_mean_the_same(first: Any, second: Any) -> None:
    """As Java 1.12 does, which compares the types and not their texts."""
    city = {**CITY, "namespace": "a"}
    for left, right in ((first, second), (second, first)):
        schema = load_schema("test", record("b.R", city=city, x=left, y=right))
        assert schema.root.fields["x"] == schema.root.fields["y"]


@pytest.mark.parametrize(
    "second",
    [
        record("a.A", c="string"),
        record("a.A", c=["null", "a.City"]),
        record("a.A", c="b.City"),
        record("a.A", d="City"),
    ],
)
def test_a_type_whose_definitions_differ_is_refused(second: Any) -> None:
    cities = [{**CITY, "namespace": namespace} for namespace in ("a", "b")]
    with pytest.raises(UnsafeSchema, match=r"the type a\.A has two different definitions; keep one of them"):
        load_schema("test", record("b.R", p=cities[0], q=cities[1], x=record("a.A", c="City"), y=second))


@pytest.mark.parametrize("default", [None, "UNKNOWN", 7])
def test_the_default_of_an_enum_is_not_read(default: object) -> None:
    schema = load_schema("test", {"type": "enum", "name": "E", "symbols": ["A"], "default": default})
    assert decode(schema, b"\x00", 0) == "A"


@pytest.mark.parametrize("text", ["in-progress", "1st", "a b", "é", ""])
def test_symbols_and_names_can_have_any_characters(text: str) -> None:
    enum = {"type": "enum", "name": "com.my-company.surveys.Kind", "symbols": ["A", text]}
    schema = load_schema("test", {**record("Outer$Inner", kind=enum), "namespace": "com.my-company.surveys.Outer$"})
    assert schema.root.name == "com.my-company.surveys.Outer$.Outer$Inner"
    assert decode(schema, b"\x02", 0) == {"kind": text}


@pytest.mark.parametrize(
    ("schema", "way_out"),
    [
        (
            record("R", x="a.Nowhere"),
            "put the file that defines the type into the folder of this schema, or register it",
        ),
        ({"type": {"type": "string"}}, "write the inner type in its place"),
        ([record("A", x="int"), record("A", x="long")], "keep one of them"),
        (record("R", x="array"), 'write {"type": {"type": "array", ...}}'),
        (record("R", x=["null", "record"]), 'write {"type": {"type": "record", ...}}'),
        ({"protocol": "P", "types": [record("R", x="int")]}, "write each of its types into a file of its own"),
        (record("R", x="R"), "let the field that leads back to its type be a union with null"),
    ],
)
def test_a_refusal_says_the_way_out(schema: Any, way_out: str) -> None:
    with pytest.raises(UnsafeSchema, match=re.escape(way_out)):
        load_schema("test", schema)


def test_a_type_that_is_used_before_its_definition_has_the_fingerprint_of_the_other_order() -> None:
    before = load_schema("test", record("R", x="A", y=record("A", n="int")))
    assert fingerprint(before) == crc(
        '{"name":"R","type":"record","fields":[{"name":"x","type":{"name":"A","type":"record","fields":'
        '[{"name":"n","type":"int"}]}},{"name":"y","type":"A"}]}'
    )


def test_a_chain_of_types_that_is_used_backwards_does_not_overflow_the_stack() -> None:
    chain = [record(f"N{i}", x=f"N{i + 1}") for i in range(3_000)]
    with pytest.raises(UnsafeSchema, match=r"deep; flatten the schema|not defined"):
        load_schema("test", [*chain, record("N3000", x="int")])


CONNECT_ANYTHING = record(
    "io.confluent.connect.avro.Anything",
    int=["null", "int"],
    array=["null", {"type": "array", "items": "Anything"}],
    map=["null", {"type": "array", "items": record("MapEntry", key="Anything", value="Anything")}],
)
REAL_FORMS: dict[str, Any] = {
    "a list of types, the last of which uses the others": [
        {"type": "enum", "name": "a.State", "symbols": ["NEW"]},
        record("a.Order", state="State"),
        record("a.OrderValue", order="Order", value="double"),
    ],
    "an array with a name": record("R", x={"type": "array", "name": "one_of", "items": "int"}),
    "texts of Java": record("R", x={"type": "map", "values": {"type": "string", "avro.java.string": "String"}}),
    "an envelope of Debezium": record(
        "db.users.Envelope",
        before=["null", record("Value", id={"type": "int", "connect.default": 0})],
        after=["null", "Value"],
    ),
    "a value of any type, of Kafka Connect": CONNECT_ANYTHING,
    "inner classes of C#": record(
        "A.B+C", kind={"type": "enum", "name": "A.B+C+Kind", "symbols": ["X"]}, k="A.B+C+Kind"
    ),
    "a record of Spark": record("topLevelRecord", s=[{**record("s", x="long"), "namespace": "topLevelRecord"}, "null"]),
    "attributes that are null": {
        "type": "record",
        "name": "R",
        "namespace": None,
        "doc": None,
        "aliases": None,
        "fields": [],
    },
    "a union in a union": record("R", x=["null", ["int", "string"]]),
}


@pytest.mark.parametrize("schema", REAL_FORMS.values(), ids=REAL_FORMS)
def test_forms_of_real_schemas_are_read(schema: Any) -> None:
    assert load_schema("test", schema).max_value_bytes > 100_000


@given(SCHEMAS, st.data())
def test_what_a_schema_takes_from_references_decodes_like_what_it_defines(avro: Any, data: st.DataObject) -> None:
    inner = record("ref.Inner", value=avro)
    value = data.draw(values(avro))
    try:
        whole = load_schema("test", record("ref.Outer", first=inner, n="int"))
    except UnsafeSchema:
        return
    split = load_schema("test", record("ref.Outer", first="Inner", n="int"), [inner])
    assert split.root == whole.root
    encoded = value + zigzag(7)
    try:
        decoded = decode(whole, encoded, 0)
    except Exception as error:  # noqa: BLE001 - both have the same error
        with pytest.raises(type(error)):
            decode(split, encoded, 0)
        return
    assert repr(decode(split, encoded, 0)) == repr(decoded)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["int", "record", "array", "R", "enum", ".", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "name", "fields", "items", "values", "symbols", "size"]), inner)
    ),
)


@given(JSON)
def test_any_json_value_is_a_schema_or_refused(schema: Any) -> None:
    with contextlib.suppress(UnsafeSchema):
        load_schema("test", schema)


def test_parsed_names_are_full_names() -> None:
    parsed, names = parse(record("a.R", x=record("B", back=["null", "R"])))
    assert parsed["fields"][0]["type"]["fields"][0]["type"] == ["null", "a.R"]
    assert set(names) == {"a.R", "a.B"}
