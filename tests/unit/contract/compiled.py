"""A contract with some properties or skip rules, compiled, and what it makes of one record."""

from typing import Any

from consumer.avro.decoder import decode
from consumer.avro.schema import AvroType, WriterSchema
from consumer.contract.compiler import compile_contract
from consumer.contract.container_forms import as_convert
from consumer.contract.json_text import count_nothing
from consumer.contract.parser import parse_contract
from consumer.contract.rules import Field
from consumer.contract.value_forms import field_forms
from consumer.errors import RecordSkipped
from consumer.model import Record

INT, LONG, TEXT, NULL = AvroType("int"), AvroType("long"), AvroType("string"), AvroType("null")
RECORD = Record(3, 42, 1_714_979_289_123, None, b"", ())
FRAME: dict[str, Any] = {
    "type": {"const": "track"},
    "event": {"const": "e"},
    "userId": {"x-source": "user"},
    "messageId": {"x-source": "$kafka.messageId"},
}


def sent_form(schema: WriterSchema, value: bytes, start: int = 0, **options: Any) -> Any:
    """The form in which an encoded value of this schema is sent, as the property /x of a field with these options."""
    convert = as_convert(field_forms(Field("/x", (), **options), schema.root, count_nothing))
    decoded = decode(schema, value, start)
    return convert(decoded, "/x") if convert else decoded


def union(*branches: AvroType) -> AvroType:
    return AvroType("union", branches=branches)


def record(**fields: AvroType) -> AvroType:
    return AvroType("record", name="r.R", fields=fields)


def mapped(
    properties: Any, writer: dict[str, AvroType], values: Any, required: Any = (), kafka_record: Any = RECORD
) -> Any:
    """The event's properties."""
    rule = {"type": "object", "required": list(required), "properties": properties}
    schema = {"x-record": "*", "required": [*FRAME], "properties": {**FRAME, "properties": rule}}
    compiled = compile_contract(parse_contract("test", schema), record(user=TEXT, **writer), "1.2.3")
    return compiled.event({"user": "u", **values}, kafka_record, "id-1")["properties"]


def skip_reason(condition: dict[str, Any], writer: dict[str, AvroType], values: Any) -> str:
    schema = {"x-record": "*", "x-skip": [{**condition, "reason": "mine"}], "required": [*FRAME], "properties": FRAME}
    compiled = compile_contract(parse_contract("test", schema), record(user=TEXT, **writer), "1.2.3")
    try:
        compiled.event({"user": "u", **values}, RECORD, "id-1")
    except RecordSkipped as skip:
        return skip.reason
    return ""
