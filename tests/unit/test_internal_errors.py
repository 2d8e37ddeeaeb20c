"""What is said of an unforeseen exception: its type and our own line, and nothing of the data in its text."""

import json
import logging

import pytest

from consumer import jsonio
from consumer.avro.decode_limits import max_value_bytes
from consumer.errors import ServiceError
from consumer.internal_errors import as_service_error, describe

SECRET = "data of a record"


def raised_in_our_code() -> Exception:
    try:
        max_value_bytes(SECRET)  # type: ignore[arg-type]
    except AttributeError as error:
        return error
    raise AssertionError


def raised_below_our_code() -> Exception:
    """In a library that our code calls."""
    try:
        jsonio.dumps({SECRET: object()})
    except TypeError as error:
        return error
    raise AssertionError


def raised_elsewhere() -> Exception:
    try:
        json.loads(SECRET)
    except ValueError as error:
        return error
    raise AssertionError


def line_of(error: Exception, function: str) -> int:
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_name != function:
        trace = trace.tb_next
    assert trace
    return trace.tb_lineno


def test_the_deepest_line_of_our_own_code_is_named() -> None:
    error = raised_in_our_code()
    line = line_of(error, "_size")
    assert describe(error) == f"AttributeError at consumer/avro/decode_limits.py:{line}"
    error = raised_below_our_code()
    assert describe(error) == f"{type(error).__name__} at consumer/jsonio.py:{line_of(error, 'dumps')}"


def test_an_exception_of_other_code_is_named_by_its_type() -> None:
    assert describe(raised_elsewhere()) == "JSONDecodeError"
    assert describe(RecursionError(SECRET)) == "RecursionError"


def test_the_service_ends_with_an_error_that_holds_no_data(caplog: pytest.LogCaptureFixture) -> None:
    error = raised_below_our_code()
    with caplog.at_level(logging.DEBUG):
        service_error = as_service_error(error)
    assert str(service_error) == f"internal error: {describe(error)}"
    (line,) = caplog.records
    assert "consumer/jsonio.py" in vars(line)["stack"]
    assert SECRET not in str(vars(line))


def test_an_error_of_the_service_stays_as_it_is() -> None:
    error = ServiceError("the Kafka client cannot continue")
    assert as_service_error(error) is error
