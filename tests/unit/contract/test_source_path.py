"""Paths into a record: names with dots, dollars and brackets are in backticks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.contract.field_path import field_paths, resolve_path
from consumer.contract.parser import parse_contract
from consumer.contract.source_path import parent_and_name, path_steps, source_path
from consumer.errors import ContractError
from tests.unit.contract.compiled import FRAME, INT, LONG, TEXT, mapped, record


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("a.b-c.d", ("a", "b-c", "d")),
        ("`a.b`.c", ("a.b", "c")),
        ("x.`$ref`", ("x", "$ref")),
        ("`a``b`", ("a`b",)),
        ("a$b", ("a$b",)),
        *((path, ()) for path in ("", ".", "a.", ".a", "a..b", "`a", "a`b", "``", "`a`b", "a.`b`c")),
    ],
)
def test_steps(path: str, steps: tuple[str, ...]) -> None:
    assert path_steps(path) == steps


@given(st.lists(st.text(st.sampled_from("a.`$[0]* -é"), min_size=1), min_size=1, max_size=4))
def test_any_names_have_a_path(steps: list[str]) -> None:
    path = source_path(steps)
    assert path_steps(path) == tuple(steps)
    assert parent_and_name(path) == (source_path(steps[:-1]), steps[-1])


def test_names_of_any_kind_are_sources() -> None:
    writer = {"a.b": record(**{"$c": TEXT}), "$kafka": record(timestamp=LONG), "x[0]": INT, "my-field": INT}
    values = {"a.b": {"$c": "text"}, "$kafka": {"timestamp": 1}, "x[0]": 2, "my-field": 3}
    properties = {
        "dots": {"x-source": "`a.b`.$c"},
        "dollar": {"x-source": "`$kafka`.timestamp"},
        "index": {"x-source": "`x[0]`"},
        "hyphen": {"x-source": "my-field"},
        "x[0]": {},  # a property's own name is a name and not a path
    }
    assert mapped(properties, writer, values) == {"dots": "text", "dollar": 1, "index": 2, "hyphen": 3, "x[0]": 2}
    root = record(**writer)
    assert all(resolve_path(root, path) for path in field_paths(root))


def mistake(**annotations: Any) -> str:
    schema = {"x-record": "*", "required": [*FRAME], "properties": FRAME, **annotations}
    with pytest.raises(ContractError) as caught:
        parse_contract("a.json", schema)
    return str(caught.value)


@pytest.mark.parametrize("path", ["a.", "`a", "`a`b"])
def test_what_is_no_path_is_a_mistake_that_names_the_escape(path: str) -> None:
    assert "a name with a dot is in backticks: `a.b`.c" in mistake(**{"x-environment": path})


def test_a_field_that_begins_with_a_dollar_is_told_its_escape() -> None:
    assert "a field of this name is `$ref`, in backticks" in mistake(**{"x-environment": "$ref"})


@pytest.mark.parametrize("name", ["com.my-company.surveys.Answer", "com.acme.Outer$Inner", "*.Outer$*"])
def test_the_names_of_records_can_have_hyphens_and_dollars(name: str) -> None:
    schema = {"x-record": name, "required": [*FRAME], "properties": FRAME}
    assert parse_contract("a.json", schema).record == name


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a.B, a.C"])
def test_a_list_of_records_is_no_name(name: str) -> None:
    assert "the full name of an Avro record" in mistake(**{"x-record": name})
