"""Why schemas that records need are not here yet: a registry that is silent, and one that does not have them."""

import pytest

from consumer.avro.schema_lookup import IncompleteSchema, RegistryUnreachable
from consumer.waits import WaitKind
from tests.unit.avro.test_schema_cache import Registry, schema


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_registry_that_does_not_answer_is_waited_for_since_its_first_failure(registry: Registry) -> None:
    registry.outage = RegistryUnreachable("HTTP status 503")
    registry.wait(100, 7)
    (wait,) = registry.cache.waits
    assert (wait.kind, wait.reason) == (WaitKind.REGISTRY, "HTTP status 503")
    assert wait.since == pytest.approx(1000.0, abs=0.5)
    assert registry.requests[-1][0] + 1000 < wait.next_try_at <= registry.now + 30
    registry.outage, registry.answers[7] = None, schema("seven")
    registry.wait(31, 7)
    assert not registry.cache.waits


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(IncompleteSchema("no reference"), "no reference"), (None, "the registry does not know it")],
)
def test_a_schema_that_the_registry_does_not_give_is_waited_for(
    registry: Registry, answer: Exception | None, reason: str
) -> None:
    if answer:
        registry.answers[7] = answer
    registry.wait(20, 7)
    (wait,) = registry.cache.waits
    assert (wait.kind, wait.subject, wait.reason) == (WaitKind.SCHEMA, "7", reason)
    assert wait.since == pytest.approx(1000.0, abs=0.5)
    registry.answers[7] = schema("seven")
    registry.wait(31, 7)
    assert not registry.cache.waits


def test_a_key_that_no_record_needs_any_more_is_not_waited_for(registry: Registry) -> None:
    registry.outage = RegistryUnreachable("refused")
    registry.wait(10, 7)
    registry.outage, registry.answers[8] = None, schema("eight")
    registry.now += 100
    registry.wait(5, 8)
    assert not registry.cache.waits


def test_nothing_is_waited_for_once_no_record_needs_a_schema(registry: Registry) -> None:
    """The partition was revoked: no look-up follows that could end the wait."""
    registry.outage = RegistryUnreachable("refused")
    registry.wait(10, 7)
    assert registry.cache.waits
    registry.now += 61
    assert not registry.cache.waits
