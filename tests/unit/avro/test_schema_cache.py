"""Schema look-ups: they run beside the loop, retry, and are bounded against made-up ids."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from itertools import pairwise
from typing import Any
from weakref import ref

import pytest

from consumer.avro.negative_cache import MAX_ENTRIES
from consumer.avro.pending_lookups import MAX_LOOKUPS
from consumer.avro.schema import AvroType, WriterSchema
from consumer.avro.schema_cache import SchemaCache
from consumer.avro.schema_lookup import (
    IncompleteSchema,
    RegistryMisconfigured,
    RegistryUnreachable,
    SchemaNotFound,
    UnsupportedSchema,
)
from consumer.avro.schema_memory import MAX_CACHE_BYTES
from consumer.errors import MAX_DETAIL_LENGTH, SchemaError, UnsafeSchema
from consumer.model import Pending


class SynchronousExecutor(Executor):
    """Runs each job at once, in the thread that submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as a pool does
            future.set_exception(error)
        return future


class Registry:
    """
    A registry with the answers of `answers`, and the cache in front of it.

    Each look-up fails with `outage` if that is set. Only `wait` and the tests move the clock `now`.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.answers: dict[Any, WriterSchema | Exception] = {}
        self.outage: Exception | None = None
        self.requests: list[tuple[float, Any]] = []
        self.cache = SchemaCache(self.fetch, lambda: self.now, executor=SynchronousExecutor())

    def fetch(self, key: Any) -> WriterSchema:
        self.requests.append((self.now - 1000.0, key))
        answer = self.outage or self.answers.get(key, SchemaNotFound())
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, seconds: float, key: Any) -> None:
        """The loop runs for so long, with a partition that waits for `key`."""
        ends_at = self.now + seconds
        while self.now < ends_at and self.cache.is_pending(key):
            self.now += 0.25
        self.now = ends_at

    def result(self, key: Any) -> str:
        """The label of the key's schema, "pending", or the reason why there is no schema."""
        try:
            schema = self.cache.get(key)
        except SchemaError as error:
            return error.reason
        if isinstance(schema, Pending):
            return "pending"
        return schema.label


@pytest.fixture
def registry() -> Registry:
    return Registry()


def schema(label: str, memory_bytes: int = 0) -> WriterSchema:
    return WriterSchema(label, AvroType("record"), {}, {}, 1000, memory_bytes=memory_bytes)


def test_a_schema_is_pending_until_its_look_up_ends_and_is_then_kept(registry: Registry) -> None:
    registry.answers[7] = schema("seven")
    assert registry.cache.get(7) == Pending(7)
    assert (registry.cache.is_pending(7), registry.result(7)) == (False, "seven")
    registry.outage = RegistryUnreachable()
    assert registry.result(7) == "seven"
    assert (len(registry.requests), registry.cache.lookups["found"]) == (1, 1)


def test_a_schema_in_a_file_needs_no_look_up() -> None:
    from_file = schema("file")
    cache = SchemaCache(lambda key: pytest.fail("a look-up"), lambda: 0.0, {"raw": from_file})
    assert cache.get("raw") is from_file
    assert not cache.is_pending("raw")
    cache.close()


def test_an_id_is_unknown_only_after_it_was_not_found_for_a_minute(registry: Registry) -> None:
    registry.wait(59, 7)
    assert registry.result(7) == "pending"
    registry.wait(2, 7)
    assert registry.result(7) == "unknown_schema"
    assert [at for at, _ in registry.requests] == pytest.approx([5 * number for number in range(13)], abs=4)


