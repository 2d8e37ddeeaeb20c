"""Parsed types in the form that the library decodes with: strict about numbers and depth, without logical types."""

from collections.abc import Collection, Container, Mapping
from typing import Any

from consumer.avro.connect_types import VARIABLE_SCALE_DECIMAL
from consumer.avro.logical_types import LOGICAL, TEXT_TYPE, text_form
from consumer.avro.recursion import RECORDS
from consumer.avro.schema_names import COMPLEX, PRIMITIVES
from consumer.errors import DecodingError
from consumer.reasons import Reason

_TAKEN = (*COMPLEX, "union", "error_union")
"""Names that the library takes for kinds of types, also where they are the names of types without a namespace."""


class _TooDeep(dict[int, str]):
    """The symbols of an enum that stands where a recursive type is too deep: looking one up rejects the record."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels

    def __missing__(self, symbol: int) -> str:
        raise DecodingError(
            Reason.NESTED_TOO_DEEP, f"records of a recursive type inside each other, {self.levels} at most"
        )


class StrictTypes:
    """
    Parsed types with a dict in place of each list that the library indexes with a number of the value.

    The library looks up `branches[number]` and `symbols[number]`. In a list a number below zero counts from the end, so
    damaged bytes would become a good value. A dict has no such number, and looking up in it takes no longer. It serves
    for decoding only. A type that is used twice has one strict form; a type that is or has a record of `recursive` has
    one for each level, and what is behind the last level cannot be read. Source: fastavro 1.13 (_read.pyx: read_union,
    read_enum, extract_record_type).

    Values are decoded to Avro's primitive types. Only `texts`, the types of ambiguous unions, and decimals with a scale
    of their own become text at once.
    """

    def __init__(
        self,
        names: Mapping[str, Any],
        texts: Container[int] = (),
        recursive: Collection[str] = (),
        levels: int = 0,
    ) -> None:
        """
        `names`: the definitions of the named types. They must live as long as this object.

        `texts`: the identities of the parsed types in ambiguous unions (`consumer.avro.ambiguous_unions`).
        """
        self._forms: dict[tuple[int, int], Any] = {}  # by the identity of the parsed type, and the level
        self._definitions, self._texts = names, texts
        self._recursive, self._levels = recursive, levels
        self.names = {
            name: self.strict(definition) for name, definition in names.items() if name not in self._recursive
        }

    def strict(self, parsed: Any, level: int = 0) -> Any:
        """The strict form of a type inside `level` recursive records."""
        if isinstance(parsed, str) and (parsed in self._recursive or parsed in _TAKEN):
            parsed = self._definitions[parsed]
        if not isinstance(parsed, dict | list):
            return parsed
        key = id(parsed), level
        if key not in self._forms:
            self._forms[key] = self._new_form(parsed, level)
        return self._forms[key]

    def _new_form(self, parsed: Any, level: int) -> Any:
        if isinstance(parsed, list):
            branches = {number: self.strict(branch, level) for number, branch in enumerate(parsed)}
            return {"type": "union", **branches}
        if parsed["type"] in RECORDS and parsed["name"] in self._recursive:
            if level == self._levels:
                return {"type": "enum", "name": parsed["name"], "symbols": _TooDeep(level)}
            level += 1
        form = {name: attribute for name, attribute in parsed.items() if name != "logicalType"}
        if self._becomes_text(parsed):
            return {**form, "logicalType": TEXT_TYPE, LOGICAL: parsed["logicalType"]}
        if parsed["type"] in PRIMITIVES:
            return parsed["type"]  # looking up in a dict takes longer
        return {**form, **self._strict_parts(parsed, level)}

    def _becomes_text(self, parsed: Mapping[str, Any]) -> bool:
        """Whether a value is text already when it is decoded. In the tree a decimal with its own scale is a text."""
        logical = parsed.get("logicalType", "")
        if logical == VARIABLE_SCALE_DECIMAL:
            return True
        return id(parsed) in self._texts and text_form(parsed["type"], logical, 0) is not None

    def _strict_parts(self, parsed: Mapping[str, Any], level: int) -> Mapping[str, Any]:
        match parsed["type"]:
            case "record" | "error":
                return {"fields": [{**field, "type": self.strict(field["type"], level)} for field in parsed["fields"]]}
            case "enum":
                return {"symbols": dict(enumerate(parsed["symbols"]))}
            case "array":
                return {"items": self.strict(parsed["items"], level)}
            case "map":
                return {"values": self.strict(parsed["values"], level)}
        return {}


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
