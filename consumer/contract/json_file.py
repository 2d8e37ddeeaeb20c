"""The JSON files that people write: contracts and cases."""

from pathlib import Path
from typing import Any

from consumer.contract.rules import MAX_DEPTH
from consumer.errors import ContractError
from consumer.jsonio import JsonError, is_nested_deeper, loads_unique


def read_json_file(path: Path, name: str) -> Any:
    """The value in a file that errors call `name`. Raises ContractError, also for a key twice in an object."""
    try:
        value = loads_unique(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ContractError(f"{name}: byte {error.start}: expected text in UTF-8") from None
    except JsonError as error:
        position = f"line {error.lineno}, column {error.colno}"
        raise ContractError(f"{name}: {position}: expected JSON: {error.msg}") from None
    except OSError as error:
        raise ContractError(f"{name}: /: expected a readable file: {error.strerror}") from None
    if is_nested_deeper(value, MAX_DEPTH):
        raise ContractError(f"{name}: /: expected at most {MAX_DEPTH} lists and objects inside each other")
    return value
