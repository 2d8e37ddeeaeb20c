"""The shapes of the benchmark: what they measure, and that docs/performance.md says of them what is so."""

import re
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from bench import comparison, report
from bench.shapes import SHAPES
from consumer import paths
from consumer.avro.decoder import decode, load_schema
from consumer.contract.compiler import Contracts
from consumer.jsonio import dumps, loads
from consumer.segment_limits import MAX_REQUEST_BYTES
from tests.unit.contract.compiled import RECORD

PERFORMANCE = Path(__file__).parents[2] / "docs" / "performance.md"
NOT_MEASURED = "–"
MESSAGE_ID = "0123456789abcdef-3-12345-1772442000000"
SAMPLE = 30


def rows() -> dict[str, list[str]]:
    """The cells behind the name of each shape in the table."""
    section = PERFORMANCE.read_text().partition("\n## Shapes\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\|.*\|$", section, re.MULTILINE)
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table[2:]]
    return {name: rest for name, *rest in cells}


@cache
def events(shape: str) -> list[bytes]:
    schema = load_schema(shape, SHAPES[shape].schema_json())
    mapper = Contracts(paths.schemas(), "1.2.3").mapper(schema)
    return [mapper.body(decode(schema, value, 0), RECORD, MESSAGE_ID) for value in SHAPES[shape].values(SAMPLE)]


def test_the_documented_shapes_are_those_of_the_benchmark() -> None:
    assert [*rows()] == [*SHAPES]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_the_documented_size(shape: str) -> None:
    _, fields, avro, json, *_ = rows()[shape]
    assert int(fields) == len(SHAPES[shape].schema_json()["fields"])
    sizes = [len(value) for value in SHAPES[shape].values(SAMPLE)]
    assert mean(sizes) == pytest.approx(int(avro.replace(",", "")), rel=0.01)
    assert mean(map(len, events(shape))) == pytest.approx(int(json.replace(",", "")), rel=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_documented_ratio_is_that_of_the_last_release(shape: str) -> None:
    released = report.ratios(comparison.released())
    for part, cell in zip((report.AFTER_START, report.WHOLE), rows()[shape][-2:], strict=True):
        assert cell in (NOT_MEASURED, f"{released.get(f'{shape}, {part}', {}).get('median', 0):.2f}")


def test_twelve_of_a_hundred_fields_are_sent() -> None:
    assert all(len(loads(event)["properties"]) == 12 for event in events("wide"))


def test_nearly_all_of_a_large_record_is_a_nested_answer() -> None:
    for event in map(loads, events("nested")):
        response: Any = event["properties"]["response"]
        assert isinstance(response[0][0], dict)
        assert len(dumps(response)) > 0.95 * len(dumps(event))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_floor_sends_as_many_events_in_a_request_as_are_allowed(shape: str) -> None:
    size, most = mean(map(len, events(shape))), SHAPES[shape].events_in_request
    assert most * size <= MAX_REQUEST_BYTES
    assert most == 500 or (most + 1) * size > MAX_REQUEST_BYTES


@pytest.mark.parametrize("shape", SHAPES)
def test_a_backlog_has_about_as_many_bytes_in_each_shape(shape: str) -> None:
    of_reference, of_shape = (mean(map(len, SHAPES[name].values(SAMPLE))) for name in ("reference", shape))
    assert 10_000 * of_reference == pytest.approx(SHAPES[shape].backlog(10_000) * of_shape, rel=0.15)
