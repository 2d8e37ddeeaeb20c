"""Schema look-ups: beside the loop, patient with the registry, and not to be flooded."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from consumer.avro.negative_cache import MAX_VERDICTS
from consumer.avro.schema import AvroType, WriterSchema
from consumer.avro.schema_cache import MAX_WANTED, Schemas
from consumer.avro.schema_lookup import Misconfigured, NotThere, Unreachable, UnsupportedSchema
from consumer.errors import UnprocessableRecord, UnsafeSchema
from consumer.model import Pending


class AtOnce(Executor):
    """A worker that is done before anybody looks."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as a pool does
            future.set_exception(error)
        return future


class World:
    """A registry that knows what is in `known`, fails with `down` if set, and a clock that only `wait` moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.known: dict[Any, WriterSchema | Exception] = {}
        self.down: Exception | None = None
        self.asked: list[tuple[float, Any]] = []
        self.lookups: Counter[str] = Counter()
        self.schemas = Schemas(self.fetch, lambda: self.now, lookups=self.lookups, pool=AtOnce())

    def fetch(self, key: Any) -> WriterSchema:
        self.asked.append((self.now - 1000.0, key))
        found = self.down or self.known.get(key, NotThere())
        if isinstance(found, Exception):
            raise found
        return found

    def wait(self, seconds: float, key: Any) -> None:
        """The loop goes on turning, with a lane that waits for `key`."""
        ends = self.now + seconds
        while self.now < ends and self.schemas.is_pending(key):
            self.now += 0.25
        self.now = ends

    def verdict(self, key: Any) -> str:
        try:
            found = self.schemas.get(key)
        except UnprocessableRecord as error:
            return error.reason
        return "pending" if isinstance(found, Pending) else found.label


@pytest.fixture
def world() -> World:
    return World()


def schema(label: str) -> WriterSchema:
    return WriterSchema(label, AvroType("record"), {}, 1000)


def test_a_schema_is_pending_until_its_look_up_is_done_and_then_known_for_good(world: World) -> None:
    world.known[7] = schema("seven")
    assert world.schemas.get(7) == Pending(7)
    assert (world.schemas.is_pending(7), world.verdict(7)) == (False, "seven")
    world.down = Unreachable()
    assert world.verdict(7) == "seven"
    assert (len(world.asked), world.lookups["found"]) == (1, 1)


def test_a_known_schema_needs_no_look_up() -> None:
    schemas = Schemas(lambda key: pytest.fail("asked"), lambda: 0.0, {"raw": schema("file")})
    assert schemas.get("raw") == schema("file")
    assert not schemas.is_pending("raw")
    schemas.close()


def test_a_denied_id_counts_only_after_a_minute_of_denials(world: World) -> None:
    world.wait(59, 7)
    assert world.verdict(7) == "pending"
    world.wait(2, 7)
    assert world.verdict(7) == "unknown_schema"
    assert [at for at, _ in world.asked] == pytest.approx([5 * turn for turn in range(13)], abs=4)


def test_an_id_registered_meanwhile_is_found(world: World) -> None:
    world.wait(30, 7)
    world.known[7] = schema("late")
    world.wait(6, 7)
    assert world.verdict(7) == "late"


def test_a_verdict_lasts_five_minutes_and_one_more_denial_renews_it(world: World) -> None:
    world.wait(62, 7)
    asked = len(world.asked)
    world.now += 250
    assert (world.verdict(7), len(world.asked)) == ("unknown_schema", asked)
    world.now += 60
    assert world.verdict(7) == "pending"
    assert (world.verdict(7), len(world.asked)) == ("unknown_schema", asked + 1)


def test_an_outage_is_waited_for_and_never_a_verdict(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.down = Unreachable("HTTP status 503")
    world.wait(3600, 7)
    assert world.verdict(7) == "pending"
    waits = [later - earlier for (earlier, _), (later, _) in zip(world.asked, world.asked[1:], strict=False)]
    assert waits[:6] == pytest.approx([0.5, 1, 2, 4, 8, 16], abs=0.6)
    assert all(29 < wait < 31 for wait in waits[6:])
    assert 2 < len(caplog.messages) < 15
    assert {vars(told)["why"] for told in caplog.records} == {"HTTP status 503"}
    world.down, world.known[7] = None, schema("seven")
    world.wait(31, 7)
    assert world.verdict(7) == "seven"


def test_an_outage_is_said_again_when_its_reason_changes_and_its_end_is_said(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for world.down in (Unreachable("refused"), Misconfigured("no credentials"), Misconfigured("no credentials")):
        world.wait(31, 7)
    world.down, world.known[7] = None, schema("seven")
    world.wait(31, 7)
    told = [(record.levelname, vars(record).get("why")) for record in caplog.records]
    assert told == [("WARNING", "refused"), ("ERROR", "no credentials"), ("INFO", None)]
    assert caplog.messages[-1] == "the schema registry answers again"


def test_a_denial_before_an_outage_is_no_verdict_during_it(world: World) -> None:
    world.wait(10, 7)
    world.down = OSError("what nobody thought of")
    world.wait(600, 7)
    assert world.verdict(7) == "pending"


@pytest.mark.parametrize(
    ("error", "reason"),
    [(UnsafeSchema("schema id 7: recursive"), "unsafe_schema"), (UnsupportedSchema("JSON"), "unsupported_schema")],
)
def test_a_refused_schema_stays_refused(world: World, error: Exception, reason: str) -> None:
    world.known[7] = error
    world.wait(1, 7)
    world.now += 10_000
    assert (world.verdict(7), len(world.asked)) == (reason, 1)


def test_a_flood_of_made_up_ids_holds_its_lane_for_minutes_at_most_in_all(world: World) -> None:
    for made_up in range(1000):
        while world.verdict(made_up) == "pending":
            world.now += 0.01
    assert world.now - 1000 < 150


def test_a_new_id_goes_before_those_that_were_asked_for(world: World) -> None:
    flood = range(50)
    world.known["real"] = schema("real")
    for key in (*flood, *flood, "real", *flood, "real"):
        world.schemas.is_pending(key)
    assert world.verdict("real") == "real"
    assert [key for _, key in world.asked[:51]] == [*flood, "real"]


def test_an_id_that_the_registry_chokes_on_does_not_go_first_again(world: World) -> None:
    world.known |= {"poison": Unreachable(), "real": schema("real")}
    for key in ("poison", "poison", "real"):
        world.schemas.is_pending(key)
    world.now += 0.6
    assert world.schemas.is_pending("poison")
    assert world.verdict("real") == "real"


def test_what_is_kept_of_made_up_ids_is_bounded(world: World) -> None:
    world.down = Unreachable()
    for made_up in range(3 * MAX_WANTED):
        world.schemas.is_pending(made_up)
    assert len(world.schemas._wanted) == MAX_WANTED
    world.down = None
    for made_up in range(MAX_VERDICTS + 50):
        world.schemas._denials.record(made_up, 0.0, world.now)
    assert len(world.schemas._denials) == MAX_VERDICTS


def test_an_id_that_nobody_waits_for_any_more_is_forgotten(world: World) -> None:
    world.schemas.is_pending("of a lane taken away")
    world.wait(70, "another")
    assert len([key for _, key in world.asked if key != "another"]) < 14
    assert "of a lane taken away" not in world.schemas._wanted
