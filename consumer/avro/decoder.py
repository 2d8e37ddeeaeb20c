"""The Avro library: loading schemas that are safe to decode with, decoding and encoding."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import fastavro
import fastavro.read
import fastavro.schema

from consumer.avro.ambiguous_unions import types_in_ambiguous_unions
from consumer.avro.decode_errors import undecodable_because
from consumer.avro.decode_limits import max_value_bytes
from consumer.avro.logical_types import TEXT_TYPE, read_text
from consumer.avro.repaired_texts import ERRORS, RepairedRecord, install_repair
from consumer.avro.schema import AvroType, WriterSchema
from consumer.avro.schema_names import BAD_FORM
from consumer.avro.schema_parser import parse
from consumer.avro.schema_size import memory_bytes
from consumer.avro.schema_tree import MAX_JSON_DEPTH, build_tree
from consumer.avro.strict_types import StrictTypes, mark_parsed
from consumer.errors import DecodingError, UnsafeSchema
from consumer.jsonio import is_nested_deeper
from consumer.outside_text import outside_text
from consumer.reasons import Reason

_read = fastavro.schemaless_reader


def install_readers() -> None:
    """
    Tell fastavro how values with the project's own logical types are read.

    fastavro's table of readers is global to the process, and stays as it is for others. `load_schema` calls this.
    """
    readers: dict[str, Any] = {f"{kind}-{TEXT_TYPE}": read_text for kind in ("int", "long", "bytes", "fixed", "record")}
    fastavro.read.LOGICAL_READERS.update(readers)
    install_repair()


def load_schema(label: str, schema: object, references: Iterable[object] = ()) -> WriterSchema:
    """
    A writer's schema from its JSON value.

    `references`: the schemas with the named types that `schema` uses but does not define, in any order.
    Raises UnsafeSchema, in a line that begins with `label`, for what is not an Avro schema and for what is not safe to
    decode with.
    """
    install_readers()
    references = [*references]
    if is_nested_deeper([*references, schema], MAX_JSON_DEPTH):  # only parsing it could overflow the stack
        raise UnsafeSchema(f"{label}: nested too deep; flatten the schema")
    try:
        parsed, names = parse(schema, references)
    except UnsafeSchema as error:
        raise UnsafeSchema(f"{label}: not an Avro schema: {error}") from None
    try:
        tree = build_tree(label, parsed, names)
        types = StrictTypes(names, types_in_ambiguous_unions(parsed, tree.root, names), tree.recursive, tree.levels)
        loaded = _writer_schema(label, tree.root, parsed, names, types)
        return replace(loaded, memory_bytes=memory_bytes(label, loaded))
    except UnsafeSchema:
        raise
    except Exception as error:  # noqa: BLE001 - a schema is input, and invalid input can raise anything
        raise UnsafeSchema(f"{label}: not an Avro schema: {_invalid_because(error)}") from None


def _invalid_because(error: Exception) -> str:
    """What is wrong with a schema that has another form than Avro's. Errors that Python raised have no useful text."""
    if isinstance(error, KeyError):
        return f"a type without {outside_text(repr(error.args[0]))}"
    return BAD_FORM


def _writer_schema(
    label: str, root: AvroType, parsed: Any, names: Mapping[str, Any], types: StrictTypes
) -> WriterSchema:
    """`parsed` in the forms that the library encodes with and decodes with, and so each branch if it is a union."""
    definition = names.get(parsed, parsed) if isinstance(parsed, str) else parsed
    branches: list[WriterSchema] = []
    for avro, branch in zip(root.branches, definition if root.branches else (), strict=True):
        branches.append(_writer_schema(label, avro, branch, names, types))
    forms = mark_parsed(definition, names), mark_parsed(types.strict(definition), types.names)
    return WriterSchema(label, root, *forms, max_value_bytes(root), tuple(branches))


