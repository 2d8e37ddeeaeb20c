"""What each of Segment's responses means, and how long a response asks to wait."""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from consumer.http_client.messages import HttpResponse
from consumer.jsonio import JsonError, loads
from consumer.model import Accepted, Misconfigured, Outcome, Refused, Retry
from consumer.segment_limits import MAX_RETRY_AFTER_SECONDS

RETRIED_STATUSES = frozenset({408, 410, 429, 460})
"""Beside these every 5xx is retried."""

REFUSED_STATUSES = frozenset({400, 413, 422})


def outcome_of(response: HttpResponse, now: float, any_body: bool = False) -> Outcome:
    """
    What the response means for its batch. `now` is in seconds since 1970, to compute the waits of `Retry-After` dates
    in a response that has no date itself.

    `any_body` makes every 2xx an acceptance, for gateways that speak Segment's API but do not respond as Segment does.
    """
    status = response.status
    if 200 <= status < 300:
        if any_body or _says_success(response.body):
            return Accepted()
        return Misconfigured(f"{status}_not_segment")
    if status in REFUSED_STATUSES:
        return Refused(f"http_{status}")
    if status in RETRIED_STATUSES or status >= 500:
        wait = requested_wait(response.headers, now)
        return Retry(f"http_{status}", wait, throttled=status == 429 or wait is not None)
    return Misconfigured(f"http_{status}")


def requested_wait(headers: Mapping[str, str], now: float) -> float | None:
    """
    Seconds from `Retry-After` or else `X-RateLimit-Reset`, 300 at most; None if absent, past or absurd.

    A date is compared with the `Date` of the response, because the clock of this machine can be wrong.
    """
    sent_at = _date(headers.get("date"))
    if sent_at is None:
        sent_at = now
    for wait in (_seconds_or_date(headers.get("retry-after"), sent_at), _seconds(headers.get("x-ratelimit-reset"))):
        if wait is not None and wait > 0:
            return min(wait, MAX_RETRY_AFTER_SECONDS)
    return None


def _seconds_or_date(text: str | None, now: float) -> float | None:
    seconds, date = _seconds(text), _date(text)
    if seconds is None and date is not None:
        return date - now
    return seconds


def _date(text: str | None) -> float | None:
    """The seconds since 1970 of a date in a header."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, OverflowError):
        return None


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    if math.isnan(seconds):
        return None
    return seconds


def _says_success(body: bytes) -> bool:
    try:
        parsed = loads(body)
    except JsonError:
        return False
    return isinstance(parsed, dict) and parsed.get("success") is True
