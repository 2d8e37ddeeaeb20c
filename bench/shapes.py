"""The shapes of records that are measured, and where a member finds the schema of each."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import mixed_shape, shape

SHAPES: Mapping[str, Any] = {"reference": shape, "mixed": mixed_shape}
"""By name. Each has `schema_json()`, and `values(count)` with the Avro bytes of records."""


@contextmanager
def schemas_folder(name: str) -> Iterator[Path]:
    """A copy of the packaged folder of contracts and schemas, with the schema of a shape."""
    packaged = shape.SCHEMA_FILE.parents[1]
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(packaged, Path(folder) / "schemas")
        (copy / shape.SCHEMA_FILE.relative_to(packaged)).write_text(json.dumps(SHAPES[name].schema_json()))
        yield copy
