"""docs/avro.md: each row of its table is run, and each of its limits is met."""

import json
import re
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest

from consumer.avro.decoder import decode, load
from consumer.avro.framing import framing
from consumer.contract.forms import json_form
from consumer.errors import UnprocessableRecord, UnsafeSchema
from consumer.jsonio import dumps
from consumer.observability.prometheus import metrics_table

PAGE = (Path(__file__).parents[3] / "docs" / "avro.md").read_text()
ROWS = re.findall(r"^\| `(\S.*?)` \| `(.+?)` \| `(.+?)` \|$", PAGE, re.MULTILINE)


def stored(text: str) -> Any:
    return bytes.fromhex(text[2:]) if text.startswith("0x") else json.loads(text)


@pytest.mark.parametrize(("avro", "value", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_of_the_table_is_true(avro: str, value: str, expected: str) -> None:
    # Written without the logical type, so that nothing but the stored value is.
    plain = re.sub(r', "logicalType": "[a-z-]+"|, "precision": \d, "scale": \d', "", avro)
    stream = BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(plain)), stored(value))
    decoded = decode(load("test", json.loads(avro)), stream.getvalue(), 0)
    assert dumps(json_form(decoded, "/x")).decode() == dumps(json.loads(expected)).decode()


def test_the_table_knows_every_type() -> None:
    assert len(ROWS) == 34
    kinds = {json.loads(avro)["type"] if avro.startswith("{") else avro.strip('"') for avro, _, _ in ROWS}
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
    with pytest.raises(UnprocessableRecord) as caught:
        json_form(value, "/properties/x")
    assert (caught.value.reason, caught.value.detail) == (reason, "/properties/x")
    assert f"`{reason}`" in PAGE


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"name": "next", "type": ["null", "R"]}, "R.next"),
        ({"name": "many", "type": {"type": "array", "items": "null"}}, "R.many"),
        ({"name": "d", "type": {"type": "fixed", "name": "F", "size": 0}}, "R.d"),
        ({"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 1001}}, "R.d"),
        ({"name": "unlike", "type": "int"}, "R.unlike"),
    ],
)
def test_a_refused_schema_says_where(schema: Any, path: str) -> None:
    with pytest.raises(UnsafeSchema, match=f"^test: {path}: "):
        load("test", {"type": "record", "name": "R", "fields": [{"name": "unlike", "type": "string"}, schema]})


def test_the_page_names_the_framings_and_the_metric() -> None:
    named = set(re.findall(r"^\| `([a-z-]+)` \| [^|]*body|^\| `(auto)`", PAGE, re.MULTILINE))
    assert {one or other for one, other in named} == {"confluent", "confluent-header", "single-object", "auto", "raw"}
    assert all(framing(one or other, (), Counter()) for one, other in named)
    assert "sprig_to_segment_framings_seen_total" in metrics_table()