def test_an_id_that_is_not_found_is_logged_once(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    registry.wait(62, 7)
    (line,) = caplog.records
    assert (line.levelname, line.message) == ("WARNING", "schema not found in the registry, retrying")
    assert (vars(line)["schema"], vars(line)["gives_up_after_seconds"]) == ("7", 60)


def test_an_id_that_is_registered_meanwhile_is_found(registry: Registry) -> None:
    registry.wait(30, 7)
    registry.answers[7] = schema("late")
    registry.wait(6, 7)
    assert registry.result(7) == "late"


def test_an_id_stays_unknown_for_five_minutes_and_one_more_look_up_renews_that(registry: Registry) -> None:
    registry.wait(62, 7)
    requests = len(registry.requests)
    registry.now += 250
    assert (registry.result(7), len(registry.requests)) == ("unknown_schema", requests)
    registry.now += 60
    assert registry.result(7) == "pending"
    assert (registry.result(7), len(registry.requests)) == ("unknown_schema", requests + 1)


def has_backed_off(registry: Registry) -> bool:
    """Whether the time between two requests has doubled, from half a second to half a minute."""
    waits = [later - earlier for (earlier, _), (later, _) in pairwise(registry.requests)]
    return waits[:6] == pytest.approx([0.5, 1, 2, 4, 8, 16], abs=0.6) and all(29 < wait < 31 for wait in waits[6:])


def test_an_outage_is_waited_for_and_makes_no_id_unknown(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    registry.outage = RegistryUnreachable("HTTP status 503")
    registry.wait(3600, 7)
    assert registry.result(7) == "pending"
    assert has_backed_off(registry)
    assert 2 < len(caplog.messages) < 15
    assert {vars(line)["error"] for line in caplog.records} == {"HTTP status 503"}
    registry.outage, registry.answers[7] = None, schema("seven")
    registry.wait(31, 7)
    assert registry.result(7) == "seven"


def test_an_outage_is_logged_again_when_its_cause_changes_and_its_end_is_logged(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for registry.outage in (
        RegistryUnreachable("refused"),
        RegistryMisconfigured("no credentials"),
        RegistryMisconfigured("no credentials"),
    ):
        registry.wait(31, 7)
    registry.outage, registry.answers[7] = None, schema("seven")
    registry.wait(31, 7)
    lines = [(line.levelname, vars(line).get("error")) for line in caplog.records]
    assert lines == [("WARNING", "refused"), ("ERROR", "no credentials"), ("INFO", None)]
    assert caplog.messages[-1] == "the schema registry answers again"


def test_an_id_that_was_not_found_before_an_outage_stays_pending_during_it(registry: Registry) -> None:
    registry.wait(10, 7)
    registry.outage = RegistryUnreachable("refused")
    registry.wait(600, 7)
    assert registry.result(7) == "pending"


def test_an_incomplete_schema_is_waited_for_and_makes_no_id_unknown(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    registry.answers[7] = IncompleteSchema("schema id 7 refers to version 1 of the subject 'person'")
    registry.wait(3600, 7)
    assert registry.result(7) == "pending"
    assert has_backed_off(registry)
    assert 2 < len(caplog.records) < 15
    assert {(line.levelname, line.message) for line in caplog.records} == {
        ("ERROR", "schema incomplete in the registry, retrying: its records wait")
    }
    assert {(vars(line)["schema"], vars(line)["error"]) for line in caplog.records} == {
        ("7", "schema id 7 refers to version 1 of the subject 'person'")
    }
    registry.answers[7] = schema("seven")
    registry.wait(31, 7)
    assert registry.result(7) == "seven"


def test_an_incomplete_schema_delays_no_other_schema(registry: Registry) -> None:
    registry.answers |= {"incomplete": IncompleteSchema("no reference"), "real": schema("real")}
    registry.wait(300, "incomplete")
    assert registry.cache.is_pending("incomplete")
    registry.cache.is_pending("real")
    assert registry.result("real") == "real"


def test_an_id_that_disappears_after_it_was_incomplete_is_unknown_a_minute_later(registry: Registry) -> None:
    registry.answers[7] = IncompleteSchema("no reference")
    registry.wait(10, 7)
    del registry.answers[7]
    registry.wait(50, 7)
    assert registry.result(7) == "pending"
    registry.wait(40, 7)
    assert registry.result(7) == "unknown_schema"


@pytest.mark.parametrize(
    ("error", "reason"),
    [(UnsafeSchema("schema id 7: recursive"), "unsafe_schema"), (UnsupportedSchema("JSON"), "unsupported_schema")],
)
def test_an_unusable_schema_stays_unusable(registry: Registry, error: Exception, reason: str) -> None:
    registry.answers[7] = error
    registry.wait(1, 7)
    registry.now += 10_000
    assert (registry.result(7), len(registry.requests)) == (reason, 1)


def test_an_unforeseen_error_in_a_look_up_is_about_one_record_alone(registry: Registry) -> None:
    registry.outage = RecursionError("with data of a schema")
    registry.wait(1, 7)
    with pytest.raises(SchemaError) as caught:
        registry.cache.get(7)
    assert (caught.value.reason, caught.value.stage) == ("internal_error", "schema")
    assert re.fullmatch(r"RecursionError at consumer/avro/schema_cache.py:\d+", caught.value.detail)
    registry.outage, registry.answers[7] = None, schema("seven")
    assert registry.result(7) == "pending"
    assert registry.result(7) == "seven"


def test_a_flood_of_made_up_ids_delays_its_partition_for_minutes_at_most_in_total(registry: Registry) -> None:
    for made_up_id in range(1000):
        while registry.result(made_up_id) == "pending":
            registry.now += 0.01
    assert registry.now - 1000 < 150


def test_a_new_id_is_looked_up_before_ids_with_more_attempts(registry: Registry) -> None:
    flood = range(50)
    registry.answers["real"] = schema("real")
    for key in (*flood, *flood, "real", *flood, "real"):
        registry.cache.is_pending(key)
    assert registry.result("real") == "real"
    assert [key for _, key in registry.requests[:51]] == [*flood, "real"]


def test_an_id_that_the_registry_cannot_answer_is_not_looked_up_first_again(registry: Registry) -> None:
    registry.answers |= {"poison": RegistryUnreachable(), "real": schema("real")}
    for key in ("poison", "poison", "real"):
        registry.cache.is_pending(key)
    registry.now += 0.6
    assert registry.cache.is_pending("poison")
    assert registry.result("real") == "real"


def test_the_memory_for_made_up_ids_is_bounded(registry: Registry) -> None:
    registry.outage = RegistryUnreachable()
    for made_up_id in range(3 * MAX_LOOKUPS):
        registry.cache.is_pending(made_up_id)
    assert len(registry.cache._lookups) == MAX_LOOKUPS
    registry.outage = None
    for made_up_id in range(MAX_ENTRIES + 50):
        registry.cache._not_found.add(made_up_id, 0.0, registry.now)
    assert len(registry.cache._not_found) == MAX_ENTRIES


def test_an_id_that_no_record_needs_any_more_is_forgotten(registry: Registry) -> None:
    registry.cache.is_pending("of a revoked partition")
    registry.wait(70, "another")
    assert len([key for _, key in registry.requests if key != "another"]) < 14
    assert "of a revoked partition" not in registry.cache._lookups


def test_the_schema_that_was_not_used_for_longest_is_forgotten_and_looked_up_again(registry: Registry) -> None:
    registry.answers |= {key: schema(key, MAX_CACHE_BYTES // 3) for key in ("a", "b", "c")}
    for key in ("a", "b", "a", "c"):  # only two of them fit
        registry.wait(1, key)
        assert registry.result(key) == key
    assert [key for _, key in registry.requests] == ["a", "b", "c"]
    assert registry.cache.get("b") == Pending("b")
    assert (registry.cache.is_pending("b"), registry.result("b"), registry.result("c")) == (False, "b", "c")


def test_a_forgotten_schema_keeps_nothing_alive(registry: Registry) -> None:
    registry.answers |= {key: schema(str(key), MAX_CACHE_BYTES // 2) for key in range(10)}
    kept = [ref(answer) for answer in registry.answers.values() if isinstance(answer, WriterSchema)]
    for key in range(10):
        registry.wait(1, key)
        del registry.answers[key]
    assert sum(reference() is not None for reference in kept) == 1


def test_the_memory_for_unusable_schemas_is_bounded(registry: Registry) -> None:
    registry.outage = UnsafeSchema("x" * 100_000)
    for key in range(20_000):
        registry.cache.is_pending(key)
        registry.result(key)
    assert len(registry.cache._results) < 15_000
    assert registry.result(19_999) == "unsafe_schema"
    with pytest.raises(SchemaError) as caught:
        registry.cache.get(19_999)
    assert len(caught.value.detail) == MAX_DETAIL_LENGTH


def test_more_schemas_in_use_than_fit_are_looked_up_in_turn(registry: Registry) -> None:
    """Each partition has a schema of its own, and the cache has room for two of the three."""
    registry.answers |= {key: schema(key, MAX_CACHE_BYTES // 3) for key in ("a", "b", "c")}
    mapped: Counter[str] = Counter()
    for _ in range(300):
        for key in ("a", "b", "c"):
            if not registry.cache.is_pending(key):
                mapped[registry.result(key)] += 1
    assert min(mapped[key] for key in "abc") > 80
