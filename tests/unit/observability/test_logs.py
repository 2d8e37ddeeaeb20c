"""Log lines: their shape, their order, and the folding of what repeats."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.observability import log_setup


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The root logger is the process's, not the test's."""
    root = logging.getLogger()
    level = root.level
    yield
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, log_setup.Folding)]
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream(clock: Clock) -> io.StringIO:
    return shown("json", clock)


def shown(form: Any, clock: Clock, level: str = "info") -> io.StringIO:
    log_setup.configure(form, level)
    handler = folding()
    handler._clock = clock
    stream = io.StringIO()
    handler.stream = stream
    return stream


def folding() -> log_setup.Folding:
    """The handler of ours; pytest has its own beside it."""
    (ours,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, log_setup.Folding)]
    return ours


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_fields_in_order(stream: io.StringIO) -> None:
    logging.getLogger("consumer.pipeline.loop").info("committed %d", 3, extra={"partition": 1, "offset": 42})
    (line,) = lines(stream)
    assert list(line) == ["timestamp", "level", "event", "logger", "partition", "offset"]
    assert (line["level"], line["event"], line["logger"], line["offset"]) == (
        "info",
        "committed 3",
        "consumer.pipeline.loop",
        42,
    )
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_one_field_without_local_variables(stream: io.StringIO) -> None:
    def fails() -> None:
        secret = "hush-7391"
        raise ValueError(len(secret))

    try:
        fails()
    except ValueError:
        logging.getLogger("x").exception("went wrong")
    (line,) = lines(stream)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: 9")
    assert "exc_info" not in line


def test_levels_below_are_left_out(clock: Clock) -> None:
    stream = shown("json", clock, "warning")
    logging.getLogger("x").info("no")
    logging.getLogger("x").warning("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_people_read_the_same_on_a_console(clock: Clock) -> None:
    stream = shown("console", clock)
    logging.getLogger("x").warning("held", extra={"partition": 3})
    assert "held" in stream.getvalue()
    assert "partition=3" in stream.getvalue().replace("\x1b[0m", "")


def test_libraries_that_log_requests_stay_quiet(clock: Clock) -> None:
    stream = shown("json", clock, "debug")
    for name in ("httpx", "httpcore", "httpcore.http11", "hpack.hpack", "httpx2", "httpcore2.connection"):
        logging.getLogger(name).debug("authorization: hush")
    assert stream.getvalue() == ""


def test_python_warnings_are_logged(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        (line,) = lines(stream)
    assert line["logger"] == "py.warnings"


def test_a_repeated_warning_is_folded_and_counted(stream: io.StringIO, clock: Clock) -> None:
    log = logging.getLogger("x")
    for partition in range(5):
        log.warning("outage", extra={"partition": partition})
    clock.now += 9.9
    log.warning("outage", extra={"partition": 5})
    clock.now += 0.1
    log.warning("outage", extra={"partition": 6})
    clock.now += 10
    log.warning("outage", extra={"partition": 7})
    clock.now += 20
    log.info("something else", extra={"partition": 8})
    told = [(line["partition"], line.get("repeated")) for line in lines(stream)]
    assert told == [(0, None), (6, 5), (7, None), (8, None)]


def test_what_differs_is_not_folded(stream: io.StringIO) -> None:
    logging.getLogger("x").warning("a")
    logging.getLogger("x").error("a")
    logging.getLogger("x").warning("b")
    logging.getLogger("y").warning("a")
    assert len(lines(stream)) == 4


def test_a_reason_does_not_hide_behind_another_nor_an_environment(stream: io.StringIO) -> None:
    log = logging.getLogger("x")
    for fields in ({"reason": "a"}, {"reason": "b"}, {"reason": "b", "offset": 7}, {"reason": "b", "environment": "c"}):
        log.warning("set aside", extra=fields)
    assert [(line["reason"], line.get("environment")) for line in lines(stream)] == [
        ("a", None),
        ("b", None),
        ("b", "c"),
    ]


def test_information_is_never_folded(stream: io.StringIO) -> None:
    for _ in range(3):
        logging.getLogger("x").info("turned")
    assert len(lines(stream)) == 3


def test_librdkafka_is_folded_by_its_facility(stream: io.StringIO) -> None:
    log = logging.getLogger(log_setup.LIBRDKAFKA)
    for facility in ("FAIL", "FAIL", "SESSTMOUT"):
        log.error("%s [%s] %s", facility, "consumer-1", "some text")
    assert [line["event"].split()[0] for line in lines(stream)] == ["FAIL", "SESSTMOUT"]


def test_what_is_remembered_stays_small(stream: io.StringIO) -> None:
    for number in range(2500):
        logging.getLogger("x").warning(f"number {number}")  # noqa: G004 - what a library might do
    assert len(folding()._folds) <= 1000
