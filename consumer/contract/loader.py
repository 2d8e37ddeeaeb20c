"""The contract files of a folder, read and checked."""

from collections.abc import Sequence
from pathlib import Path

from consumer.contract.choose import rivals
from consumer.contract.parser import read
from consumer.contract.rules import Contract
from consumer.errors import ContractError
from consumer.jsonio import JsonError, loads


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
        where = f"line {error.lineno}, column {error.colno}"
        raise ContractError(f"{path.name}: {where}: expected JSON: {error.msg}") from None
    except OSError as error:
        raise ContractError(f"{path.name}: /: expected a readable file: {error.strerror}") from None
    return read(path.name, value)


def _conflicts(contracts: Sequence[Contract]) -> list[str]:
    return [
        f"{other.file}: /x-record: expected a record that {one.file} is not just as specifically for"
        for one, other in rivals(contracts)
    ]