def decode(schema: WriterSchema, value: bytes, start: int) -> Any:
    """
    The record in `value` from index `start` on, by its writer's schema alone, in Python's own types.

    Logical types do not apply (`consumer.avro.strict_types`): who sends a value gives it its form. A record with a text
    that is not UTF-8 is a RepairedRecord. A schema with `parts` leaves out fields; what is wrong with their values is
    noticed only if it shifts the other fields.
    Raises DecodingError `undecodable`, `nested_too_deep`, `trailing_bytes` or `value_too_large`, with no part of the
    value.
    """
    if len(value) > schema.max_value_bytes:
        detail = f"{len(value)} bytes, {schema.max_value_bytes} at most with this schema"
        raise DecodingError(Reason.VALUE_TOO_LARGE, detail)
    stream = BytesIO(value)
    stream.seek(start)
    decoded: Any
    if schema.parts:
        decoded = _decode_parts(schema, stream)
        if decoded is not None and stream.tell() == len(value):
            return decoded
        stream.seek(start)
    try:
        decoded = _read(stream, schema.strict, None)
    except DecodingError:  # of a strict type
        raise
    except UnicodeDecodeError:
        decoded = _repaired(schema, stream, start)
    except Exception as error:  # noqa: BLE001 - hostile bytes raise anything: EOFError, KeyError, OverflowError
        raise DecodingError(Reason.UNDECODABLE, undecodable_because(error)) from None
    if stream.tell() != len(value):
        raise DecodingError(Reason.TRAILING_BYTES)
    return decoded


def _decode_parts(schema: WriterSchema, stream: BytesIO) -> dict[str, Any] | None:
    """The fields of a record that are not left out; None if only decoding the whole record can say what is wrong."""
    decoded: dict[str, Any] = {}
    fields: Any
    try:
        for writer, reader in schema.parts:
            fields = _read(stream, writer, reader)
            decoded |= fields
    except Exception:  # noqa: BLE001 - as in `decode`
        return None
    return decoded


def _repaired(schema: WriterSchema, stream: BytesIO, start: int) -> Any:
    """The record at `start`, repaired."""
    stream.seek(start)
    try:
        decoded = _read(stream, schema.strict, None, handle_unicode_errors=ERRORS)
    except DecodingError:  # of a strict type
        raise
    except Exception as error:  # noqa: BLE001 - as in `decode`
        raise DecodingError(Reason.UNDECODABLE, undecodable_because(error)) from None
    return RepairedRecord(decoded) if isinstance(decoded, dict) else decoded


def decode_partially(schema: WriterSchema, value: bytes, start: int) -> tuple[dict[str, Any], str]:
    """
    The fields of a damaged record that come before the damage, and the name of the field that fails ("" if none does).

    A value that is not a record has no fields. For bytes behind the record, "the end" is what fails.
    """
    fields = schema.strict.get("fields", ()) if isinstance(schema.strict, dict) else ()
    decoded: dict[str, Any] = {}
    field_value: Any
    stream = BytesIO(value)
    stream.seek(start)
    for field in fields:
        try:
            field_value = _read(stream, {**schema.strict, "fields": [field]}, None, handle_unicode_errors=ERRORS)
        except Exception:  # noqa: BLE001 - as in `decode`
            return decoded, str(field["name"])
        decoded |= field_value
    if stream.tell() != len(value):
        return decoded, "the end"
    return decoded, ""


def union_branch(value: bytes, start: int) -> tuple[int, int]:
    """
    The number of the branch that a value of a union has, and the index at which that branch begins.

    Raises DecodingError `undecodable`. The number can be one that the union does not have.
    Source: Avro specification, "Binary encoding": a union is the branch's position as a long, then its value.
    """
    number = shift = 0
    for end, byte in enumerate(value[start : start + 5], start + 1):
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), end
    raise DecodingError(Reason.UNDECODABLE, "no branch of the union")


def fingerprint(schema: WriterSchema) -> str:
    """The CRC-64-AVRO fingerprint of the schema's parsing canonical form, in hex, as a single object holds it."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema.parsed)
    return fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")


def encode(schema: WriterSchema, record: Any) -> bytes:
    """A record's Avro bytes, for records that the project creates itself: in the demo and in the tests."""
    stream = BytesIO()
    fastavro.schemaless_writer(stream, schema.parsed, record)
    return stream.getvalue()
