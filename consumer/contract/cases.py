"""Example cases: a record, and the call that a contract must make of it, or why it makes none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer.contract.rules import pointer
from consumer.errors import ContractError
from consumer.jsonio import JsonError, dumps, loads

OUTCOMES = ("call", "has", "skipped", "unprocessable")
_NAMES = {"case", "schema", "record", "timestamp", "environment", *OUTCOMES}
_ABSENT = "nothing"


@dataclass(frozen=True, slots=True)
class Case:
    """
    One example. `expected` holds one of OUTCOMES, and the `environment` if the case says it.

    `schema` is a file in the schemas' folder, "" for the only one there; `timestamp` is Kafka's, in ms since 1970.
    """

    file: str
    name: str
    schema: str
    record: Any
    timestamp: int
    expected: Mapping[str, Any]


def read_cases(schemas_dir: Path) -> Sequence[Case]:
    """
    The cases in `cases/*.json` of the schemas' folder, in the order of the files and in them.

    Raises ContractError with a line for each mistake: file, JSON pointer, what was expected.
    """
    made: list[Case] = []
    mistakes: list[str] = []
    for path in sorted((schemas_dir / "cases").glob("*.json")):
        for place, found in _listed(path):
            wrong = found if isinstance(found, str) else _mistake(found)
            if wrong:
                mistakes.append(f"cases/{path.name}: {place}: expected {wrong}")
            else:
                made.append(_case(f"cases/{path.name}", found))
    if mistakes:
        raise ContractError(*mistakes)
    if not made:
        raise ContractError(f"{schemas_dir / 'cases'}: /: expected at least one file of cases that ends in .json")
    return made


def differences(expected: Mapping[str, Any], got: Mapping[str, Any]) -> Sequence[str]:
    """Where the outcome is another one than expected: a line for each place. Both as in `Case.expected`."""
    lines: list[str] = []
    for outcome, wanted in expected.items():
        if outcome == "has":
            found = got.get("call", {})
            lines += [line for place, one in wanted.items() for line in _differ(one, _at(found, place), place)]
        elif outcome == "unprocessable" and outcome in got:
            lines += [line for name, one in wanted.items() for line in _differ(one, got[outcome].get(name), name)]
        elif outcome in got:
            lines += _differ(wanted, got[outcome], "" if outcome == "call" else outcome)
    if not lines and not any("call" if one == "has" else one in got for one in expected if one in OUTCOMES):
        lines.append(f"expected {next(one for one in OUTCOMES if one in expected)}, got {dumps(dict(got)).decode()}")
    return lines


def _listed(path: Path) -> Iterator[tuple[str, Any]]:
    """The cases of a file with their places; a text says what is wrong."""
    try:
        value = loads(path.read_bytes())
    except (OSError, JsonError) as error:
        yield "/", f"readable JSON: {error}"
        return
    if not isinstance(value, list):
        yield "/", "a list of cases"
        return
    for index, one in enumerate(value):
        yield pointer(index), one if isinstance(one, dict) else 'an object with "case", "record" and what comes of it'


def _mistake(case: Mapping[str, Any]) -> str:
    if unknown := sorted(set(case) - _NAMES):
        return f"no {unknown[0]}: a case has {', '.join(sorted(_NAMES))}"
    if not isinstance(case.get("case"), str) or "record" not in case:
        return '"case", which says what it shows, and "record"'
    if sum(name in case for name in OUTCOMES) != 1:
        return f"exactly one of {', '.join(OUTCOMES)}"
    if not isinstance(case.get("timestamp", 0), int):
        return '"timestamp" in milliseconds since 1970'
    objects = [name for name in ("call", "has", "unprocessable") if not isinstance(case.get(name, {}), dict)]
    return f"an object as {objects[0]}" if objects else ""


def _case(file: str, given: Mapping[str, Any]) -> Case:
    expected = {name: given[name] for name in (*OUTCOMES, "environment") if name in given}
    return Case(file, given["case"], given.get("schema", ""), given["record"], given.get("timestamp", 0), expected)


def _differ(wanted: Any, got: Any, place: str) -> Iterator[str]:
    """Down to the smallest part that differs."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name in [*wanted, *(name for name in got if name not in wanted)]:
            inner = f"{place}{pointer(name)}"
            yield from _differ(wanted.get(name, _Absent), got.get(name, _Absent), inner)
    elif _shown(wanted) != _shown(got):
        yield f"{place or '/'}: expected {_shown(wanted)}, got {_shown(got)}"


class _Absent:
    """Stands for a value that is not there, which null is not."""


def _shown(value: Any) -> str:
    return _ABSENT if value is _Absent else dumps(value).decode()


def _at(value: Any, place: str) -> Any:
    for name in place.split("/")[1:]:
        if not isinstance(value, dict) or name not in value:
            return _Absent
        value = value[name]
    return value
