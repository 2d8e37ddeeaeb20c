"""Schemas in files: exactly one for raw values."""

from pathlib import Path

import pytest

from consumer.avro.framing import RAW
from consumer.avro.schema_files import by_fingerprint, known_schemas, raw_schema
from consumer.errors import UnsafeSchema

FRAMINGS = ("raw", "single-object", "auto", "confluent", "confluent-header")


def write(folder: Path, **files: str) -> Path:
    (folder / "sprig").mkdir()
    for name, text in files.items():
        (folder / "sprig" / f"{name}.avsc").write_text(text)
    return folder


def test_the_one_file_is_the_schema(tmp_path: Path) -> None:
    schema = raw_schema(write(tmp_path, answer='{"type": "record", "name": "A", "fields": []}'))
    assert (schema.label, schema.root.name) == ("answer.avsc", "A")


@pytest.mark.parametrize("files", [{}, {"a": '"int"', "b": '"int"'}])
def test_raw_values_name_none_so_there_must_be_one(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(UnsafeSchema, match=f"expected one .avsc file.*found {len(files)}"):
        raw_schema(write(tmp_path, **files))


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSchema, match=r"^answer.avsc: not a readable JSON file"):
        raw_schema(write(tmp_path, answer="{"))


def test_single_objects_can_be_of_any_of_the_files(tmp_path: Path) -> None:
    known = by_fingerprint(write(tmp_path, one='"null"', other='"int"'))
    assert {key: schema.label for key, schema in known.items()} == {
        "8a8f25cce724dd63": "one.avsc",
        "8f5c393f1ad57572": "other.avsc",
    }


def test_two_files_that_a_fingerprint_does_not_tell_apart_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, day='{"type": "int", "logicalType": "date"}', number='"int"')
    with pytest.raises(UnsafeSchema, match=r"^number.avsc: has the fingerprint of day.avsc"):
        by_fingerprint(folder)


def test_each_framing_knows_the_files_that_its_values_can_name(tmp_path: Path) -> None:
    folder = write(tmp_path, one='"null"')
    assert {name: list(known_schemas(name, folder)) for name in FRAMINGS} == {
        "raw": [RAW],
        "single-object": ["8a8f25cce724dd63"],
        "auto": ["8a8f25cce724dd63"],
        "confluent": [],
        "confluent-header": [],
    }


def test_a_folder_without_files_stops_single_objects_alone(tmp_path: Path) -> None:
    assert known_schemas("auto", write(tmp_path)) == {}
    with pytest.raises(UnsafeSchema, match=r"sprig: expected .avsc files"):
        known_schemas("single-object", tmp_path)
