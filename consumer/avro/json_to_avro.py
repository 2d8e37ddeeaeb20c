"""Records that people write as JSON, turned into what the Avro library encodes."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from consumer.avro.decoder import branch, decode, encode
from consumer.avro.schema import AvroType, WriterSchema
from consumer.errors import UsageError

_TEXTS: Mapping[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "time-millis": time.fromisoformat,
    "time-micros": time.fromisoformat,
    "timestamp-millis": datetime.fromisoformat,
    "timestamp-micros": datetime.fromisoformat,
    "local-timestamp-millis": datetime.fromisoformat,
    "local-timestamp-micros": datetime.fromisoformat,
    "decimal": Decimal,
}
_PLAIN: Mapping[str, tuple[type, ...]] = {
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
    "record": (dict,),
}


def written(schema: WriterSchema, value: Any) -> tuple[WriterSchema, Any]:
    """
    A record as the service would read it, with its schema (of a union: the branch), once it was encoded for real.

    `value` is JSON: bytes in base64; a time, a date or a decimal as text or as the stored integer; of a union the first
    branch that fits. Raises UsageError with the path of what does not fit.
    """
    try:
        encoded = encode(schema, _value(schema.root, value, "record"))
    except (ValueError, TypeError, OverflowError, ArithmeticError) as error:
        raise UsageError(f"record: does not fit {schema.label}: {type(error).__name__}: {error!s:.200}") from None
    number, start = branch(encoded, 0) if schema.branches else (0, 0)
    one = schema.branches[number] if schema.branches else schema
    return one, decode(one, encoded, start)


def _value(avro: AvroType, value: Any, path: str) -> Any:
    if avro.kind == "union":
        fitting = [one for one in avro.branches if _fits(one, value)]
        if not fitting:
            raise UsageError(f"{path}: expected {' or '.join(one.kind for one in avro.branches)}")
        return _value(fitting[0], value, path)
    if not _fits(avro, value):
        raise UsageError(f"{path}: expected {avro.kind}")
    match avro.kind:
        case "record":
            return {name: _value(avro.fields[name], inner, f"{path}.{name}") for name, inner in value.items()}
        case "array":
            return [_value(avro.items or avro, inner, f"{path}[{index}]") for index, inner in enumerate(value)]
        case "map":
            return {name: _value(avro.items or avro, inner, f"{path}.{name}") for name, inner in value.items()}
        case _:
            return _leaf(avro, value)


def _leaf(avro: AvroType, value: Any) -> Any:
    if isinstance(value, str) and avro.logical in _TEXTS:
        return _TEXTS[avro.logical](value)
    return b64decode(value, validate=True) if avro.kind in ("bytes", "fixed") else value


def _fits(avro: AvroType, value: Any) -> bool:
    """Whether JSON's type is one for this type, a record's by its fields' names as well."""
    timely = isinstance(value, str) and avro.logical in _TEXTS
    if isinstance(value, bool) and avro.kind != "boolean":
        return False
    known = avro.kind != "record" or (isinstance(value, dict) and set(value) <= set(avro.fields))
    return known and (timely or isinstance(value, _PLAIN[avro.kind]))
