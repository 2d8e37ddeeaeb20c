"""What each response means, status by status, and how long it asks to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from consumer.http_client.messages import HttpResponse
from consumer.model import Accepted, Misconfigured, Outcome, Refused, Retry
from consumer.segment.responses import outcome_of, requested_wait

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SUCCESS = b'{"success": true}'


def response(status: int, body: bytes = b"", **headers: str) -> HttpResponse:
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_2xx_that_says_success_is_accepted(status: int) -> None:
    assert outcome_of(response(status, SUCCESS), 0) == Accepted()


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"success": false}', b'{"success": 1}', b"[]", b"true"])
def test_a_2xx_that_says_anything_else_is_not_segment(body: bytes) -> None:
    assert outcome_of(response(200, body), 0) == Misconfigured("200_not_segment")
    assert outcome_of(response(200, body), 0, any_body=True) == Accepted()


@pytest.mark.parametrize("status", [400, 413, 422])
def test_refusals(status: int) -> None:
    assert outcome_of(response(status, b"anything"), 0) == Refused(f"http_{status}")


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308, 401, 402, 403, 404, 405, 407, 409, 415, 418, 451, 499])
def test_wrong_settings_block(status: int) -> None:
    assert outcome_of(response(status, SUCCESS), 0) == Misconfigured(f"http_{status}")


@pytest.mark.parametrize("status", [408, 410, 460, 500, 501, 502, 503, 504, 505, 511, 520, 529, 599])
def test_passing_failures_are_retried(status: int) -> None:
    assert outcome_of(response(status), 0) == Retry(f"http_{status}")


def test_429_is_a_throttle_with_and_without_a_wait() -> None:
    assert outcome_of(response(429), 0) == Retry("http_429", None, throttled=True)
    assert outcome_of(response(429, retry_after="7"), 0) == Retry("http_429", 7.0, throttled=True)


def test_any_passing_failure_that_asks_for_a_wait_is_a_throttle() -> None:
    assert outcome_of(response(503, retry_after="2"), 0) == Retry("http_503", 2.0, throttled=True)


def date_in(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": " 5 "}, 5.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "99999"}, 300.0),
        ({"retry-after": "1e400"}, 300.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": date_in(42)}, 42.0),
        ({"retry-after": date_in(4200)}, 300.0),
        ({"retry-after": date_in(-42)}, None),
        ({"retry-after": date_in(7242), "date": date_in(7200)}, 42.0),
        ({"retry-after": date_in(-7158), "date": date_in(-7200)}, 42.0),
        ({"retry-after": date_in(42), "date": "today"}, 42.0),
        ({"retry-after": "Fri, 32 Foo 2026"}, None),
        ({"x-ratelimit-reset": "9"}, 9.0),
        ({"retry-after": "-1", "x-ratelimit-reset": "9"}, 9.0),
        ({"retry-after": "3", "x-ratelimit-reset": "9"}, 3.0),
    ],
)
def test_how_long_a_response_asks_to_wait(headers: dict[str, str], wait: float | None) -> None:
    assert requested_wait(headers, NOW.timestamp()) == wait


def test_every_status_has_an_outcome() -> None:
    outcomes: list[Outcome] = [outcome_of(response(status, SUCCESS), 0) for status in range(200, 600)]
    assert len(outcomes) == 400
