"""The values that each annotation of a contract can have."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from consumer.contract.conversions import CONVERSIONS
from consumer.contract.keywords import SchemaPath, suggestion
from consumer.contract.rules import (
    DEFAULT_SEPARATOR,
    JOIN,
    KAFKA_MESSAGE_ID,
    KAFKA_TIMESTAMP,
    LABEL,
    LIST_FORMS,
    ON_INVALID,
    REJECT,
    SERVICE_VERSION,
    SPECIAL_SOURCES,
)
from consumer.contract.source_path import path_steps

_FOR_SPECIAL_SOURCES = {KAFKA_TIMESTAMP: ("iso-8601", "string"), KAFKA_MESSAGE_ID: (), SERVICE_VERSION: ()}
_TEXTS = (KAFKA_MESSAGE_ID, SERVICE_VERSION)
_EXPECTED_FOR_SPECIAL_SOURCES = {
    KAFKA_TIMESTAMP: f"iso-8601 or string, because {KAFKA_TIMESTAMP} is in milliseconds",
    KAFKA_MESSAGE_ID: f"no x-convert, because {KAFKA_MESSAGE_ID} is text that stays as it is",
    SERVICE_VERSION: f"no x-convert, because {SERVICE_VERSION} is text that stays as it is",
}
"""Which conversions have an effect on a source that is no field of the record."""

NOT_IN_RECORD_NAMES = r"[^\w.$-]+"
"""What is no part of a full name: names have no blanks or commas, even where a registry does not check them."""

ReportMistake = Callable[[SchemaPath, str], None]
"""Takes a mistake's place, and what was expected there."""


def read_record(schema: Mapping[str, Any], report: ReportMistake) -> str:
    """`x-record`."""
    name = schema.get("x-record")
    if isinstance(name, str) and name and not re.search(rf"(?!\*){NOT_IN_RECORD_NAMES}", name):
        return name
    report(("x-record",), 'the full name of an Avro record such as "com.acme.Answer"; * matches any text')
    return ""


def read_environment(schema: Mapping[str, Any], report: ReportMistake) -> tuple[str, ...]:
    """The paths of `x-environment`, none without it."""
    if "x-environment" not in schema:
        return ()
    return read_paths(schema["x-environment"], ("x-environment",), (), report)


def read_allowed_rules(schema: Mapping[str, Any], report: ReportMistake) -> tuple[str, ...]:
    """The names in `x-allow-rules`, none without it."""
    names = schema.get("x-allow-rules", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        report(("x-allow-rules",), 'a list of names of rules in the schema registry, such as ["encryptPII"]')
        return ()
    return tuple(names)


def read_sources(schema: Mapping[str, Any], path: SchemaPath, report: ReportMistake) -> tuple[str, ...]:
    """`x-source` of a property that has one."""
    return read_paths(schema["x-source"], (*path, "x-source"), SPECIAL_SOURCES, report)


def read_conversion(
    schema: Mapping[str, Any], path: SchemaPath, sources: tuple[str, ...], report: ReportMistake
) -> str:
    """`x-convert` of a property with these sources, "" without it."""
    if "x-convert" not in schema:
        return ""
    value, names = schema["x-convert"], (*CONVERSIONS, LABEL)
    path = (*path, "x-convert")
    if value not in names:
        report(path, f"one of {', '.join(names)}{suggestion(value, names)}")
        return ""
    makes_text_of_fields = value == "string" and not set(sources) <= set(SPECIAL_SOURCES)
    for source in sources:
        if source in _TEXTS and makes_text_of_fields:
            continue
        if source in SPECIAL_SOURCES and value not in _FOR_SPECIAL_SOURCES[source]:
            report(path, _EXPECTED_FOR_SPECIAL_SOURCES[source])
    return str(value)


def read_labels(schema: Mapping[str, Any], path: SchemaPath, report: ReportMistake) -> Mapping[str, Any]:
    """`x-labels`, which the conversion to labels requires and no other conversion has."""
    labels = schema.get("x-labels")
    if schema.get("x-convert") != LABEL:
        if labels is not None:
            report(
                (*path, "x-labels"), f'"x-convert": "{LABEL}" beside x-labels, because no other conversion uses labels'
            )
        return {}
    if not isinstance(labels, dict) or not labels:
        report((*path, "x-labels"), 'a label for each value, such as {"OPEN": "open question"}')
        return {}
    return labels


def read_list_form(schema: Mapping[str, Any], path: SchemaPath, sources: tuple[str, ...], report: ReportMistake) -> str:
    """`x-list` of a property with these sources, "" without it."""
    if "x-list" not in schema:
        return ""
    value = schema["x-list"]
    if value not in LIST_FORMS:
        report((*path, "x-list"), f"one of {', '.join(LIST_FORMS)}{suggestion(value, LIST_FORMS)}")
        return ""
    for source in sources:
        if source in SPECIAL_SOURCES:
            report((*path, "x-list"), f"no x-list, because {source} is no list")
    return str(value)


def read_separator(schema: Mapping[str, Any], path: SchemaPath, report: ReportMistake) -> str:
    """`x-separator`, which only joined lists have."""
    separator = schema.get("x-separator", DEFAULT_SEPARATOR)
    if "x-separator" in schema and schema.get("x-list") != JOIN:
        report((*path, "x-separator"), f'"x-list": "{JOIN}" beside x-separator, because nothing else is joined')
    elif not isinstance(separator, str):
        report((*path, "x-separator"), f'a text such as "{DEFAULT_SEPARATOR}"')
    return str(separator)


def read_on_invalid(schema: Mapping[str, Any], path: SchemaPath, report: ReportMistake) -> str:
    """`x-on-invalid` of a property; `reject` without it."""
    value = schema.get("x-on-invalid", REJECT)
    if value not in ON_INVALID:
        report((*path, "x-on-invalid"), f"one of {', '.join(ON_INVALID)}{suggestion(value, ON_INVALID)}")
    return str(value)


def read_paths(value: Any, path: SchemaPath, special: tuple[str, ...], report: ReportMistake) -> tuple[str, ...]:
    """One path into a record, or a list of paths. Of the sources that begin with $, the `special` ones are allowed."""
    paths = value
    if isinstance(value, str):
        paths = [value]
    if not isinstance(paths, list) or not all(isinstance(source, str) and path_steps(source) for source in paths):
        report(path, 'a path such as "a.b", or a list of paths; a name with a dot is in backticks: `a.b`.c')
        return ()
    if not paths:
        report(path, "at least one path")
    for source in paths:
        if source.startswith("$") and source not in special:
            alternatives = "".join(f", or {name}" for name in special)
            hint = suggestion(source, special)
            escape = f"; a field of this name is `{path_steps(source)[0]}`, in backticks"
            report(path, f'a path in the record such as "a.b"{alternatives}, but not {source}{hint or escape}')
        if re.search(r"\[\d*\*?\](\.|$)", re.sub(r"`[^`]*`", "", source)):
            reason = "a path leads through records and maps, and a list is sent as a whole"
            report(path, f"a path without an index, unlike {source}: {reason}")
    return tuple(paths)
