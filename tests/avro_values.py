"""Avro schemas and values for hypothesis, written without the library that reads them."""

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st


def record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": avro} for key, avro in fields.items()]}


def zigzag(number: int) -> bytes:
    """The encoding of a long."""
    rest, encoded = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*encoded, rest])


def sized(content: bytes) -> bytes:
    """The encoding of bytes, or of a text in UTF-8."""
    return zigzag(len(content)) + content


def block(items: list[bytes], has_size: bool = False) -> bytes:
    """The encoding of an array or a map, from the encodings of its items; `has_size`: with the size in bytes."""
    if not items:
        return b"\0"
    content = b"".join(items)
    return (zigzag(-len(items)) + sized(content) if has_size else zigzag(len(items)) + content) + b"\0"


def values(schema: Any) -> st.SearchStrategy[bytes]:
    """The encoding of any value of a schema."""
    return _values_of(schema, "", {})


def _values_of(avro: Any, namespace: str, names: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """`names` collects the definitions of named types."""
    if isinstance(avro, list):
        branches = [_values_of(branch, namespace, names) for branch in avro]
        return st.one_of([branch.map(zigzag(number).__add__) for number, branch in enumerate(branches)])
    if isinstance(avro, dict):
        return _values_of_complex(avro, namespace, names)
    if avro in PLAIN:
        return PLAIN[avro]
    return _values_of(names.get(avro) or names[f"{namespace}.{avro}"], namespace, names)


def _values_of_complex(avro: Any, namespace: str, names: dict[str, Any]) -> st.SearchStrategy[bytes]:
    name = avro.get("name", "")
    inner_namespace = name.rpartition(".")[0] or avro.get("namespace", namespace)
    if name:
        full_name = name if "." in name else f"{inner_namespace}.{name}".lstrip(".")
        names[full_name] = names[name] = avro
    match avro["type"]:
        case "record" | "error":
            fields = [_values_of(field["type"], inner_namespace, names) for field in avro["fields"]]
            return st.tuples(*fields).map(b"".join)
        case "enum":
            return st.integers(0, len(avro["symbols"]) - 1).map(zigzag)
        case "fixed":
            return st.binary(min_size=avro["size"], max_size=avro["size"])
        case "array":
            return st.builds(block, st.lists(_values_of(avro["items"], namespace, names), max_size=3), st.booleans())
        case "map":
            entry = st.tuples(PLAIN["string"], _values_of(avro["values"], namespace, names)).map(b"".join)
            return st.builds(block, st.lists(entry, max_size=3), st.booleans())
        case inner:
            return _values_of(inner, namespace, names)


PLAIN: dict[str, st.SearchStrategy[bytes]] = {
    "null": st.just(b""),
    "boolean": st.sampled_from([b"\0", b"\1"]),
    "int": st.integers(-(2**31), 2**31 - 1).map(zigzag),
    "long": st.integers(-(2**63), 2**63 - 1).map(zigzag),
    "float": st.floats(width=32).map(lambda number: struct.pack("<f", number)),
    "double": st.floats().map(lambda number: struct.pack("<d", number)),
    "bytes": st.binary(max_size=9).map(sized),
    "string": st.text(max_size=9).map(lambda text: sized(text.encode())),
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
    """A type with a name that no other type has."""
    return st.uuids().flatmap(lambda uuid: make(f"n{uuid.hex}"))


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Types that contain the inner types, and named types."""
    fields = st.lists(inner, max_size=4)
    return st.one_of(
        inner.filter(_may_be_item).map(lambda avro: {"type": "array", "items": avro}),
        inner.map(lambda avro: {"type": "map", "values": avro}),
        named(lambda name: fields.map(lambda types: _numbered_record(name, types))),
        named(lambda name: st.integers(1, 20).map(lambda size: {"type": "fixed", "name": name, "size": size})),
        named(lambda name: st.just({"type": "fixed", "name": name, "size": 16, "logicalType": "uuid"})),
        named(lambda name: st.just({"type": "enum", "name": name, "symbols": ["A", "B"]})),
        st.lists(inner, min_size=1, max_size=4, unique_by=_kind).filter(
            lambda branches: not any(isinstance(branch, list) for branch in branches)
        ),
    )


def _may_be_item(avro: Any) -> bool:
    """An array of items that could take no bytes is not safe to decode."""
    return avro != "null" and not (isinstance(avro, dict) and avro["type"] == "record")


def _numbered_record(name: str, types: list[Any]) -> dict[str, Any]:
    return record(name, **{f"f{number}": avro for number, avro in enumerate(types)})


def _kind(avro: Any) -> str:
    """The kind or the name by which Avro tells the branches of a union apart."""
    if isinstance(avro, str):
        return avro
    return "" if isinstance(avro, list) else avro.get("name", avro["type"])


SCHEMAS = st.recursive(LEAVES, larger, max_leaves=8)
"""Any schema that is safe to decode with, as its JSON value."""
