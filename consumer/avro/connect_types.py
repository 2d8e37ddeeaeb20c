"""The types of Kafka Connect and Debezium (`connect.name`), as the logical types that their values are read with."""

from collections.abc import Mapping
from typing import Any

VARIABLE_SCALE_DECIMAL = "variable-scale-decimal"
"""Not a type of Avro: a record of a scale (an int) and the bytes of an unscaled integer."""

NEGATIVE_SCALE_DECIMAL = "negative-scale-decimal"
"""Not a type of Avro: a decimal in bytes with a scale below zero."""

MAX_SCALE = 1000
_PRECISION = 64  # what AvroData writes if the producer names no precision

_DECIMAL = "org.apache.kafka.connect.data.Decimal"
_VARIABLE_SCALE_DECIMAL = "io.debezium.data.VariableScaleDecimal"

_LOGICAL_TYPES: Mapping[tuple[str, object], str] = {
    ("int", "org.apache.kafka.connect.data.Date"): "date",
    ("int", "org.apache.kafka.connect.data.Time"): "time-millis",
    ("long", "org.apache.kafka.connect.data.Timestamp"): "timestamp-millis",
    ("int", "io.debezium.time.Date"): "date",
    ("int", "io.debezium.time.Time"): "time-millis",
    ("long", "io.debezium.time.MicroTime"): "time-micros",
    ("long", "io.debezium.time.NanoTime"): "time-nanos",
    ("long", "io.debezium.time.Timestamp"): "timestamp-millis",
    ("long", "io.debezium.time.MicroTimestamp"): "timestamp-micros",
    ("long", "io.debezium.time.NanoTimestamp"): "timestamp-nanos",
    ("string", "io.debezium.data.Uuid"): "uuid",
}
"""
By Avro type and `connect.name`. Any other name changes nothing: the values are those of the Avro type.

Sources: org.apache.kafka.connect.data (Date, Time, Timestamp, Decimal), io.confluent.connect.avro.AvroData
(fromConnectSchema) for the attributes in Avro, and the packages io.debezium.time and io.debezium.data of Debezium. For
Connect's own types AvroData also writes `logicalType`, which Avro ignores if the scale of the decimal is below zero or
above its precision. For Debezium's types it writes `connect.name` alone.
"""


def connect_logical_type(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes of the logical type that a type's `connect.name` stands for; none for any other name."""
    kind, name = node.get("type"), node.get("connect.name")
    if kind == "bytes" and name == _DECIMAL:
        return _decimal(node)
    if kind == "record" and _VARIABLE_SCALE_DECIMAL in (name, _record_name(node)) and _has_scale_and_value(node):
        return {"logicalType": VARIABLE_SCALE_DECIMAL}
    logical = _LOGICAL_TYPES.get((str(kind), name)) if isinstance(name, str) else None
    return {"logicalType": logical} if logical else {}


def _decimal(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the scale of `connect.parameters`, which are texts. Source: io.confluent.connect.avro.AvroData."""
    parameters = node.get("connect.parameters")
    text = parameters.get("scale") if isinstance(parameters, dict) else node.get("scale")
    try:
        scale = int(str(text))
    except ValueError:
        return {}
    if 0 <= scale <= MAX_SCALE:
        return {"logicalType": "decimal", "precision": max(_PRECISION, scale), "scale": scale}
    if -MAX_SCALE <= scale < 0:
        return {"logicalType": NEGATIVE_SCALE_DECIMAL, "scale": scale}
    return {}


def _record_name(node: Mapping[str, Any]) -> str:
    namespace, name = node.get("namespace", ""), node.get("name", "")
    return f"{namespace}.{name}" if namespace else str(name)


def _has_scale_and_value(node: Mapping[str, Any]) -> bool:
    fields = node.get("fields")
    if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
        return False
    return [(field.get("name"), _kind(field.get("type"))) for field in fields] == [("scale", "int"), ("value", "bytes")]


def _kind(avro: Any) -> Any:
    return avro.get("type") if isinstance(avro, dict) else avro
