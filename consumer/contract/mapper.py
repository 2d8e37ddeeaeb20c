"""The room's door: for each writer's schema its contract, compiled, with every call validated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from consumer.avro.schema import WriterSchema
from consumer.contract.choose import choose
from consumer.contract.compiler import Mapping, compile_contract
from consumer.contract.loader import load_contracts
from consumer.contract.validator import Validator
from consumer.model import Message


class Mapper:
    """Makes calls that obey their contract and Segment's rules, of the records of one writer's schema."""

    def __init__(self, mapping: Mapping, validator: Validator) -> None:
        self.environment: Callable[[Any], str] = mapping.environment
        self._map, self._is_valid, self._check = mapping.call, validator.is_valid, validator.check

    def call(self, record: Any, message: Message, message_id: str) -> dict[str, Any]:
        """Raises SkipRecord, and UnprocessableRecord as in `Mapping`, or `invalid` for a call that breaks a rule."""
        call = self._map(record, message, message_id)
        if not self._is_valid(call):
            self._check(call)  # says why not
        return call


class Contracts:
    """The contract files of a folder. Raises ContractError with all mistakes in them."""

    def __init__(self, schemas_dir: Path, service_version: str) -> None:
        self._contracts = load_contracts(schemas_dir)
        self._validators = {contract.file: Validator(contract.schema) for contract in self._contracts}
        self._version = service_version

    def mapper(self, schema: WriterSchema) -> Mapper:
        """Raises UnprocessableRecord `unknown_record` for records that no contract is for."""
        contract = choose(self._contracts, schema.root)
        return Mapper(compile_contract(contract, schema.root, self._version), self._validators[contract.file])
