"""The rules of a writer's schema that a contract must allow before its records are sent."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from consumer.contract.findings import Finding
from consumer.contract.rules import Contract
from consumer.errors import MappingError
from consumer.outside_text import outside_text
from consumer.reasons import Reason


class NamedRule(Protocol):
    """A rule of a schema; as text, the rule is described."""

    @property
    def name(self) -> str: ...


def check_rules(contract: Contract, rules: Sequence[NamedRule]) -> None:
    """Raises MappingError `schema_rule` for the first rule that the contract does not allow."""
    for text in _problems(contract, rules):
        raise MappingError(Reason.SCHEMA_RULE, text)


def rule_findings(contract: Contract, rules: Sequence[NamedRule]) -> Iterator[Finding]:
    """A problem for each rule that the contract does not allow, a note for each one that it allows."""
    for text in _problems(contract, rules):
        yield Finding("problem", "", f"{text}: rejected as {Reason.SCHEMA_RULE}")
    for rule in rules:
        if rule.name in contract.allowed_rules:
            yield Finding("note", "/x-allow-rules", f"the rule {outside_text(rule)} of the schema is not applied")


def _problems(contract: Contract, rules: Sequence[NamedRule]) -> Iterator[str]:
    for rule in rules:
        if rule.name not in contract.allowed_rules:
            yield (
                f"the service does not apply the rule {outside_text(rule)} of the schema, and would send encrypted or "
                f"unchecked values; if the event needs none of these values, add the name of the rule to x-allow-rules "
                f"of {contract.file}"
            )
