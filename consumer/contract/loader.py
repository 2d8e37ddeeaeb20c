"""The contract files of a folder, and which contract is for which record."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from consumer.avro.schema import AvroType
from consumer.contract.json_file import read_json_file
from consumer.contract.parser import parse_contract
from consumer.contract.rules import Contract
from consumer.errors import ContractError, MappingError
from consumer.outside_text import outside_text
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
    return parse_contract(path.name, read_json_file(path, path.name))


def choose_contract(contracts: Sequence[Contract], root: AvroType) -> Contract:
    """
    The contract with the most specific pattern for the record that the writer's schema describes.

    Raises MappingError `unknown_record` if there is no such contract, or if the value is no record.
    """
    if root.kind != "record":
        raise MappingError(Reason.UNKNOWN_RECORD, f"expected a record, not a value of type {root.kind}")
    candidates = [contract for contract in contracts if matches(contract.record, root.name)]
    if not candidates:
        raise MappingError(Reason.UNKNOWN_RECORD, f"no contract is for {outside_text(root.name)}")
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


def patterns_overlap(first: str, second: str) -> bool:
    """Whether some name matches both patterns, in which `*` is any text."""
    if "*" not in first:
        return matches(second, first)
    if "*" not in second:
        return matches(first, second)
    # What one pattern requires between its ends fits into a `*` of the other one. So only the ends can contradict.
    first_begin, first_end = _ends(first)
    second_begin, second_end = _ends(second)
    begins_fit = first_begin.startswith(second_begin) or second_begin.startswith(first_begin)
    return begins_fit and (first_end.endswith(second_end) or second_end.endswith(first_end))


def matches(pattern: str, name: str) -> bool:
    """Whether the name matches the pattern. The name is data, so a `*` in it is an ordinary character."""
    if "*" not in pattern:
        return name == pattern
    begin, end = _ends(pattern)
    if not name.startswith(begin) or not name.endswith(end):
        return False
    position = len(begin)
    for text in pattern.split("*")[1:-1]:
        position = name.find(text, position)
        if position < 0:
            return False
        position += len(text)
    return position + len(end) <= len(name)


def _ends(pattern: str) -> tuple[str, str]:
    """What a name must begin and end with."""
    return pattern.partition("*")[0], pattern.rpartition("*")[2]


def _conflicts(contracts: Sequence[Contract]) -> list[str]:
    mistakes = []
    for first, second in equally_specific(contracts):
        expected = f"a pattern that is more or less specific than that of {first.file}, because some records match both"
        mistakes.append(f"{second.file}: /x-record: expected {expected}")
    return mistakes
