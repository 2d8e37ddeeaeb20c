"""A contract and a writer's schema, compiled to plain functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consumer.avro.schema import AvroType
from consumer.contract.code_generator import Code
from consumer.contract.rules import Contract, Field
from consumer.model import Message


@dataclass(frozen=True, slots=True)
class Mapping:
    """
    What a contract makes of the records of one writer's schema.

    `call(record, message, message_id)` is the call as JSON values, still to be validated; what is the same in each
    call is shared between them, so it is for reading only. It raises SkipRecord and UnprocessableRecord
    (`missing_required`, or as the conversions say, each with a pointer).
    `environment(record)` is the Sprig environment, "" where the record names none.
    """

    call: Callable[[Any, Message, str], dict[str, Any]]
    environment: Callable[[Any], str]


def compile_contract(contract: Contract, writer_root: AvroType, service_version: str) -> Mapping:
    """`writer_root`: the type of the records, which is a record itself."""
    code = Code(writer_root, service_version)
    environment = Field("/environment", contract.environment, convert="string", default=("",))
    found = code.function("record", environment)
    return Mapping(
        code.function("record, message, message_id", contract.call, contract.skips),
        lambda record: name if type(name := found(record)) is str else "",
    )
