"""The rules that a registry keeps beside a schema, and which of them change values for readers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from consumer.avro.registry_errors import content_error
from consumer.avro.schema import WriterSchema

_ENCRYPT_VALUE = "ENCRYPT_PAYLOAD"
_ENCRYPTION = ("ENCRYPT", _ENCRYPT_VALUE)


class SchemaRule(NamedTuple):
    """A rule that readers of the values must apply. `type` is that of its executor, such as ENCRYPT or CEL_FIELD."""

    name: str
    type: str
    tags: tuple[str, ...]

    @property
    def encrypts_value(self) -> bool:
        """Whether no part of a value can be read."""
        return self.type == _ENCRYPT_VALUE

    def __str__(self) -> str:
        tags = f", for fields with the tag {' or '.join(self.tags)}" if self.tags else ""
        return f"{self.name} ({self.type}{tags})"


def reader_rules(answer: Mapping[str, Any]) -> tuple[SchemaRule, ...]:
    """The rules in a registry's answer about a schema. Raises RegistryMisconfigured for another form."""
    return tuple(_reader_rules(answer.get("ruleSet")))


def with_rules(schema: WriterSchema, rules: tuple[SchemaRule, ...]) -> WriterSchema:
    """The schema with these rules, which its branches have as well."""
    if not rules:
        return schema
    branches = tuple(replace(branch, rules=rules) for branch in schema.branches)
    return replace(schema, rules=rules, branches=branches)


def _reader_rules(rule_set: Any) -> Iterator[SchemaRule]:
    """
    The rules that apply when a value is read with its writer's schema, and the encryption of fields and values.

    `migrationRules` are for readers with another version of the schema. Tags and properties (`metadata`) without a rule
    change nothing. Source: docs.confluent.io, "Data Contracts for Schema Registry": rule kinds, types and modes.
    """
    if rule_set is None:
        return
    if not isinstance(rule_set, dict):
        raise content_error()
    for key in ("domainRules", "encodingRules"):
        rules = rule_set.get(key) or []
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise content_error()
        for rule in rules:
            if _concerns_readers(rule):
                yield SchemaRule(str(rule.get("name")), str(rule.get("type")), _tags(rule))


def _concerns_readers(rule: Mapping[str, Any]) -> bool:
    """A rule of mode WRITE was applied by the producer, and only encryption leaves values that nobody can read."""
    if rule.get("disabled") is True:
        return False
    return rule.get("mode") != "WRITE" or rule.get("type") in _ENCRYPTION


def _tags(rule: Mapping[str, Any]) -> tuple[str, ...]:
    tags = rule.get("tags")
    return tuple(map(str, tags)) if isinstance(tags, list) else ()
