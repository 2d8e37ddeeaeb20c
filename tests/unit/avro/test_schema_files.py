"""Schemas in files: exactly one for raw values, any number for single objects."""

from pathlib import Path

import pytest

from consumer.avro.schema_files import by_fingerprint, known_schemas, raw_schema
from consumer.avro.schema_keys import RAW
from consumer.errors import UnsafeSchema

FRAMINGS = ("raw", "single-object", "auto", "confluent", "confluent-header")


def write_schemas(folder: Path, **files: str) -> Path:
    (folder / "sprig").mkdir()
    for name, text in files.items():
        (folder / "sprig" / f"{name}.avsc").write_text(text)
    return folder


def test_the_only_file_is_the_schema_of_raw_values(tmp_path: Path) -> None:
    schema = raw_schema(write_schemas(tmp_path, answer='{"type": "record", "name": "A", "fields": []}'))
    assert (schema.label, schema.root.name) == ("answer.avsc", "A")


@pytest.mark.parametrize("files", [{}, {"a": '"int"', "b": '"int"'}])
def test_raw_values_need_exactly_one_file(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(UnsafeSchema, match=f"expected one .avsc file.*found {len(files)}"):
        raw_schema(write_schemas(tmp_path, **files))


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSchema, match=r"^answer.avsc: not a readable JSON file"):
        raw_schema(write_schemas(tmp_path, answer="{"))


def test_a_file_with_a_key_twice_is_refused_with_its_place(tmp_path: Path) -> None:
    folder = write_schemas(tmp_path, answer='{"type": "record", "name": "A", "fields": [],\n "name": "B"}')
    with pytest.raises(UnsafeSchema, match=r'^answer.avsc: .*key "name" twice in /, first in line 1: line 2 column 2'):
        raw_schema(folder)


def test_single_objects_can_have_the_schema_of_any_file(tmp_path: Path) -> None:
    schemas = by_fingerprint(write_schemas(tmp_path, first='"null"', second='"int"'))
    assert {key: schema.label for key, schema in schemas.items()} == {
        "8a8f25cce724dd63": "first.avsc",
        "8f5c393f1ad57572": "second.avsc",
    }


def test_two_files_with_the_same_fingerprint_are_refused(tmp_path: Path) -> None:
    folder = write_schemas(tmp_path, day='{"type": "int", "logicalType": "date"}', number='"int"')
    with pytest.raises(UnsafeSchema, match=r"^number.avsc: has the fingerprint of day.avsc"):
        by_fingerprint(folder)


def test_each_framing_loads_the_files_that_its_values_can_name(tmp_path: Path) -> None:
    folder = write_schemas(tmp_path, first='"null"')
    assert {name: list(known_schemas(name, folder)) for name in FRAMINGS} == {
        "raw": [RAW],
        "single-object": ["8a8f25cce724dd63"],
        "auto": ["8a8f25cce724dd63"],
        "confluent": [],
        "confluent-header": [],
    }


def test_a_folder_without_files_is_refused_for_single_objects_only(tmp_path: Path) -> None:
    assert known_schemas("auto", write_schemas(tmp_path)) == {}
    with pytest.raises(UnsafeSchema, match=r"sprig: expected .avsc files"):
        known_schemas("single-object", tmp_path)
