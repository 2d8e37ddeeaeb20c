"""Parsed types in the form that the Avro library decodes with: strict about numbers, and without logical types."""

from collections.abc import Container, Mapping
from typing import Any

from consumer.avro.logical_types import LOGICAL, TEXT_TYPE, text_form
from consumer.avro.schema import PRIMITIVES


class StrictTypes:
    """
    Parsed types with a dict in place of each list that the library indexes with a number of the value.

    The library looks up `branches[number]` and `symbols[number]`. In a list a number below zero counts from the end, so
    damaged bytes would become a good value. A dict has no such number, and looking up in it takes no longer. It serves
    for decoding only. A type that is used twice has one strict form. Source: fastavro 1.13 (_read.pyx: read_union,
    read_enum, extract_record_type).

    Values are decoded to Avro's primitive types. Only `texts`, the types of ambiguous unions, become text at once.
    """

    def __init__(self, names: Mapping[str, Any], texts: Container[int] = ()) -> None:
        """
        `names`: the definitions of the named types. They must live as long as this object.

        `texts`: the identities of the parsed types in ambiguous unions (`consumer.avro.ambiguous_unions`).
        """
        self._forms: dict[int, Any] = {}  # by the identity of the parsed type
        self._texts = texts
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
        form = {name: attribute for name, attribute in parsed.items() if name != "logicalType"}
        logical, parts = parsed.get("logicalType", ""), self._strict_parts(parsed)
        if id(parsed) in self._texts and text_form(parsed["type"], logical, 0):
            return {**form, "logicalType": TEXT_TYPE, LOGICAL: logical}
        if parsed["type"] in PRIMITIVES:
            return parsed["type"]  # looking up in a dict takes longer
        return {**form, **parts}

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
