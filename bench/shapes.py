"""The shapes of records that are measured, and where a member finds the schema of each."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench import mixed_shape, nested_shape, shape, wide_shape


class Shape(NamedTuple):
    """
    `values(count)` are the Avro bytes of records that were written with the schema.

    A backlog has a `fraction`th of the records that one of the reference shape has, so that it has about as many bytes.
    `events_in_request`: so many fit into a request under Segment's limit of its size, 500 at most.
    """

    schema_json: Callable[[], dict[str, Any]]
    values: Callable[[int], Iterator[bytes]]
    fraction: int = 1
    events_in_request: int = 500

    def backlog(self, reference_records: int) -> int:
        """The records of a backlog where one of the reference shape has so many."""
        return reference_records // self.fraction


SHAPES: Mapping[str, Shape] = {
    "reference": Shape(shape.schema_json, shape.values),
    "mixed": Shape(mixed_shape.schema_json, mixed_shape.values),
    "wide": Shape(wide_shape.schema_json, wide_shape.values, fraction=4),
    "nested": Shape(nested_shape.schema_json, nested_shape.values, fraction=50, events_in_request=18),
}
"""By name."""


@contextmanager
def schemas_folder(name: str) -> Iterator[Path]:
    """A copy of the packaged folder of contracts and schemas, with the schema of a shape."""
    packaged = shape.SCHEMA_FILE.parents[1]
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(packaged, Path(folder) / "schemas")
        (copy / shape.SCHEMA_FILE.relative_to(packaged)).write_text(json.dumps(SHAPES[name].schema_json()))
        yield copy
