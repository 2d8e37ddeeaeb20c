"""Records that people write as JSON, converted to the values that the Avro library encodes."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from consumer.avro.connect_types import VARIABLE_SCALE_DECIMAL
from consumer.avro.decoder import decode, encode, union_branch
from consumer.avro.schema import AvroType, WriterSchema
from consumer.errors import UsageError
from consumer.outside_text import outside_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _nanos(text: str) -> int:
    """A time in nanoseconds since 1970, which the Avro library encodes as they are. Text has microseconds at most."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return (parsed - _EPOCH) // timedelta(microseconds=1) * 1000


def _time_nanos(text: str) -> int:
    """A time in nanoseconds since midnight. Text has microseconds at most."""
    parsed = time.fromisoformat(text)
    seconds = (parsed.hour * 60 + parsed.minute) * 60 + parsed.second
    return (seconds * 1_000_000 + parsed.microsecond) * 1000


def _variable_scale_decimal(text: str) -> dict[str, Any]:
    """The record of Debezium's decimal."""
    sign, digits, exponent = Decimal(text).as_tuple()
    if not isinstance(exponent, int):
        raise InvalidOperation
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    return {"scale": -exponent, "value": unscaled.to_bytes(unscaled.bit_length() // 8 + 1, "big", signed=True)}


_TEXT_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "time-millis": time.fromisoformat,
    "time-micros": time.fromisoformat,
    "timestamp-millis": datetime.fromisoformat,
    "timestamp-micros": datetime.fromisoformat,
    "timestamp-nanos": _nanos,
    "local-timestamp-millis": datetime.fromisoformat,
    "local-timestamp-micros": datetime.fromisoformat,
    "local-timestamp-nanos": _nanos,
    "decimal": Decimal,
    "time-nanos": _time_nanos,
    VARIABLE_SCALE_DECIMAL: _variable_scale_decimal,
}
"""By logicalType: how a value that is written as text is parsed."""

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "string": (str,),
    "enum": (str,),
    "bytes": (str,),
    "fixed": (str,),
    "array": (list,),
    "map": (dict,),
}
"""By kind of Avro type: the Python types of the parsed JSON value."""


def encode_json(schema: WriterSchema, value: Any) -> tuple[WriterSchema, Any]:
    """
    A record as the service would decode it, and its schema (for a union: the branch's). The record is really encoded.

    `value` is parsed JSON: bytes in base64; a UUID as text; a time, a date or a decimal as text or as the stored
    integer; for a union, the first branch that fits is used. Raises UsageError with the path of a value that does not
    fit.
    """
    try:
        encoded = encode(schema, avro_value(schema.root, value, "record"))
    except InvalidOperation:
        raise UsageError(f"record: does not fit {schema.label}: a text is not a decimal") from None
    except (ValueError, TypeError, ArithmeticError) as error:
        raise UsageError(f"record: does not fit {schema.label}: {outside_text(error)}") from None
    if not schema.branches:
        return schema, decode(schema, encoded, 0)
    number, start = union_branch(encoded, 0)
    branch = schema.branches[number]
    return branch, decode(branch, encoded, start)


def avro_value(avro: AvroType, value: Any, path: str) -> Any:
    """The value to encode for this parsed JSON. Raises UsageError, ValueError or ArithmeticError."""
    if avro.kind == "union":
        return avro_value(_first_fitting_branch(avro, value, path), value, path)
    if not _fits(avro, value):
        raise UsageError(f"{path}: expected {avro.kind}")
    match avro.kind:
        case "record":
            return {name: avro_value(avro.fields[name], inner, f"{path}.{name}") for name, inner in value.items()}
        case "array":
            assert avro.items
            return [avro_value(avro.items, inner, f"{path}[{index}]") for index, inner in enumerate(value)]
        case "map":
            assert avro.items
            return {name: avro_value(avro.items, inner, f"{path}.{name}") for name, inner in value.items()}
        case _:
            return _leaf_value(avro, value)


def _first_fitting_branch(union: AvroType, value: Any, path: str) -> AvroType:
    for branch in union.branches:
        if _fits(branch, value):
            return branch
    raise UsageError(f"{path}: expected {' or '.join(branch.kind for branch in union.branches)}")


def _leaf_value(avro: AvroType, value: Any) -> Any:
    if _is_text_of_logical_type(avro, value):
        return _TEXT_PARSERS[avro.logical](value)
    if avro.kind == "fixed" and avro.logical == "uuid":
        return UUID(value).bytes
    if avro.kind in ("bytes", "fixed"):
        return b64decode(value, validate=True)
    return value


def _fits(avro: AvroType, value: Any) -> bool:
    """Whether the JSON value has a type that fits this Avro type. An object fits a record that has all its names."""
    if isinstance(value, bool) and avro.kind != "boolean":
        return False
    if avro.kind == "record":
        return isinstance(value, dict) and set(value) <= set(avro.fields)
    if avro.kind == "union":  # in a union, which the Avro library accepts
        return any(_fits(branch, value) for branch in avro.branches)
    return _is_text_of_logical_type(avro, value) or isinstance(value, _PYTHON_TYPES[avro.kind])


def _is_text_of_logical_type(avro: AvroType, value: Any) -> bool:
    return isinstance(value, str) and avro.logical in _TEXT_PARSERS
