"""Schemas in files: exactly one for raw values, any number for single objects, each with the types of other files."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from consumer.avro.decoder import decode, fingerprint, load_schema
from consumer.avro.schema_files import by_fingerprint, known_schemas, load_file, raw_schema
from consumer.avro.schema_keys import RAW
from consumer.avro.schema_text import loads_schema, loads_schema_file
from consumer.errors import UnsafeSchema
from consumer.jsonio import JsonError
from tests.avro_values import record

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
    with pytest.raises(UnsafeSchema, match=rf"expected one .avsc file.*found {len(files)}(: a.avsc, b.avsc)?$"):
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


ADDRESS = record("com.acme.Address", city="string", kind="com.acme.Kind")
KIND = {"type": "enum", "name": "com.acme.Kind", "symbols": ["home", "work"]}
ANSWER = {**record("Answer", to="Address", back=["null", "Address"]), "namespace": "com.acme"}
WHOLE = {
    **record("Answer", to=record("Address", city="string", kind=KIND), back=["null", "Address"]),
    "namespace": "com.acme",
}


def in_files(**schemas: Any) -> dict[str, str]:
    return {name: json.dumps(schema) for name, schema in schemas.items()}


def test_a_schema_takes_types_from_other_files_in_any_order(tmp_path: Path) -> None:
    folder = write_schemas(tmp_path, **in_files(a_answer=ANSWER, b_address=ADDRESS, c_kind=KIND))
    schema = raw_schema(folder)
    assert (schema.label, schema.root) == ("a_answer.avsc", load_schema("test", WHOLE).root)
    assert decode(schema, b"\x02X\x02\x00", 0) == {"to": {"city": "X", "kind": "work"}, "back": None}
    assert load_file(tmp_path / "sprig" / "a_answer.avsc").root == schema.root


def test_a_schema_of_several_files_has_the_fingerprint_of_the_whole_schema(tmp_path: Path) -> None:
    folder = write_schemas(tmp_path, **in_files(answer=ANSWER, address=ADDRESS, kind=KIND))
    schemas = by_fingerprint(folder)
    assert schemas[fingerprint(load_schema("test", WHOLE))].label == "answer.avsc"
    assert len(schemas) == 3


def test_files_can_use_types_of_each_other(tmp_path: Path) -> None:
    ring = in_files(a=record("A", b=["null", "B"]), b=record("B", a=["null", "A"]), root=record("R", a="A"))
    assert raw_schema(write_schemas(tmp_path, **ring)).label == "root.avsc"


def test_a_type_of_the_own_file_has_precedence(tmp_path: Path) -> None:
    own = record("R", x=record("Kind", n="int"), y="Kind")
    folder = write_schemas(tmp_path, **in_files(other=record("Kind", other="string"), own=own))
    assert load_file(folder / "sprig" / "own.avsc").root.fields["y"].fields["n"].kind == "int"


def test_two_files_with_different_definitions_of_a_type_in_use_are_refused(tmp_path: Path) -> None:
    kinds = {"one": KIND, "two": {**KIND, "symbols": ["other"]}, "address": ADDRESS}
    with pytest.raises(UnsafeSchema, match=r"^address.avsc: .*com.acme.Kind has two different definitions; keep one"):
        raw_schema(write_schemas(tmp_path, **in_files(**kinds)))


def test_a_type_that_no_file_defines_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        UnsafeSchema, match=r"^answer.avsc: .*com.acme.Address is not defined; put the file that defines"
    ):
        raw_schema(write_schemas(tmp_path, **in_files(answer=ANSWER)))


def test_a_file_beside_a_schema_is_read_only_if_the_schema_needs_a_type(tmp_path: Path) -> None:
    folder = write_schemas(tmp_path, broken="{", **in_files(kind=KIND, answer=ANSWER))
    assert load_file(folder / "sprig" / "kind.avsc").root.kind == "enum"
    with pytest.raises(UnsafeSchema, match=r"^broken.avsc: not a readable JSON file"):
        load_file(folder / "sprig" / "answer.avsc")


COMMENTED = """\ufeff// Copyright
{"type": "record", /* the answer */ "name": "A", // no namespace
 "fields": [{"name": "url", "type": "string", "doc": "http://x/*y*/ \\" // not a comment"}]}"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32"])
def test_a_file_can_have_comments_and_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    text = COMMENTED if encoding in ("utf-8", "utf-16-le") else COMMENTED[1:]
    (tmp_path / "a.avsc").write_bytes(text.encode(encoding))
    assert load_file(tmp_path / "a.avsc").root.docs == {"url": 'http://x/*y*/ " // not a comment'}


@pytest.mark.parametrize("damage", ['"' + '\\"' * 300_000, "[" + "/*x" * 300_000, '{"a": "' + "\\\\" * 300_000])
def test_what_does_not_end_is_refused_at_once(damage: str) -> None:
    """Looking for each end again took 4 seconds for 40 kB, and four times as long for twice as much."""
    start = time.process_time()
    for read in (loads_schema, lambda text: loads_schema_file(text.encode())):
        with pytest.raises(JsonError):
            read(damage)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_comment_ends_with_its_line(line_end: str) -> None:
    assert loads_schema(f'// "a comment{line_end}"int" // another') == "int"


def test_a_comment_that_does_not_end_is_a_mistake() -> None:
    for text in ('"int" /* a comment', '"int" /*', '"int" /*/'):
        with pytest.raises(JsonError):
            loads_schema(text)


def test_a_mistake_behind_comments_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.avsc").write_text('/* one\ntwo */\n{"type": }')
    with pytest.raises(UnsafeSchema, match=r"^a.avsc: not a readable JSON file: .*line 3 column 10"):
        load_file(tmp_path / "a.avsc")


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b'"\xe9"', b"", b"/* no end"])
def test_a_file_that_is_no_text_is_refused_in_words(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.avsc").write_bytes(raw)
    with pytest.raises(UnsafeSchema, match=r"^a.avsc: not a readable JSON file"):
        load_file(tmp_path / "a.avsc")
