"""What Segment's answers mean: the answer table, and how long an answer asks to wait."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from consumer.jsonio import JsonError, loads
from consumer.request import Accepted, Misconfigured, Outcome, Refused, Retry

LONGEST_WAIT = 300.0  # seconds; Segment's own clients cap Retry-After there
TRY_AGAIN = frozenset({408, 410, 429, 460})
REFUSALS = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that was read whole; `headers` by lower-case name, `body` empty if it was absurdly long."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def judge(answer: Answer, now: float, any_body: bool = False) -> Outcome:
    """
    The treatment of an answer. `now` in seconds since 1970, to read `Retry-After` dates by.

    `any_body` takes every 2xx for an acceptance, for gateways that speak Segment's API but not its answers.
    """
    status = answer.status
    if 200 <= status < 300:
        ours = any_body or _says_success(answer.body)
        return Accepted() if ours else Misconfigured(f"{status}_not_segment")
    if status in REFUSALS:
        return Refused(f"http_{status}")
    if status in TRY_AGAIN or status >= 500:
        wait = asked_wait(answer.headers, now)
        return Retry(f"http_{status}", wait, throttled=status == 429 or wait is not None)
    return Misconfigured(f"http_{status}")


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that `Retry-After` or else `X-RateLimit-Reset` asks for, 300 at most; None if absent, past or absurd."""
    for wait in (_seconds_or_date(headers.get("retry-after"), now), _seconds(headers.get("x-ratelimit-reset"))):
        if wait is not None and wait > 0:
            return min(wait, LONGEST_WAIT)
    return None


def _seconds_or_date(text: str | None, now: float) -> float | None:
    seconds = _seconds(text)
    if seconds is not None or text is None:
        return seconds
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return None if math.isnan(seconds) else seconds


def _says_success(body: bytes) -> bool:
    try:
        answer = loads(body)
    except JsonError:
        return False
    return isinstance(answer, dict) and answer.get("success") is True
