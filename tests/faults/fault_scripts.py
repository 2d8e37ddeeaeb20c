"""Owns the faults of Segment: each row of the response table, and each way to give no response."""

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from consumer.demo import fault_scripts

ScriptFactory = Callable[[float], fault_scripts.Script]
"""From the number of requests that the fault lasts to its script."""

Faults = Mapping[str, ScriptFactory]


def fail_with(status: int) -> ScriptFactory:
    return lambda times: fault_scripts.fail(times, status)


def throttle_with(retry_after: str) -> ScriptFactory:
    return lambda times: fault_scripts.throttle(times, retry_after)


def throttle_until_date(times: float) -> fault_scripts.Script:
    """A 429 whose Retry-After is a date, one or two seconds ahead of the response."""
    requests = itertools.count()

    def script(_received: fault_scripts.ReceivedBatch) -> fault_scripts.ScriptedResponse | None:
        now = time.time()
        headers = {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(now + 2, usegmt=True)}
        return fault_scripts.problem(429, "later", headers) if next(requests) < times else None

    return script


def refuse_in_a_batch(status: int) -> ScriptFactory:
    """Each request with more than one event is refused, and each event alone is accepted."""

    def refuse_batches(times: float) -> fault_scripts.Script:
        requests = itertools.count()
        refusal = fault_scripts.problem(status, "refused in a batch")
        return lambda received: refusal if len(received.events) > 1 and next(requests) < times else None

    return refuse_batches


def report_no_success(times: float) -> fault_scripts.Script:
    """A 200 that accepts no event, with `"success": false` in its body."""
    return fault_scripts.repeatedly(fault_scripts.ResponseWithoutEffect(body=b'{"success": false}'), times)


def close_after_response(times: float) -> fault_scripts.Script:
    """A whole response, and then the end of the connection that the client keeps for its next request."""
    return fault_scripts.repeatedly(fault_scripts.ScriptedResponse(wire=send_and_close), times)


def send_and_close(client: Any, response: bytes, _stopped: threading.Event) -> bool:
    client.sendall(response)
    return False


FEW: Faults = {
    "500": fault_scripts.fail,
    "401": fail_with(401),
    "413 for a batch": refuse_in_a_batch(413),
    "429, Retry-After: 1": fault_scripts.throttle,
    "429, Retry-After: a date": throttle_until_date,
    "reset connections, events accepted": lambda times: fault_scripts.reset(times, accepts_events=True),
    "responses that end halfway": fault_scripts.cut_off,
    "connections closed after the response": close_after_response,
}
ALL: Faults = {
    **FEW,
    **{str(status): fail_with(status) for status in (302, 403, 404, 408, 410, 429, 460, 503)},
    **{f"{status} for a batch": refuse_in_a_batch(status) for status in (400, 422)},
    "429, Retry-After: a date in the past": throttle_with("Wed, 21 Oct 2015 07:28:00 GMT"),
    "429, Retry-After: -7": throttle_with("-7"),
    "429, Retry-After: no number and no date": throttle_with("soon"),
    "503, Retry-After: 1": lambda times: fault_scripts.repeatedly(
        fault_scripts.problem(503, "later", {"Retry-After": "1"}), times
    ),
    "200 with success false": report_no_success,
    "no response": fault_scripts.hang,
    "reset connections, events not accepted": fault_scripts.reset,
    "responses byte by byte": fault_scripts.dribble,
    "a proxy's page": fault_scripts.page,
}
