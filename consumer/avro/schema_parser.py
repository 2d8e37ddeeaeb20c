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
    parser.check_definitions()
    return ParsedSchema(parser.parse(schema, "", 0), parser.names)


class _Parser:
    """`names` has the types that are parsed so far, also those of which the parts are not parsed yet."""

    def __init__(self) -> None:
        self._definitions: dict[str, Mapping[str, Any]] = {}
        self._repeated: list[tuple[str, Mapping[str, Any]]] = []
        self.names: dict[str, Any] = {}

    def add_definitions(self, schema: object) -> None:
        for node, namespace in definitions(schema):
            name = full_name(node, namespace)
            if name in PRIMITIVES:
                raise UnsafeSchema(f"a type with the name of the primitive type {name}; give it a namespace")
            if self._definitions.setdefault(name, node) is not node:
                self._repeated.append((name, node))

    def check_definitions(self) -> None:
        """Raises UnsafeSchema for two different definitions of a name."""
        for name, node in self._repeated:
            if self._meaning(self._definitions[name], name) != self._meaning(node, name):
                raise UnsafeSchema(f"the type {outside_text(name)} has two different definitions; keep one of them")

    def _meaning(self, node: Mapping[str, Any], name: str) -> Any:
        """A definition without what can differ between two texts of the same type."""
        namespace = name.rpartition(".")[0]
        parts = {key: value for key, value in node.items() if key not in ("name", "namespace", *_NOTES)}
        if isinstance(parts.get("fields"), list):
            parts["fields"] = [self._meaning_of_field(field, namespace) for field in parts["fields"]]
        return parts

    def _meaning_of_field(self, field: Any, namespace: str) -> Any:
        if not isinstance(field, dict):
            return field
        parts = {key: value for key, value in field.items() if key not in _NOTES}
        return parts | {"type": self._meaning_of_use(field.get("type"), namespace)}

    def _meaning_of_use(self, node: Any, namespace: str) -> Any:
        """A type inside a definition. A named type is its full name, whether it is defined here or elsewhere."""
        if isinstance(node, list):
            return [self._meaning_of_use(branch, namespace) for branch in node]
        if isinstance(node, str):
            return self._resolved(node, namespace)
        if not isinstance(node, dict):
            return node
        if node.get("type") in NAMED:
            return full_name(node, namespace)
        inner = {key: self._meaning_of_use(node[key], namespace) for key in ("items", "values") if key in node}
        parts = {key: value for key, value in node.items() if key not in _NOTES} | inner
        if isinstance(node.get("type"), str):
            parts["type"] = self._resolved(node["type"], namespace)
        return parts["type"] if [*parts] == ["type"] else parts

    def _resolved(self, name: str, namespace: str) -> str:
        """The full name of a named type. Another name does not change."""
        if name in PRIMITIVES:
            return name
        defined = (choice for choice in candidates(name, namespace) if choice in self._definitions)
        return next(defined, name)

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
        full = self._resolved(name, namespace)
        if full in self._definitions:
            return self._use(full, depth)
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


def _logical_type(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return honoured_logical_type(node) or connect_logical_type(node)
