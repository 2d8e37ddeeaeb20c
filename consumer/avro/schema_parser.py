"""A schema's JSON value in the form that the Avro library reads with: full names, each type defined at first use."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from consumer.avro.connect_types import connect_logical_type
from consumer.avro.logical_types import honoured_logical_type
from consumer.avro.schema_names import (
    BAD_FORM,
    COMPLEX,
    NAMED,
    PRIMITIVES,
    attribute,
    candidates,
    definitions,
    full_name,
)
from consumer.errors import UnsafeSchema
from consumer.outside_text import outside_text

MAX_PARSE_DEPTH = 100
"""Types inside each other, when a type that is used before its definition is put in place. Python's stack has room."""

_NOTES = ("doc", "aliases", "default", "order")
"""The attributes that say nothing about the bytes of a value."""


class ParsedSchema(NamedTuple):
    """`parsed` and the definitions in it by full name, in the form of fastavro's `parse_schema`."""

    parsed: Any
    names: Mapping[str, Any]


def parse(schema: object, references: Sequence[object] = ()) -> ParsedSchema:
    """
    `schema` with the named types that it takes from `references`, in any order. Each name has one meaning in all.

    Names are looked up as Apache Avro 1.12 for Java does (ParseContext.find): in the namespace around the place, and
    then without a namespace, because Java prints the second use of a type without a namespace in this way. A type may
    be used before its definition. Aliases, the defaults of enums and unknown attributes are left out, because only
    readers' schemas need them. Symbols and names can have any characters, because some registries (Karapace) do not
    check them.
    Raises UnsafeSchema with the reason alone.
    """
    parser = _Parser()
    for node in (*references, schema):
        parser.add_definitions(node)
    return ParsedSchema(parser.parse(schema, "", 0), parser.names)


class _Parser:
    """`names` has the types that are parsed so far, also those of which the parts are not parsed yet."""

    def __init__(self) -> None:
        self._definitions: dict[str, Mapping[str, Any]] = {}
        self.names: dict[str, Any] = {}

    def add_definitions(self, schema: object) -> None:
        for node, namespace in definitions(schema):
            name = full_name(node, namespace)
            first = self._definitions.setdefault(name, node)
            if first is not node and _meaning(first) != _meaning(node):
                raise UnsafeSchema(f"the type {outside_text(name)} has two different definitions; keep one of them")

    def parse(self, node: Any, namespace: str, depth: int) -> Any:
        """`namespace` is that of the type around the node. `depth` counts the types around the node."""
        if depth > MAX_PARSE_DEPTH:
            raise UnsafeSchema(f"types nested more than {MAX_PARSE_DEPTH} deep; flatten the schema")
        if isinstance(node, str):
            return self._named(node, namespace, depth)
        if isinstance(node, list) and node:
            return [self.parse(branch, namespace, depth + 1) for branch in node]
        if isinstance(node, dict):
            return self._object(node, namespace, depth)
        raise UnsafeSchema(BAD_FORM)

    def _named(self, name: str, namespace: str, depth: int) -> Any:
        if name in PRIMITIVES:
            return name
        for choice in candidates(name, namespace):
            if choice in self._definitions:
                return self._use(choice, depth)
        if name in COMPLEX:
            raise UnsafeSchema(f'"type": "{name}" without its own object; write {{"type": {{"type": "{name}", ...}}}}')
        raise UnsafeSchema(
            f"the type {outside_text(candidates(name, namespace)[0])} is not defined; put the file that defines the "
            "type into the folder of this schema, or register it in the registry as a reference of this schema"
        )

    def _use(self, name: str, depth: int) -> Any:
        """The definition at the first use of a full name, and then the name."""
        if name in self.names:
            return name
        node = self._definitions[name]
        parsed: dict[str, Any] = {"type": node["type"], "name": name}
        self.names[name] = parsed
        parsed |= self._parts(node, name.rpartition(".")[0], depth)
        return parsed

    def _object(self, node: Mapping[str, Any], namespace: str, depth: int) -> Any:
        if "protocol" in node:
            raise UnsafeSchema("an Avro protocol; write each of its types into a file of its own")
        kind = attribute(node, "type")
        if not isinstance(kind, str):
            raise UnsafeSchema(f"{BAD_FORM}: an object as a type inside a type; write the inner type in its place")
        if kind in NAMED:
            return self._use(full_name(node, namespace), depth)
        match kind:
            case "array":
                return {"type": kind, "items": self.parse(attribute(node, "items"), namespace, depth + 1)}
            case "map":
                return {"type": kind, "values": self.parse(attribute(node, "values"), namespace, depth + 1)}
        if kind in PRIMITIVES:
            logical = _logical_type(node)
            return {"type": kind, **logical} if logical else kind
        return self._named(kind, namespace, depth)

    def _parts(self, node: Mapping[str, Any], namespace: str, depth: int) -> Mapping[str, Any]:
        """What a named type has besides its name."""
        match node["type"]:
            case "enum":
                symbols = attribute(node, "symbols")
                if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
                    raise UnsafeSchema(f"{BAD_FORM}: the symbols of an enum are a list of texts")
                return {"symbols": symbols}
            case "fixed":
                return {"size": attribute(node, "size"), **_logical_type(node)}
        fields = attribute(node, "fields")
        if not isinstance(fields, list):
            raise UnsafeSchema(f"{BAD_FORM}: the fields of a record are a list")
        return {"fields": [self._field(field, namespace, depth) for field in fields], **_logical_type(node)}

    def _field(self, field: Any, namespace: str, depth: int) -> dict[str, Any]:
        if not isinstance(field, dict):
            raise UnsafeSchema(f"{BAD_FORM}: a field of a record is an object")
        attributes = {"doc": field["doc"]} if isinstance(field.get("doc"), str) else {}
        if "default" in field:  # for records that people write in cases; nothing checks it
            attributes["default"] = field["default"]
        parsed = self.parse(attribute(field, "type"), namespace, depth + 1)
        return {"name": attribute(field, "name"), "type": parsed, **attributes}


def mark_parsed(parsed: Any, names: Mapping[str, Any]) -> Any:
    """
    `parsed` with the library's own marks: that it is parsed, and with which named types.

    Without the marks the library would parse the schema again for each record.
    """
    if isinstance(parsed, list):
        return [branch if isinstance(branch, str) else mark_parsed(branch, names) for branch in parsed]
    if isinstance(parsed, dict):
        return {**parsed, "__fastavro_parsed": True, "__named_schemas": names}
    return parsed


def _meaning(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A definition without what can differ between two texts of the same type."""
    return {key: _without_notes(value) for key, value in node.items() if key not in ("name", "namespace", *_NOTES)}


def _without_notes(part: Any) -> Any:
    if isinstance(part, list):
        return [*map(_without_notes, part)]
    if isinstance(part, dict):
        return {key: _without_notes(value) for key, value in part.items() if key not in _NOTES}
    return part


def _logical_type(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return honoured_logical_type(node) or connect_logical_type(node)
