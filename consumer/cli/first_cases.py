"""A first contract with cases, whose expected outcomes are those of the contract itself."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from consumer.avro.json_to_avro import encode_json
from consumer.avro.schema import WriterSchema
from consumer.cli.contract_cases import map_record
from consumer.contract.compiler import ContractMapper, compile_contract
from consumer.contract.first_contract import NO_USER_ID, FirstContract, first_contract
from consumer.contract.parser import parse_contract
from consumer.contract.rules import KAFKA_TIMESTAMP, SERVICE_VERSION, Contract, fields_of
from consumer.contract.sample_record import SECONDS, Sampler
from consumer.contract.source_path import path_steps
from consumer.contract.validator import Validator
from consumer.errors import UsageError

_TIME = SECONDS * 1000
"""The time of the Kafka records in ms since 1970."""


class Draft(NamedTuple):
    """A first contract, as its JSON value and as its rules, and its cases as they are written in a file."""

    first: FirstContract
    contract: Contract
    cases: list[dict[str, Any]]


def draft_contract(schema: WriterSchema, branch: WriterSchema, words: Sequence[str]) -> Draft | None:
    """
    The draft of a contract for a type of record; None if no field of the record can be the userId.

    `branch` is the record: a branch of `schema`, or the whole schema if it is no union. `words` are those of the name
    of the event and of the contract's file. There is no case if the schema reads the samples as another record.
    """
    name = " ".join(word[:1].upper() + word[1:] for word in words)
    first = first_contract(branch.root, name, schema.label)
    if first is None:
        return None
    contract = parse_contract(f"{'-'.join(words).lower()}.json", first.schema)
    return Draft(first, contract, _Cases(schema, branch, first, contract).all())


class _Cases:
    """Writes the cases of one contract."""

    def __init__(self, schema: WriterSchema, branch: WriterSchema, first: FirstContract, contract: Contract) -> None:
        self._schema, self._branch, self._contract = schema, branch, contract
        self._user = str(first.schema["properties"]["userId"]["x-source"])
        self._full = Sampler(first.known).value(branch.root)
        self._sparse = Sampler(first.known, is_sparse=True, kept=self._user).value(branch.root)
        compiled = compile_contract(contract, branch.root, SERVICE_VERSION)
        self._mapper = ContractMapper(compiled, Validator(contract.schema))

    def all(self) -> list[dict[str, Any]]:
        """
        A record with all values, one with as few as possible, and one without a user id if the schema allows that.

        Raises UsageError.
        """
        cases = [self._case("every field has a value", self._full)]
        if self._sparse != self._full:
            cases.append(self._case("only the user id has a value where null is allowed", self._sparse))
        cases.append(self._skipped())
        return [case for case in cases if case]

    def _skipped(self) -> dict[str, Any] | None:
        for blank in (None, ""):
            try:
                case = self._case(
                    "a record without a user id is skipped", _replaced(self._full, path_steps(self._user), blank)
                )
            except UsageError:  # the type of the user id does not allow this value
                continue
            if case and case.get("skipped") == NO_USER_ID:
                return case
        return None

    def _case(self, name: str, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """The case of a record; None if the schema reads the record as another branch. Raises UsageError."""
        branch, decoded = encode_json(self._schema, record)
        if branch is not self._branch:
            return None
        outcome = dict(map_record(lambda _: self._mapper, branch, decoded, _TIME))
        case: dict[str, Any] = {"case": name, "record": record}
        if any(KAFKA_TIMESTAMP in field.sources for field in fields_of(self._contract.event)):
            case["timestamp"] = _TIME
        environment = outcome.pop("environment", None)
        if self._contract.environment and environment is not None:
            case["environment"] = environment
        return {**case, **outcome}


def _replaced(record: Mapping[str, Any], steps: Sequence[str], value: Any) -> dict[str, Any]:
    """The record with another value at a path."""
    name, *rest = steps
    return {**record, name: _replaced(record[name], rest, value) if rest else value}
