"""The schema files of a folder, and which of them use types of others."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from consumer.avro.schema_names import defined_names, undefined_names
from consumer.avro.schema_text import loads_schema_file
from consumer.avro.schema_tree import MAX_JSON_DEPTH
from consumer.errors import UnsafeSchema
from consumer.jsonio import JsonError, is_nested_deeper


class SchemaFolder:
    """The `.avsc` files of one folder. Each is read once, and only when it is needed."""

    def __init__(self, folder: Path) -> None:
        self.files: Sequence[Path] = sorted(folder.glob("*.avsc"))
        self._schemas: dict[Path, object] = {}

    def schema(self, path: Path) -> object:
        """The JSON value of a file. Raises UnsafeSchema."""
        if path not in self._schemas:
            self._schemas[path] = _read(path)
        return self._schemas[path]

    def used_by(self, path: Path) -> list[object]:
        """
        The schemas of the other files with the types that a file uses and does not define, directly or indirectly.

        Raises UnsafeSchema for a file that cannot be read. A type that no file defines is not reported here.
        """
        used, waiting = [path], [path]
        while waiting:
            for definer in self._used_directly(waiting.pop()):
                if definer not in used:
                    used.append(definer)
                    waiting.append(definer)
        return [self.schema(definer) for definer in used[1:]]

    def not_used_by_others(self) -> Sequence[Path]:
        """The files of which no other file uses a type. Raises UnsafeSchema."""
        used = {definer for path in self.files for definer in self._used_directly(path)}
        return [path for path in self.files if path not in used]

    def _used_directly(self, path: Path) -> Iterator[Path]:
        for candidates in _undefined(path, self.schema(path)):
            for name in candidates:
                definers = [file for file in self.files if file != path and name in self._defined(file)]
                yield from definers
                if definers:
                    break

    def _defined(self, path: Path) -> set[str]:
        try:
            return {*defined_names(self.schema(path))}
        except UnsafeSchema as error:
            raise _named(path, error) from None


def _undefined(path: Path, schema: object) -> Sequence[Sequence[str]]:
    try:
        return [*undefined_names(schema)]
    except UnsafeSchema as error:
        raise _named(path, error) from None


def _named(path: Path, error: UnsafeSchema) -> UnsafeSchema:
    return (
        error if str(error).startswith(f"{path.name}: ") else UnsafeSchema(f"{path.name}: not an Avro schema: {error}")
    )


def _read(path: Path) -> object:
    try:
        schema = loads_schema_file(path.read_bytes())
    except (OSError, JsonError, UnicodeDecodeError) as error:
        raise UnsafeSchema(f"{path.name}: not a readable JSON file: {error}") from None
    if is_nested_deeper(schema, MAX_JSON_DEPTH):  # only looking for names in it could overflow the stack
        raise UnsafeSchema(f"{path.name}: nested too deep; flatten the schema")
    return schema
