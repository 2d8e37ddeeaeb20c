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

    @property
    def encrypts_value(self) -> bool:
        """Whether no part of a value can be read. Nobody can allow such a rule."""


def check_rules(contract: Contract, rules: Sequence[NamedRule]) -> None:
    """Raises MappingError `schema_rule` for the first rule that the contract does not allow."""
    for rule in rules:
        if not _is_allowed(rule, contract):
            raise MappingError(Reason.SCHEMA_RULE, _problem(rule, contract))


def rule_findings(contract: Contract, rules: Sequence[NamedRule]) -> Iterator[Finding]:
    """A problem for each rule that the contract does not allow, a note for each one that it allows."""
    for rule in rules:
        if _is_allowed(rule, contract):
            yield Finding("note", "/x-allow-rules", f"the rule {outside_text(rule)} of the schema is not applied")
        else:
            yield Finding("problem", "", f"{_problem(rule, contract)}: rejected as {Reason.SCHEMA_RULE}")


def _is_allowed(rule: NamedRule, contract: Contract) -> bool:
    return rule.name in contract.allowed_rules and not rule.encrypts_value


def _problem(rule: NamedRule, contract: Contract) -> str:
    """What the rule does to the values, and the way out."""
    not_applied = f"the service does not apply the rule {outside_text(rule)} of the schema"
    if rule.encrypts_value:
        return (
            f"{not_applied}, which encrypts whole values, so nothing can be read from them; let the producer encrypt "
            "single fields instead (a rule of the type ENCRYPT with tags), or set KAFKA_TOPIC to a topic with values "
            "that are not encrypted; x-allow-rules does not help"
        )
    return (
        f"{not_applied}, and would send encrypted or unchecked values; if the event needs none of these values, add "
        f"the name of the rule to x-allow-rules of {contract.file}"
    )
