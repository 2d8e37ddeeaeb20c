"""The names of the types in a schema's JSON value: which types it defines, and which it takes from elsewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from consumer.errors import UnsafeSchema
from consumer.outside_text import outside_text

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
NAMED = ("record", "error", "enum", "fixed")
COMPLEX = (*NAMED, "array", "map")
BAD_FORM = "a part of it does not have the form that the Avro specification gives it"


def undefined_names(schema: object) -> Iterator[Sequence[str]]:
    """For each use of a type that the schema does not define: the full names that the type can have, in order."""
    defined = {*defined_names(schema)}
    for name, namespace in _uses(schema, ""):
        choices = candidates(name, namespace)
        if defined.isdisjoint(choices):
            yield choices


def defined_names(schema: object) -> Iterator[str]:
    """The full names of the types that a schema defines."""
    for node, namespace in definitions(schema):
        yield full_name(node, namespace)


def attribute(node: Mapping[str, Any], name: str) -> Any:
    if name not in node:
        raise UnsafeSchema(f"a type without {outside_text(repr(name))}")
    return node[name]


def full_name(node: Mapping[str, Any], namespace: str) -> str:
    """Source: Avro specification, "Names". An empty namespace means none, also inside a type that has a namespace."""
    name = attribute(node, "name")
    if not isinstance(name, str) or not name.strip("."):
        raise UnsafeSchema(f"{BAD_FORM}: the name of a type is a text")
    if "." in name:
        return name.removeprefix(".")
    own = node.get("namespace")
    return f"{own if isinstance(own, str) else namespace}.{name}".removeprefix(".")


def candidates(name: str, namespace: str) -> Sequence[str]:
    """The full names that a name can stand for."""
    if "." in name or not namespace:
        return (name.removeprefix("."),)
    return (f"{namespace}.{name}", name)


def definitions(schema: object) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The definitions of named types, each with the namespace around it, outermost first."""
    for node, namespace in _nodes(schema, ""):
        if isinstance(node, dict) and node.get("type") in NAMED:
            yield node, namespace


def _uses(schema: object, namespace: str) -> Iterator[tuple[str, str]]:
    for node, around in _nodes(schema, namespace):
        name = node.get("type") if isinstance(node, dict) else node
        if isinstance(name, str) and name not in (*PRIMITIVES, *COMPLEX):
            yield name, around


def _nodes(node: Any, namespace: str) -> Iterator[tuple[Any, str]]:
    """Each type of a schema with the namespace around it. Parts that have another form than Avro's are passed over."""
    if isinstance(node, str | dict):
        yield node, namespace
    for inner, inner_namespace in _inner(node, namespace):
        yield from _nodes(inner, inner_namespace)


def _inner(node: Any, namespace: str) -> Iterable[tuple[Any, str]]:
    if isinstance(node, list):
        return [(branch, namespace) for branch in node]
    if not isinstance(node, dict):
        return ()
    match node.get("type"):
        case "array":
            return [(node.get("items"), namespace)]
        case "map":
            return [(node.get("values"), namespace)]
        case "record" | "error" if isinstance(node.get("fields"), list):
            inner_namespace = full_name(node, namespace).rpartition(".")[0]
            return [(field.get("type"), inner_namespace) for field in node["fields"] if isinstance(field, dict)]
    return ()
