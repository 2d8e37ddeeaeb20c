"""Parsed schemas in a form in which the Avro library refuses a number below zero for a branch or a symbol."""

from collections.abc import Mapping
from typing import Any


class StrictTypes:
    """
    Parsed types with a dict in place of each list that the library indexes with a number of the value.

    The library looks up `branches[number]` and `symbols[number]`. In a list a number below zero counts from the end, so
    damaged bytes would become a good value. A dict has no such number, and looking up in it takes no longer. It serves
    for decoding only. A type that is used twice has one strict form. Source: fastavro 1.13 (_read.pyx: read_union,
    read_enum, extract_record_type).
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        """`names`: the definitions of the named types. They must live as long as this object."""
        self._forms: dict[int, Any] = {}  # by the identity of the parsed type
        self.names = {name: self.strict(definition) for name, definition in names.items()}

    def strict(self, parsed: Any) -> Any:
        """The strict form of a type."""
        if not isinstance(parsed, dict | list):
            return parsed
        if id(parsed) not in self._forms:
            self._forms[id(parsed)] = self._new_form(parsed)
        return self._forms[id(parsed)]

    def _new_form(self, parsed: Any) -> Any:
        if isinstance(parsed, list):
            return {"type": "union", **{number: self.strict(branch) for number, branch in enumerate(parsed)}}
        return {**parsed, **self._strict_parts(parsed)}

    def _strict_parts(self, parsed: Mapping[str, Any]) -> Mapping[str, Any]:
        match parsed["type"]:
            case "record" | "error":
                return {"fields": [{**field, "type": self.strict(field["type"])} for field in parsed["fields"]]}
            case "enum":
                return {"symbols": dict(enumerate(parsed["symbols"]))}
            case "array":
                return {"items": self.strict(parsed["items"])}
            case "map":
                return {"values": self.strict(parsed["values"])}
        return {}
