"""A large shape: records of 20 kB, nearly all of them the nested answers of a maxdiff question."""

import io
from collections.abc import Iterator
from random import Random
from typing import Any

import fastavro

from bench import shape

_SETS, _OPTIONS = 40, 6


def schema_json() -> dict[str, Any]:
    """The packaged schema, whose `response` may be nested."""
    return shape.schema_json()


def values(count: int) -> Iterator[bytes]:
    """The Avro bytes of `count` responses, the same each time."""
    random, writer_schema = Random(1), shape.schema()
    for number in range(count):
        response = {**shape.response(number, random), "questionType": "maxdiff", "response": _answers(random)}
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, writer_schema, response)
        yield stream.getvalue()


def _answers(random: Random) -> list[Any]:
    return [[_answer(option, random) for option in range(_OPTIONS)] for _ in range(_SETS)]


def _answer(option: int, random: Random) -> dict[str, Any]:
    return {
        "label": " ".join(shape.words(random, 6)),
        "rank": option,
        "seconds": random.random(),
        "isBest": option == 0,
        "note": None,
    }
