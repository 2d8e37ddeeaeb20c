"""For each writer's schema its contract, compiled to plain functions, with every event validated."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from consumer.avro.schema import AvroType, WriterSchema
from consumer.contract.allowed_rules import check_rules
from consumer.contract.code_generator import CodeGenerator
from consumer.contract.fast_steps import fast_step
from consumer.contract.field_plan import NotProven, exact_steps
from consumer.contract.json_text import KEY_REPEATED, count_nothing
from consumer.contract.loader import choose_contract, load_contracts
from consumer.contract.proof import EventRules, Proof
from consumer.contract.rules import ON_INVALID, Contract, Field, Object, fields_of
from consumer.contract.size_check import sized_steps
from consumer.contract.source_path import path_steps
from consumer.contract.validator import Validator
from consumer.contract.value_forms import CountInvalid
from consumer.errors import MappingError, RecordError
from consumer.jsonio import InexactInteger, dumps, dumps_exact
from consumer.model import Record
from consumer.reasons import Reason

_PARAMETERS = "decoded, record, message_id"


@dataclass(frozen=True, slots=True)
class CompiledContract:
    """
    A contract as functions over the decoded records of one writer's schema.

    `event(decoded, record, message_id)` is the event as JSON values, not yet validated. Values that are the same in
    each event are shared between the events, so that an event must not be changed. `event` raises RecordSkipped and
    MappingError (`missing_required`, or the reason of a conversion, each with a pointer).
    `large_event` is like `event`, for records that could take much memory: it raises MappingError `event_too_large`
    before it makes anything of a list, a map or a record that no event has room for, if no property skips the record.
    `environment(decoded)` is the Sprig environment, "" where the record names none. `fast_event` is like `event`, or
    raises NotProven, RecordError, OverflowError or ValueError where only `event` knows the event. What it returns obeys
    the contract and Segment's rules if it `is_proven`, except for integers beyond 2^53-1. Of a record, these functions
    use the `fields` with these names.
    """

    event: Callable[[Any, Record, str], dict[str, Any]]
    large_event: Callable[[Any, Record, str], dict[str, Any]]
    environment: Callable[[Any], str]
    fast_event: Callable[[Any, Record, str], dict[str, Any]]
    is_proven: bool
    fields: frozenset[str]


def compile_contract(
    contract: Contract,
    writer_root: AvroType,
    service_version: str,
    count_invalid: CountInvalid = count_nothing,
    rules: EventRules | None = None,
) -> CompiledContract:
    """
    `writer_root`: the type of the records, which is a record itself. `count_invalid` is called for each event.

    `rules`: those of the contract, if they were read before.
    """
    generator = CodeGenerator(writer_root, service_version, exact_steps(count_invalid))
    environment = Field("/environment", contract.environment, convert="string", default="")
    environment_value = generator.function("decoded", environment)

    def environment_name(decoded: Any) -> str:
        name = environment_value(decoded)
        return name if type(name) is str else ""

    sized_generator = CodeGenerator(writer_root, service_version, sized_steps(exact_steps(count_invalid)))

    @cache
    def exact_code() -> Callable[[Any, Record, str], dict[str, Any]]:  # only when it is needed, because it is large
        return generator.function(_PARAMETERS, contract.event, contract.skips)

    def event(decoded: Any, record: Record, message_id: str) -> dict[str, Any]:
        return exact_code()(decoded, record, message_id)

    @cache
    def sized_code() -> Callable[[Any, Record, str], dict[str, Any]]:
        return sized_generator.function(_PARAMETERS, contract.event, contract.skips)

    @cache
    def skip_code() -> Callable[[Any, Record, str], Any]:
        skipping = Object({field.pointer: field for field in fields_of(contract.event) if field.skip})
        steps = sized_steps(exact_steps(count_nothing))
        return CodeGenerator(writer_root, service_version, steps).function(_PARAMETERS, skipping)

    def large_event(decoded: Any, record: Record, message_id: str) -> dict[str, Any]:
        try:
            return sized_code()(decoded, record, message_id)
        except MappingError as error:
            if error.reason == Reason.EVENT_TOO_LARGE:
                with suppress(MappingError):  # a skip is decided whatever is too large
                    skip_code()(decoded, record, message_id)
            raise

    proof = Proof(rules or EventRules(contract, service_version))
    fast_generator = CodeGenerator(writer_root, service_version, fast_step, proof.check_of)
    fast_event = fast_generator.function(_PARAMETERS, contract.event, contract.skips)
    return CompiledContract(event, large_event, environment_name, fast_event, proof.is_whole, _used_fields(contract))


def _used_fields(contract: Contract) -> frozenset[str]:
    return frozenset(name for source in contract.sources for name in path_steps(source)[:1])


class ContractMapper:
    """Maps the records of one writer's schema to events that obey their contract and Segment's rules."""

    def __init__(self, compiled: CompiledContract, validator: Validator) -> None:
        self.environment: Callable[[Any], str] = compiled.environment
        self.fields = compiled.fields
        self._create_event, self._is_valid, self._check = compiled.event, validator.is_valid, validator.check
        self._fast_event, self._large_event = compiled.fast_event, compiled.large_event
        self._is_rest_valid = _always if compiled.is_proven else validator.is_valid

    def body(self, decoded: Any, record: Record, message_id: str, is_large: bool = False) -> bytes:
        """
        The JSON of `event`, by fast code where it can show that the event is the same. Raises as `event`.

        `is_large`: the record could take much memory. What no event has room for is then `event_too_large` at once: its
        copies, its JSON and the description of what is invalid could take several times the memory of the record.
        """
        if is_large:
            return dumps(self._valid(self._large_event(decoded, record, message_id)))
        try:
            event = self._fast_event(decoded, record, message_id)
        except (NotProven, RecordError, OverflowError, ValueError):
            return self.exact_body(decoded, record, message_id)
        if self._is_rest_valid(event):
            try:
                return dumps_exact(event)
            except InexactInteger:
                pass
        return self.exact_body(decoded, record, message_id)

    def exact_body(self, decoded: Any, record: Record, message_id: str) -> bytes:
        """The JSON of `event`. It costs more than twice the fast code."""
        return dumps(self.event(decoded, record, message_id))

    def event(self, decoded: Any, record: Record, message_id: str) -> dict[str, Any]:
        """Raises as `CompiledContract.event`, and MappingError `invalid` for an event that breaks a rule."""
        return self._valid(self._create_event(decoded, record, message_id))

    def _valid(self, event: dict[str, Any]) -> dict[str, Any]:
        if not self._is_valid(event):
            self._check(event)  # raises the error that names the rule
        return event


def _always(_: Any) -> bool:
    return True


class Contracts:
    """
    The contract files of a folder. Raises ContractError with all mistakes in them.

    `invalid_values` counts the values that could not be sent, by what `x-on-invalid` made of them; and JSON texts with
    a key twice.
    """

    def __init__(self, schemas_dir: Path, service_version: str) -> None:
        self.invalid_values: Counter[str] = Counter(dict.fromkeys((*ON_INVALID[1:], KEY_REPEATED), 0))
        self.contracts = load_contracts(schemas_dir)
        self._validators = {contract.file: Validator(contract.schema) for contract in self.contracts}
        self._rules = {contract.file: EventRules(contract, service_version) for contract in self.contracts}
        self._version = service_version

    def mapper(self, schema: WriterSchema) -> ContractMapper:
        """Raises MappingError: `unknown_record` for records that no contract is for; `schema_rule`."""
        contract = choose_contract(self.contracts, schema.root)
        check_rules(contract, schema.rules)
        rules = self._rules[contract.file]
        compiled = compile_contract(contract, schema.root, self._version, self._count_invalid, rules)
        return ContractMapper(compiled, self._validators[contract.file])

    def _count_invalid(self, action: str) -> None:
        self.invalid_values[action] += 1
