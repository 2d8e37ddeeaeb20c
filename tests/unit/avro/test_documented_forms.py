"""docs/avro.md: the service does what each row of the table and each limit says."""

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import fastavro
import pytest

from consumer.avro.decoder import load_schema
from consumer.contract.conversions import json_form
from consumer.errors import RecordRejected, UnsafeSchema
from consumer.jsonio import dumps
from consumer.observability.prometheus import metrics_table
from consumer.settings.field_types import FramingName
from tests.unit.contract.compiled import sent_form

PAGE = (Path(__file__).parents[3] / "docs" / "avro.md").read_text()
ROWS = re.findall(r"^\| `(\S.*?)` \| `(.+?)` \| `(.+?)` \|$", PAGE, re.MULTILINE)


def stored_value(text: str) -> Any:
    if text.startswith("0x"):
        return bytes.fromhex(text[2:])
    return json.loads(text)


def kind(avro: str) -> Any:
    if avro.startswith("{"):
        return json.loads(avro)["type"]
    return avro.strip('"')


@pytest.mark.parametrize(("avro", "value", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_of_the_table_is_true(avro: str, value: str, expected: str) -> None:
    # The value is encoded without the logical type, so that the library does not convert it.
    plain = re.sub(r', "(logicalType|connect.name)": "[\w.-]+"|, "precision": \d, "scale": \d', "", avro)
    stream = BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(plain)), stored_value(value))
    sent = sent_form(load_schema("test", json.loads(avro)), stream.getvalue())
    assert dumps(sent).decode() == dumps(json.loads(expected)).decode()


def test_the_table_has_every_type() -> None:
    assert len(ROWS) == 50
    kinds = {kind(avro) for avro, _, _ in ROWS}
    assert kinds >= {"null", "boolean", "int", "long", "float", "double", "string", "bytes", "fixed", "enum"}
    assert kinds >= {"array", "map", "record"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**53, "integer_too_large"),
        (-(2**53), "integer_too_large"),
        (float("nan"), "non_finite_number"),
        (float("-inf"), "non_finite_number"),
        ({"a": [{"b": 2**60}]}, "integer_too_large"),
    ],
)
def test_a_value_without_a_json_form_names_its_property(value: Any, reason: str) -> None:
    with pytest.raises(RecordRejected) as caught:
        json_form(value, "/properties/x")
    assert (caught.value.reason, caught.value.detail) == (reason, "/properties/x")
    assert f"`{reason}`" in PAGE


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"name": "many", "type": {"type": "array", "items": "null"}}, "R.many"),
        ({"name": "d", "type": {"type": "fixed", "name": "F", "size": 0}}, "R.d"),
        ({"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 1001}}, "R.d"),
        ({"name": "twice", "type": "int"}, "R.twice"),
    ],
)
def test_the_error_for_a_refused_schema_names_the_path(schema: Any, path: str) -> None:
    with pytest.raises(UnsafeSchema, match=f"^test: {path}: "):
        load_schema("test", {"type": "record", "name": "R", "fields": [{"name": "twice", "type": "string"}, schema]})


def test_the_page_names_the_framings_and_the_metric() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]*body|^\| `(auto)`", PAGE, re.MULTILINE)
    names = [name or auto for name, auto in rows]
    assert sorted(names) == sorted(get_args(FramingName))
    assert "sprig_to_segment_framings_seen_total" in metrics_table()
