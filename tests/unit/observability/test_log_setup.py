"""Log lines: their form, their order, and the folding of repeats."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpRequest
from consumer.http_client.proxies import Proxies
from consumer.observability import log_setup
from tests.http_peer import json_response, peer


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Restores the root logger, because it belongs to the process and not to the test."""
    root = logging.getLogger()
    level = root.level
    yield
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, log_setup.RepeatFolding)]
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream(clock: Clock) -> io.StringIO:
    return configured_stream("json", clock)


def configured_stream(form: Any, clock: Clock, level: str = "info") -> io.StringIO:
    log_setup.configure(form, level)
    handler = folding_handler()
    handler._clock = clock
    stream = io.StringIO()
    handler.stream = stream
    return stream


def folding_handler() -> log_setup.RepeatFolding:
    """The handler that was configured; pytest has its own handlers too."""
    root = logging.getLogger()
    (folding,) = [handler for handler in root.handlers if isinstance(handler, log_setup.RepeatFolding)]
    return folding


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
    def fail() -> None:
        secret = "hush-7391"
        raise ValueError(len(secret))

    try:
        fail()
    except ValueError:
        logging.getLogger("x").exception("went wrong")
    (line,) = lines(stream)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: 9")
    assert "exc_info" not in line


def test_lower_levels_are_left_out(clock: Clock) -> None:
    stream = configured_stream("json", clock, "warning")
    logging.getLogger("x").info("no")
    logging.getLogger("x").warning("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_the_console_shows_the_same_fields(clock: Clock) -> None:
    stream = configured_stream("console", clock)
    logging.getLogger("x").warning("blocked", extra={"partition": 3})
    assert "blocked" in stream.getvalue()
    assert "partition=3" in stream.getvalue().replace("\x1b[0m", "")


def test_no_header_of_a_request_is_logged(clock: Clock) -> None:
    stream = configured_stream("json", clock, "debug")
    client = HttpClient(Proxies.none())
    with peer(lambda _: json_response({})) as server:
        client.send(HttpRequest("GET", server.url, {"Authorization": "hush"}), 10.0, 100)
    client.close()
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
    repeats = [(line["partition"], line.get("repeated")) for line in lines(stream)]
    assert repeats == [(0, None), (6, 5), (7, None), (8, None)]


def test_the_error_that_ends_the_process_comes_after_all_hidden_lines(stream: io.StringIO) -> None:
    log = logging.getLogger("x")
    for _ in range(3):
        log.warning("the broker is away")
    log.critical("fatal error, exiting")
    logging.shutdown()
    assert [line["event"] for line in lines(stream)] == ["the broker is away"] * 2 + ["fatal error, exiting"]


@pytest.mark.parametrize("last", ["stopped", "fatal error, exiting"])
def test_nothing_comes_after_the_last_line(stream: io.StringIO, last: str) -> None:
    log = logging.getLogger("x")
    for _ in range(3):
        log.warning("the broker is away")
    if last == "stopped":
        log.info(last, extra={"is_last": True})
    else:
        log.critical(last)
    log.warning("the broker is away")
    logging.getLogger("librdkafka").error("FAIL")
    log.critical("another end")
    logging.shutdown()
    assert [line["event"] for line in lines(stream)] == ["the broker is away"] * 2 + [last]
    assert "is_last" not in stream.getvalue()


def test_lines_about_one_condition_are_folded_whoever_logs_them(stream: io.StringIO, clock: Clock) -> None:
    for name, message in (("consumer", "waiting"), ("consumer", "error"), ("producer", "error")):
        logging.getLogger(name).warning(message, extra={"fold_by": "no broker"})
    logging.getLogger("consumer").warning("error", extra={"fold_by": "no right"})
    clock.now += 10
    logging.getLogger("x").info("anything")
    assert [(line["event"], line.get("repeated")) for line in lines(stream)] == [
        ("waiting", None),
        ("error", None),
        ("error", 1),
        ("anything", None),
    ]
    assert "fold_by" not in stream.getvalue()


def test_different_lines_are_not_folded(stream: io.StringIO) -> None:
    logging.getLogger("x").warning("a")
    logging.getLogger("x").error("a")
    logging.getLogger("x").warning("b")
    logging.getLogger("y").warning("a")
    assert len(lines(stream)) == 4


def test_lines_with_another_reason_or_environment_are_not_folded(stream: io.StringIO) -> None:
    log = logging.getLogger("x")
    for fields in ({"reason": "a"}, {"reason": "b"}, {"reason": "b", "offset": 7}, {"reason": "b", "environment": "c"}):
        log.warning("record rejected", extra=fields)
    assert [(line["reason"], line.get("environment")) for line in lines(stream)] == [
        ("a", None),
        ("b", None),
        ("b", "c"),
    ]


def test_lines_below_warning_are_never_folded(stream: io.StringIO) -> None:
    for _ in range(3):
        logging.getLogger("x").info("committed")
    assert len(lines(stream)) == 3


def test_librdkafka_is_folded_by_its_facility(stream: io.StringIO) -> None:
    log = logging.getLogger(log_setup.LIBRDKAFKA)
    for facility in ("FAIL", "FAIL", "SESSTMOUT"):
        log.error("%s [%s] %s", facility, "consumer-1", "some text")
    assert [line["event"].split()[0] for line in lines(stream)] == ["FAIL", "SESSTMOUT"]


def test_the_number_of_folds_is_bounded(stream: io.StringIO) -> None:
    for number in range(2500):
        logging.getLogger("x").warning(f"number {number}")  # noqa: G004 - a library might do this
    assert len(folding_handler()._folds) <= 1000
