"""Avro schemas and values for hypothesis, written without the library that reads them."""

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st


def record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": avro} for key, avro in fields.items()]}


def zigzag(number: int) -> bytes:
    """A long as Avro writes it."""
    left, made = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        made.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*made, left])


def sized(content: bytes) -> bytes:
    return zigzag(len(content)) + content


def block(items: list[bytes]) -> bytes:
    return (zigzag(len(items)) if items else b"") + b"".join(items) + b"\0"


def values(schema: Any) -> st.SearchStrategy[bytes]:
    """Avro bytes of any value of a schema, written without the library that reads them."""
    names: dict[str, Any] = {}

    def of(avro: Any, around: str) -> st.SearchStrategy[bytes]:
        if isinstance(avro, list):
            return st.one_of([of(one, around).map((zigzag(index)).__add__) for index, one in enumerate(avro)])
        if isinstance(avro, str):
            return PLAIN[avro] if avro in PLAIN else of(names.get(avro) or names[f"{around}.{avro}"], around)
        name = avro.get("name", "")
        space = name.rpartition(".")[0] or avro.get("namespace", around)
        if name:
            names[name if "." in name else f"{space}.{name}".lstrip(".")] = names[name] = avro
        match avro["type"]:
            case "record" | "error":
                return st.tuples(*[of(one["type"], space) for one in avro["fields"]]).map(b"".join)
            case "enum":
                return st.integers(0, len(avro["symbols"]) - 1).map(zigzag)
            case "fixed":
                return st.binary(min_size=avro["size"], max_size=avro["size"])
            case "array":
                return st.lists(of(avro["items"], around), max_size=3).map(block)
            case "map":
                entry = st.tuples(PLAIN["string"], of(avro["values"], around)).map(b"".join)
                return st.lists(entry, max_size=3).map(block)
            case other:
                return of(other, around)

    return of(schema, "")


PLAIN: dict[str, st.SearchStrategy[bytes]] = {
    "null": st.just(b""),
    "boolean": st.sampled_from([b"\0", b"\1"]),
    "int": st.integers(-(2**31), 2**31 - 1).map(zigzag),
    "long": st.integers(-(2**63), 2**63 - 1).map(zigzag),
    "float": st.floats(width=32).map(lambda it: struct.pack("<f", it)),
    "double": st.floats().map(lambda it: struct.pack("<d", it)),
    "bytes": st.binary(max_size=9).map(sized),
    "string": st.text(max_size=9).map(lambda it: sized(it.encode())),
}
LOGICAL = [
    {"type": "int", "logicalType": "date"},
    {"type": "int", "logicalType": "time-millis"},
    *(
        {"type": "long", "logicalType": name}
        for name in (
            "time-micros",
            "timestamp-millis",
            "timestamp-micros",
            "timestamp-nanos",
            "local-timestamp-millis",
            "local-timestamp-micros",
            "local-timestamp-nanos",
            "of-ours",
        )
    ),
    {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 9},
    {"type": "bytes", "logicalType": "big-decimal"},
    {"type": "string", "logicalType": "uuid"},
]
LEAVES = st.one_of(st.sampled_from(sorted(PLAIN)), st.sampled_from(LOGICAL))


def named(make: Callable[[str], st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    return st.uuids().flatmap(lambda it: make(f"n{it.hex}"))


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items = inner.filter(lambda it: it != "null" and not (isinstance(it, dict) and it["type"] == "record"))
    fields = st.lists(inner, max_size=4)
    return st.one_of(
        items.map(lambda it: {"type": "array", "items": it}),
        inner.map(lambda it: {"type": "map", "values": it}),
        named(lambda name: fields.map(lambda it: record(name, **{f"f{i}": one for i, one in enumerate(it)}))),
        named(lambda name: st.integers(1, 20).map(lambda size: {"type": "fixed", "name": name, "size": size})),
        named(lambda name: st.just({"type": "fixed", "name": name, "size": 16, "logicalType": "uuid"})),
        named(lambda name: st.just({"type": "enum", "name": name, "symbols": ["A", "B"]})),
        st.lists(inner, min_size=1, max_size=4, unique_by=_kind).filter(
            lambda it: not any(isinstance(x, list) for x in it)
        ),
    )


def _kind(avro: Any) -> str:
    return avro if isinstance(avro, str) else "" if isinstance(avro, list) else avro.get("name", avro["type"])


SCHEMAS = st.recursive(LEAVES, larger, max_leaves=8)
"""Any schema that is safe to decode with, as its JSON value."""
