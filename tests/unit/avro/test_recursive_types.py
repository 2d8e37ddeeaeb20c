"""Types that contain themselves: values within a depth are read, and a deeper value rejects its record alone."""

from typing import Any

import pytest

from consumer.avro.decoder import decode, load_schema
from consumer.avro.json_to_avro import encode_json
from consumer.avro.recursion import endless_names, recursive_names
from consumer.avro.schema import NO_VALUE
from consumer.avro.schema_parser import parse
from consumer.avro.schema_tree import RECURSION_LEVELS, build_tree
from consumer.errors import DecodingError
from consumer.reasons import Reason
from tests.avro_values import block, record, zigzag

LIST = record("a.Node", n="int", next=["null", "Node"])
TREE = record("Comment", n="int", replies={"type": "array", "items": "Comment"})
RING = record("A", n="int", b=["null", record("B", a=["null", "A"], c={"type": "map", "values": "A"})])
ANY_JSON = record(
    "Json", value=["null", "double", "string", {"type": "array", "items": "Json"}, {"type": "map", "values": "Json"}]
)


def nested_list(depth: int) -> bytes:
    return b"".join(zigzag(level) + b"\x02" for level in range(depth - 1)) + zigzag(depth - 1) + b"\x00"


def nested_tree(depth: int) -> bytes:
    return zigzag(depth) + block([nested_tree(depth - 1)] if depth > 1 else [])


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return max(map(depth_of, value), default=0)
    return 0


@pytest.mark.parametrize(("schema", "nested"), [(LIST, nested_list), (TREE, nested_tree)])
def test_a_value_is_read_to_the_documented_depth_and_rejected_beyond(schema: Any, nested: Any) -> None:
    loaded = load_schema("test", schema)
    for depth in (1, 2, 5, RECURSION_LEVELS[0]):
        assert depth_of(decode(loaded, nested(depth), 0)) == depth
    for depth in (RECURSION_LEVELS[0] + 1, 300):
        with pytest.raises(DecodingError) as caught:
            decode(loaded, nested(depth), 0)
        assert caught.value.reason == Reason.NESTED_TOO_DEEP
        assert caught.value.detail == "records of a recursive type inside each other, 20 at most"


def test_a_value_that_would_overflow_the_stack_is_rejected() -> None:
    with pytest.raises(DecodingError, match=r"nested_too_deep"):
        decode(load_schema("test", LIST), zigzag(1) + b"\x02" + b"\x02\x02" * 15_000, 0)


def test_a_damaged_value_of_a_recursive_type_is_undecodable() -> None:
    loaded = load_schema("test", LIST)
    for damaged in (zigzag(1), zigzag(1) + b"\x04", zigzag(1) + b"\x01", zigzag(1) + b"\x02"):
        with pytest.raises(DecodingError, match=r"undecodable"):
            decode(loaded, damaged, 0)


def test_types_that_contain_each_other() -> None:
    loaded = load_schema("test", RING)
    value = zigzag(1) + b"\x02" + b"\x02" + zigzag(2) + b"\x00" + block([])
    assert decode(loaded, value, 0) == {"n": 1, "b": {"a": {"n": 2, "b": None}, "c": {}}}


def test_a_path_leads_into_a_recursive_type_as_deep_as_its_values() -> None:
    avro, depth = load_schema("test", LIST).root, 0
    while avro != NO_VALUE:
        depth, (null, avro) = depth + 1, avro.fields["next"].branches
        assert null.kind == "null"
    assert depth == RECURSION_LEVELS[0]


def test_a_type_with_many_choices_has_fewer_levels() -> None:
    """The tree of such a type grows exponentially, and has at most 10,000 types."""
    choices = [record(f"Choice{i}", left="Json", right="Json") for i in range(20)]
    parsed, names = parse(record("Json", value=["null", "string", *choices]))
    assert 1 <= build_tree("test", parsed, names).levels < RECURSION_LEVELS[0]
    parsed, names = parse(ANY_JSON)
    assert build_tree("test", parsed, names).levels >= 5


def test_a_union_of_recursive_types_has_a_schema_for_each_branch() -> None:
    null, leaf, node = load_schema("test", ["null", record("Leaf", x="int"), LIST]).branches
    assert (null.root.kind, leaf.root.name, node.root.name) == ("null", "Leaf", "a.Node")
    assert depth_of(decode(node, nested_list(3), 0)) == 3


def test_only_types_in_rings_are_recursive() -> None:
    _, names = parse(record("R", a=record("Before", ring=RING, after=record("After", x="int"))))
    assert recursive_names(names) == {"A", "B"}
    assert endless_names(names) == frozenset()
    assert endless_names(parse(record("A", b=record("B", a="A")))[1]) == {"A", "B"}


def test_a_record_of_a_case_can_have_a_recursive_type() -> None:
    value = {"n": 1, "replies": [{"n": 2, "replies": []}, {"n": 3, "replies": [{"n": 4, "replies": []}]}]}
    assert encode_json(load_schema("test", TREE), value)[1] == value
