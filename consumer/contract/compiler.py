"""For each writer's schema its contract, compiled to plain functions, with every event validated."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer.avro.schema import AvroType, WriterSchema
from consumer.contract.code_generator import CodeGenerator
from consumer.contract.loader import choose_contract, load_contracts
from consumer.contract.rules import ON_INVALID, Contract, Field
from consumer.contract.validator import Validator
from consumer.contract.value_forms import CountInvalid, count_nothing
from consumer.model import Record


@dataclass(frozen=True, slots=True)
class CompiledContract:
    """
    A contract as functions over the decoded records of one writer's schema.

    `event(decoded, record, message_id)` is the event as JSON values, not yet validated. Values that are the same in
    each event are shared between the events, so that an event must not be changed. `event` raises RecordSkipped and
    MappingError (`missing_required`, or the reason of a conversion, each with a pointer).
    `environment(decoded)` is the Sprig environment, "" where the record names none.
    """

    event: Callable[[Any, Record, str], dict[str, Any]]
    environment: Callable[[Any], str]


def compile_contract(
    contract: Contract, writer_root: AvroType, service_version: str, count_invalid: CountInvalid = count_nothing
) -> CompiledContract:
    """`writer_root`: the type of the records, which is a record itself. `count_invalid` is called for each event."""
    generator = CodeGenerator(writer_root, service_version, count_invalid)
    environment = Field("/environment", contract.environment, convert="string", default="")
    environment_value = generator.function("decoded", environment)

    def environment_name(decoded: Any) -> str:
        name = environment_value(decoded)
        return name if type(name) is str else ""

    event = generator.function("decoded, record, message_id", contract.event, contract.skips)
    return CompiledContract(event, environment_name)


class ContractMapper:
    """Maps the records of one writer's schema to events that obey their contract and Segment's rules."""

    def __init__(self, compiled: CompiledContract, validator: Validator) -> None:
        self.environment: Callable[[Any], str] = compiled.environment
        self._create_event, self._is_valid, self._check = compiled.event, validator.is_valid, validator.check

    def event(self, decoded: Any, record: Record, message_id: str) -> dict[str, Any]:
        """Raises as `CompiledContract.event`, and MappingError `invalid` for an event that breaks a rule."""
        event = self._create_event(decoded, record, message_id)
        if not self._is_valid(event):
            self._check(event)  # raises the error that names the rule
        return event


class Contracts:
    """
    The contract files of a folder. Raises ContractError with all mistakes in them.

    `invalid_values` counts the values that could not be sent, by what `x-on-invalid` made of them.
    """

    def __init__(self, schemas_dir: Path, service_version: str) -> None:
        self.invalid_values: Counter[str] = Counter(dict.fromkeys(ON_INVALID[1:], 0))
        self.contracts = load_contracts(schemas_dir)
        self._validators = {contract.file: Validator(contract.schema) for contract in self.contracts}
        self._version = service_version

    def mapper(self, schema: WriterSchema) -> ContractMapper:
        """Raises MappingError `unknown_record` for records that no contract is for."""
        contract = choose_contract(self.contracts, schema.root)
        compiled = compile_contract(contract, schema.root, self._version, self._count_invalid)
        return ContractMapper(compiled, self._validators[contract.file])

    def _count_invalid(self, treatment: str) -> None:
        self.invalid_values[treatment] += 1
