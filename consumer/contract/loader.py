"""The contract files of a folder, and which contract is for which record."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

from consumer.avro.schema import AvroType
from consumer.contract.parser import parse_contract
from consumer.contract.rules import Contract
from consumer.errors import ContractError, MappingError
from consumer.jsonio import JsonError, loads
from consumer.reasons import Reason


def load_contracts(schemas_dir: Path) -> tuple[Contract, ...]:
    """
    The contracts in `segment/*.json` of the schemas' folder, in the order of their names.

    Raises ContractError with a line for each mistake in each of them: file, JSON pointer, what was expected.
    """
    folder = schemas_dir / "segment"
    contracts: list[Contract] = []
    mistakes: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            contracts.append(load_contract(path))
        except ContractError as error:
            mistakes += error.lines
    mistakes += _conflicts(contracts)
    if mistakes:
        raise ContractError(*mistakes)
    if not contracts:
        raise ContractError(f"{folder}: /: expected at least one contract, a file that ends in .json")
    return tuple(contracts)


def load_contract(path: Path) -> Contract:
    """One contract file. Raises ContractError with a line for each mistake."""
    try:
        value = loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ContractError(f"{path.name}: byte {error.start}: expected text in UTF-8") from None
    except JsonError as error:
        position = f"line {error.lineno}, column {error.colno}"
        raise ContractError(f"{path.name}: {position}: expected JSON: {error.msg}") from None
    except OSError as error:
        raise ContractError(f"{path.name}: /: expected a readable file: {error.strerror}") from None
    return parse_contract(path.name, value)


def choose_contract(contracts: Sequence[Contract], root: AvroType) -> Contract:
    """
    The contract with the most specific pattern for the record that the writer's schema describes.

    Raises MappingError `unknown_record` if there is no such contract, or if the value is no record.
    """
    if root.kind != "record":
        raise MappingError(Reason.UNKNOWN_RECORD, f"expected a record, not a value of type {root.kind}")
    candidates = [contract for contract in contracts if patterns_overlap(contract.record, root.name)]
    if not candidates:
        raise MappingError(Reason.UNKNOWN_RECORD, f"no contract is for {root.name}")
    return max(candidates, key=lambda contract: specificity(contract.record))


def specificity(pattern: str) -> tuple[bool, int]:
    """A name without `*` is more specific than any pattern. Of two patterns, the one with more text is."""
    return "*" not in pattern, len(pattern.replace("*", ""))


def equally_specific(contracts: Sequence[Contract]) -> Iterator[tuple[Contract, Contract]]:
    """Pairs of contracts that are equally specific for some record."""
    for first, second in combinations(contracts, 2):
        same = specificity(first.record) == specificity(second.record)
        if same and patterns_overlap(first.record, second.record):
            yield first, second


@cache
def patterns_overlap(first: str, second: str) -> bool:
    """Whether some name matches both patterns, in which `*` is any text. A name is a pattern, too."""
    if not first or not second:
        return set(first + second) <= {"*"}
    if first[0] == "*":
        return patterns_overlap(first[1:], second) or patterns_overlap(first, second[1:])
    if second[0] == "*":
        return patterns_overlap(second, first)
    return first[0] == second[0] and patterns_overlap(first[1:], second[1:])


def _conflicts(contracts: Sequence[Contract]) -> list[str]:
    mistakes = []
    for first, second in equally_specific(contracts):
        expected = f"a pattern that is more or less specific than that of {first.file}, because some records match both"
        mistakes.append(f"{second.file}: /x-record: expected {expected}")
    return mistakes
