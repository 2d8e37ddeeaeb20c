"""The skip rules of a contract (`x-skip`): which records are skipped, such as a record without a userId."""

import re
from collections.abc import Sequence
from typing import Any

from consumer.contract.annotations import ReportMistake, read_paths
from consumer.contract.keywords import SchemaPath, suggestion
from consumer.contract.rules import SPECIAL_SOURCES, Skip
from consumer.reasons import is_reserved

BLANK, IN, NOT_IN = "blank", "in", "not-in"
_TESTS = f'"{BLANK}" (null, empty or white space), {{"{IN}": [..]}} or {{"{NOT_IN}": [..]}}'
_FIELD_KEYS = ("when", "reason")
_TOP_KEYS = ("source", *_FIELD_KEYS)


def is_blank(value: Any) -> bool:
    """Null, empty, or nothing but white space."""
    return value is None or (type(value) is str and not value.strip())


def is_one_of(value: Any, values: Sequence[Any]) -> bool:
    """Whether the value is one of these, as JSON compares: true is not 1, and 1.0 is."""
    return any(value == listed and isinstance(value, bool) == isinstance(listed, bool) for listed in values)


def is_skipped(skip: Skip, value: Any) -> bool:
    """Whether the rule skips a record that has this value."""
    if skip.test == BLANK:
        return is_blank(value)
    return is_one_of(value, skip.values) == (skip.test == IN)


def read_skips(schema: dict[str, Any], report: ReportMistake) -> list[Skip]:
    """`x-skip` at the top: a list of rules, each with a source of its own."""
    rules = schema.get("x-skip", [])
    if not isinstance(rules, list):
        report(("x-skip",), f"a list of {_shape(_TOP_KEYS)}")
        return []
    skips = [_read_skip(rule, _TOP_KEYS, (), ("x-skip", index), report) for index, rule in enumerate(rules)]
    return [skip for skip in skips if skip]


def read_field_skip(
    schema: dict[str, Any], path: SchemaPath, sources: tuple[str, ...], report: ReportMistake
) -> Skip | None:
    """`x-skip` of a property with these sources, if the property has one."""
    if "x-skip" not in schema:
        return None
    path = (*path, "x-skip")
    skip = _read_skip(schema["x-skip"], _FIELD_KEYS, sources, path, report)
    if skip and skip.test == BLANK and "default" in schema:
        report(path, "no x-skip beside default, because a property with a default is never blank")
    if skip and skip.test != BLANK and set(sources) & set(SPECIAL_SOURCES):
        report((*path, "when"), f'"{BLANK}", because only fields of the record are compared with a list')
    return skip


def _read_skip(
    rule: Any, keys: tuple[str, ...], sources: tuple[str, ...], path: SchemaPath, report: ReportMistake
) -> Skip | None:
    expectation = _expected_keys(rule, keys)
    if expectation:
        report(path, expectation)
        return None
    if "source" in keys:
        sources = read_paths(rule["source"], (*path, "source"), (), report)
    reason, when = str(rule["reason"]), rule["when"]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", reason):
        report((*path, "reason"), "a word in snake_case, such as no_user_id")
    elif is_reserved(reason):
        report((*path, "reason"), f"a word of your own, because the service itself counts under {reason}")
    if isinstance(when, dict):
        return _read_list_test(when, (*path, "when"), sources, reason, report)
    if when != BLANK:
        report((*path, "when"), f"{_TESTS}{suggestion(when, (BLANK,))}")
    return Skip(sources, BLANK, (), reason)


def _read_list_test(
    when: dict[str, Any], path: SchemaPath, sources: tuple[str, ...], reason: str, report: ReportMistake
) -> Skip | None:
    if len(when) != 1 or not set(when) <= {IN, NOT_IN}:
        report(path, f"{_TESTS}{suggestion(next(iter(when), ''), (IN, NOT_IN))}")
        return None
    ((test, values),) = when.items()
    if not isinstance(values, list) or not values or any(isinstance(value, dict | list) for value in values):
        report((*path, test), 'a list of strings, numbers, true, false or null, such as ["test"]')
        return None
    return Skip(sources, test, tuple(values), reason)


def _expected_keys(rule: Any, keys: tuple[str, ...]) -> str:
    """The shape that is expected, and how the rule differs; "" for an object that has exactly these keys."""
    if not isinstance(rule, dict) or not rule:
        return _shape(keys)
    differences = [f"unknown key {key}{suggestion(key, keys)}" for key in rule if key not in keys]
    differences += [f"{key} is missing" for key in keys if key not in rule]
    if not differences:
        return ""
    return "; ".join([_shape(keys), *differences])


def _shape(keys: tuple[str, ...]) -> str:
    return "{" + ", ".join(f'"{key}": ..' for key in keys) + "}"
