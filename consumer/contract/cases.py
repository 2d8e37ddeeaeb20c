"""Example cases: a record, and the event that a contract must make of it, or the reason why there is none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer.contract.json_file import read_json_file
from consumer.contract.rules import MISSING
from consumer.errors import ContractError
from consumer.jsonio import dumps, json_pointer

OUTCOMES = ("event", "has", "skipped", "rejected")
_KEYS = {"case", "schema", "record", "timestamp", "environment", *OUTCOMES}


@dataclass(frozen=True, slots=True)
class Case:
    """
    One example. `expected` holds one of OUTCOMES, and the `environment` if the case names one.

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
    cases: list[Case] = []
    mistakes: list[str] = []
    for path in sorted((schemas_dir / "cases").glob("*.json")):
        try:
            cases += _read_file(path)
        except ContractError as error:
            mistakes += error.lines
    if mistakes:
        raise ContractError(*mistakes)
    if not cases:
        raise ContractError(f"{schemas_dir / 'cases'}: /: expected at least one file of cases that ends in .json")
    return cases


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Sequence[str]:
    """Where the actual outcome differs from the expected one: a line for each place. Both as in `Case.expected`."""
    lines: list[str] = []
    if not {"event", "has"}.isdisjoint(expected) and "event" not in actual:
        return [f"expected an event, but {_text_of(actual)}"]
    for key, value in expected.items():
        if key == "has":
            for pointer, part in value.items():
                lines += _differences(part, _at(actual["event"], pointer), pointer)
        elif key == "rejected" and key in actual:
            for name, part in value.items():
                lines += _differences(part, actual[key].get(name), name)
        elif key == "event" and key in actual:
            lines += _differences(value, actual[key], "")
        elif key in actual:
            lines += _differences(value, actual[key], key)
    outcome = next(name for name in OUTCOMES if name in expected)
    if not lines and outcome not in {**actual, "has": None}:
        lines.append(f"expected {outcome}, but {_text_of(actual)}")
    return lines


def _text_of(actual: Mapping[str, Any]) -> str:
    """What became of a record, for people."""
    if "event" in actual:
        return f"the record becomes an event: {_text(actual['event'])}"
    if "skipped" in actual:
        return f"the record is skipped as {actual['skipped']}"
    reason, detail = actual["rejected"]["reason"], actual["rejected"]["detail"]
    return f"the record is rejected as {': '.join(filter(None, (reason, detail)))}"


def _read_file(path: Path) -> list[Case]:
    file = f"cases/{path.name}"
    values = read_json_file(path, file)
    if not isinstance(values, list):
        raise ContractError(f"{file}: /: expected a list of cases")
    expectations = [(json_pointer(index), _expectation(value)) for index, value in enumerate(values)]
    mistakes = [f"{file}: {pointer}: expected {expectation}" for pointer, expectation in expectations if expectation]
    if mistakes:
        raise ContractError(*mistakes)
    return [_case(file, value) for value in values]


def _expectation(case: Any) -> str:
    """What was expected in place of a case that is wrong, "" for a case without a mistake."""
    if not isinstance(case, dict):
        return 'an object with "case", "record" and the expected outcome'
    unknown = sorted(set(case) - _KEYS)
    if unknown:
        return f"no {unknown[0]}: a case has {', '.join(sorted(_KEYS))}"
    if not isinstance(case.get("case"), str) or "record" not in case:
        return '"case", which describes the example, and "record"'
    if sum(name in case for name in OUTCOMES) != 1:
        return f"exactly one of {', '.join(OUTCOMES)}"
    if not isinstance(case.get("timestamp", 0), int):
        return '"timestamp" in milliseconds since 1970'
    for name in ("event", "has", "rejected"):
        if not isinstance(case.get(name, {}), dict):
            return f"an object as {name}"
    return ""


def _case(file: str, case: Mapping[str, Any]) -> Case:
    expected = {name: case[name] for name in (*OUTCOMES, "environment") if name in case}
    return Case(file, case["case"], case.get("schema", ""), case["record"], case.get("timestamp", 0), expected)


def _differences(expected: Any, actual: Any, pointer: str) -> Iterator[str]:
    """Down to the smallest parts that differ."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in dict.fromkeys([*expected, *actual]):
            inner = f"{pointer}{json_pointer(name)}"
            yield from _differences(expected.get(name, MISSING), actual.get(name, MISSING), inner)
    elif _text(expected) != _text(actual):
        yield f"{pointer or '/'}: expected {_text(expected)}, got {_text(actual)}"


def _text(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    return dumps(value).decode()


def _at(value: Any, pointer: str) -> Any:
    for name in pointer.split("/")[1:]:
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value
