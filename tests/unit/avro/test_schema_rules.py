"""Rules of a schema that readers must apply: they reject its records, unless the contract allows them."""

from typing import Any

import pytest

from consumer.avro.decoder import load_schema
from consumer.avro.schema_lookup import RegistryMisconfigured
from consumer.avro.schema_rules import reader_rules, with_rules
from consumer.contract.allowed_rules import rule_findings
from consumer.contract.compiler import Contracts
from consumer.contract.parser import parse_contract
from consumer.errors import ContractError, MappingError
from consumer.reasons import Reason
from tests.avro_values import record
from tests.unit.contract.compiled import FRAME

SCHEMA = record("R", user="string", response="string")
ENCRYPT = {"name": "encryptPII", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"]}

ENCRYPT_VALUE = {**ENCRYPT, "type": "ENCRYPT_PAYLOAD", "tags": None}


def rule_set(*rules: Any, key: str = "domainRules") -> dict[str, Any]:
    return {"schema": "..", "ruleSet": {key: list(rules)}, "metadata": {"tags": {"R.response": ["PII"]}}}


def names(answer: Any) -> list[str]:
    return [rule.name for rule in reader_rules(answer)]


def contract(**annotations: Any) -> Any:
    return parse_contract("a.json", {"x-record": "*", **annotations, "required": [*FRAME], "properties": FRAME})


@pytest.mark.parametrize(
    "rule",
    [
        ENCRYPT,
        {**ENCRYPT, "mode": "WRITE"},
        {**ENCRYPT, "mode": "READ"},
        {**ENCRYPT, "type": "CEL_FIELD"},
        {**ENCRYPT, "type": "CEL", "kind": "CONDITION", "mode": "READ"},
        {"name": "encryptPII"},
    ],
)
@pytest.mark.parametrize("key", ["domainRules", "encodingRules"])
def test_rules_that_readers_must_apply_are_seen(rule: Any, key: str) -> None:
    assert names(rule_set(rule, key=key)) == ["encryptPII"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ruleSet": None},
        {"ruleSet": {}},
        {"ruleSet": {"domainRules": None}},
        rule_set({**ENCRYPT, "disabled": True}),
        rule_set({**ENCRYPT, "type": "CEL", "kind": "CONDITION", "mode": "WRITE"}),
        rule_set({**ENCRYPT, "mode": "UPGRADE"}, key="migrationRules"),
    ],
)
def test_rules_that_the_producer_applied_or_that_are_for_another_version_change_nothing(answer: Any) -> None:
    assert names(answer) == []


@pytest.mark.parametrize("rules", [5, [], {"domainRules": 5}, {"domainRules": [5]}, {"encodingRules": "x"}])
def test_rules_in_another_form_are_not_overlooked(rules: Any) -> None:
    with pytest.raises(RegistryMisconfigured):
        names({"ruleSet": rules})


def test_the_branches_of_a_union_have_its_rules() -> None:
    schema = with_rules(load_schema("test", ["null", SCHEMA]), reader_rules(rule_set(ENCRYPT)))
    assert [[rule.name for rule in branch.rules] for branch in schema.branches] == [["encryptPII"]] * 2


def test_a_rule_rejects_the_records_with_its_name_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = with_rules(load_schema("test", SCHEMA), reader_rules(rule_set(ENCRYPT)))
    for annotations, is_allowed in (
        ({}, False),
        ({"x-allow-rules": ["x"]}, False),
        ({"x-allow-rules": ["encryptPII"]}, True),
    ):
        monkeypatch.setattr("consumer.contract.compiler.load_contracts", lambda _, a=annotations: (contract(**a),))
        contracts = Contracts(None, "1")  # type: ignore[arg-type]
        if is_allowed:
            assert contracts.mapper(schema).environment({"user": "u"}) == ""
            continue
        with pytest.raises(MappingError) as caught:
            contracts.mapper(schema)
        assert caught.value.reason == Reason.SCHEMA_RULE
        assert "encryptPII (ENCRYPT, for fields with the tag PII)" in caught.value.detail
        assert "x-allow-rules of a.json" in caught.value.detail


@pytest.mark.parametrize("allowed", [[], ["encryptPII"]])
def test_encrypted_values_are_never_allowed_and_the_way_out_is_another_one(
    monkeypatch: pytest.MonkeyPatch, allowed: list[str]
) -> None:
    schema = with_rules(load_schema("test", SCHEMA), reader_rules(rule_set(ENCRYPT_VALUE, key="encodingRules")))
    encrypted = contract(**{"x-allow-rules": allowed})
    monkeypatch.setattr("consumer.contract.compiler.load_contracts", lambda _: (encrypted,))
    with pytest.raises(MappingError) as caught:
        Contracts(None, "1").mapper(schema)  # type: ignore[arg-type]
    assert caught.value.reason == Reason.SCHEMA_RULE
    (finding,) = rule_findings(encrypted, schema.rules)
    assert finding.severity == "problem"
    for text in (caught.value.detail, finding.detail):
        assert "encryptPII (ENCRYPT_PAYLOAD)" in text
        assert "let the producer encrypt single fields" in text
        assert "KAFKA_TOPIC" in text
        assert "add the name of the rule" not in text


def test_check_tells_of_rules() -> None:
    rules = reader_rules(rule_set(ENCRYPT, {**ENCRYPT, "name": "other"}))
    findings = [*rule_findings(contract(**{"x-allow-rules": ["other"]}), rules)]
    assert [(finding.severity, "encryptPII" in finding.detail) for finding in findings] == [
        ("problem", True),
        ("note", False),
    ]


@pytest.mark.parametrize("value", ["encryptPII", [5], [""], {}])
def test_a_wrong_list_of_rules_is_a_mistake(value: Any) -> None:
    with pytest.raises(ContractError, match=r"a.json: /x-allow-rules: expected a list of names of rules"):
        contract(**{"x-allow-rules": value})
