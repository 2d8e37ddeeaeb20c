"""The Avro library: loading schemas that are safe to decode with, decoding and encoding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import fastavro
import fastavro.read
import fastavro.schema

from consumer.avro.ambiguous_unions import types_in_ambiguous_unions
from consumer.avro.decode_errors import undecodable_because
from consumer.avro.decode_limits import max_value_bytes
from consumer.avro.logical_types import TEXT_TYPE, read_text, without_ignored_logical_types
from consumer.avro.repaired_texts import ERRORS, RepairedRecord, install_repair
from consumer.avro.schema import MAX_JSON_DEPTH, AvroType, WriterSchema, build_tree
from consumer.avro.schema_size import memory_bytes
from consumer.avro.strict_types import StrictTypes
from consumer.errors import DecodingError, UnsafeSchema
from consumer.jsonio import is_nested_deeper
from consumer.outside_text import outside_text
from consumer.reasons import Reason

_read = fastavro.schemaless_reader

_WRAPPER_NAME = "sprig-to-segment"
"""The record around a schema and its references while they are parsed. A dot would give the schemas a namespace."""


def install_readers() -> None:
    """
    Tell fastavro how values with the project's own logical types are read.

    fastavro's table of readers is global to the process, and stays as it is for others. `load_schema` calls this.
    """
    readers: dict[str, Any] = {f"{kind}-{TEXT_TYPE}": read_text for kind in ("int", "long", "bytes", "fixed")}
    fastavro.read.LOGICAL_READERS.update(readers)
    install_repair()


def load_schema(label: str, schema: object, references: Iterable[object] = ()) -> WriterSchema:
    """
    A writer's schema from its JSON value.

    `references`: the schemas with the named types that `schema` uses but does not define, dependencies first.
    Raises UnsafeSchema, in a line that begins with `label`, for what is not an Avro schema and for what is not safe to
    decode with.
    """
    install_readers()
    names: dict[str, Any] = {}
    schemas = [*references, schema]
    if is_nested_deeper(schemas, MAX_JSON_DEPTH):  # only parsing it could overflow the stack
        raise UnsafeSchema(f"{label}: nested too deep; flatten the schema")
    try:
        parsed = _parse(schemas, names)
        root = build_tree(label, parsed, names)
        types = StrictTypes(names, types_in_ambiguous_unions(parsed, root, names))
        loaded = _writer_schema(label, root, parsed, names, types)
        return replace(loaded, memory_bytes=memory_bytes(label, loaded))
    except UnsafeSchema:
        raise
    except Exception as error:  # noqa: BLE001 - a schema is input, and invalid input makes the library raise anything
        raise UnsafeSchema(f"{label}: not an Avro schema: {_invalid_because(error)}") from None


def _invalid_because(error: Exception) -> str:
    """What is wrong with a schema that the library refuses. Errors that Python raised inside it have no useful text."""
    match error:
        case fastavro.schema.UnknownType():
            return f"the type {outside_text(error.name)} is not defined"
        case fastavro.schema.SchemaParseException():
            return outside_text(error)
        case KeyError():
            return f"a type without {outside_text(repr(error.args[0]))}"
    return "a part of it does not have the form that the Avro specification gives it"


def _parse(schemas: Sequence[object], names: dict[str, Any]) -> Any:
    """
    The last of the schemas in full names. They are parsed as one, so that each name has one meaning in all of them.

    Defaults matter to readers' schemas only, so a default that does not fit its type is ignored.
    """
    fields = [
        {"name": str(number), "type": without_ignored_logical_types(schema)} for number, schema in enumerate(schemas)
    ]
    wrapper = {"type": "record", "name": _WRAPPER_NAME, "fields": fields}
    parsed: Any = fastavro.parse_schema(wrapper, names, _ignore_default_error=True)
    return parsed["fields"][-1]["type"]


def _writer_schema(
    label: str, root: AvroType, parsed: Any, names: Mapping[str, Any], types: StrictTypes
) -> WriterSchema:
    """`parsed` in the forms that the library encodes with and decodes with, and so each branch if it is a union."""
    definition = names.get(parsed, parsed) if isinstance(parsed, str) else parsed
    branches: list[WriterSchema] = []
    for avro, branch in zip(root.branches, definition if root.branches else (), strict=True):
        branches.append(_writer_schema(label, avro, branch, names, types))
    forms = _mark_parsed(definition, names), _mark_parsed(types.strict(definition), types.names)
    return WriterSchema(label, root, *forms, max_value_bytes(root), tuple(branches))


def _mark_parsed(parsed: Any, names: Mapping[str, Any]) -> Any:
    """
    `parsed` with the library's own marks: that it is parsed, and with which named types.

    Without the marks the library would parse the schema again for each record.
    """
    if isinstance(parsed, list):
        return [branch if isinstance(branch, str) else _mark_parsed(branch, names) for branch in parsed]
    if isinstance(parsed, dict):
        return {**parsed, "__fastavro_parsed": True, "__named_schemas": names}
    return parsed


def decode(schema: WriterSchema, value: bytes, start: int) -> Any:
    """
    The record in `value` from index `start` on, by its writer's schema alone, in Python's own types.

    Logical types do not apply (`consumer.avro.strict_types`): who sends a value gives it its form. A record with a text
    that is not UTF-8 is a RepairedRecord.
    Raises DecodingError `undecodable`, `trailing_bytes` or `value_too_large`, with no part of the value.
    """
    if len(value) > schema.max_value_bytes:
        detail = f"{len(value)} bytes, {schema.max_value_bytes} at most with this schema"
        raise DecodingError(Reason.VALUE_TOO_LARGE, detail)
    stream = BytesIO(value)
    stream.seek(start)
    try:
        decoded = _read(stream, schema.strict, None)
    except UnicodeDecodeError:
        decoded = _repaired(schema, stream, start)
    except Exception as error:  # noqa: BLE001 - hostile bytes raise anything: EOFError, KeyError, OverflowError
        raise DecodingError(Reason.UNDECODABLE, undecodable_because(error)) from None
    if stream.tell() != len(value):
        raise DecodingError(Reason.TRAILING_BYTES)
    return decoded


def _repaired(schema: WriterSchema, stream: BytesIO, start: int) -> Any:
    """The record at `start`, repaired."""
    stream.seek(start)
    try:
        decoded = _read(stream, schema.strict, None, handle_unicode_errors=ERRORS)
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
