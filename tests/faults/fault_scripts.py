"""What Segment answers for a spell: each line of the answer table, and each way not to answer."""

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from consumer.demo import fault_scripts

# By the number of requests that it lasts.
Spells = Mapping[str, Callable[[float], fault_scripts.Script]]


def status(code: int) -> Callable[[float], fault_scripts.Script]:
    return lambda times: fault_scripts.fail(times, code)


def come_back(when: str) -> Callable[[float], fault_scripts.Script]:
    return lambda times: fault_scripts.throttle(times, when)


def come_back_soon(times: float) -> fault_scripts.Script:
    """A date that is a second or two ahead when it is said."""
    seen = itertools.count()

    def script(_received: fault_scripts.Received) -> fault_scripts.Answer | None:
        headers = {"Retry-After": formatdate(time.time() + 2, usegmt=True)}
        return fault_scripts.problem(429, "later", headers) if next(seen) < times else None

    return script


def company(code: int) -> Callable[[float], fault_scripts.Script]:
    """Whatever has more than one event is refused: each event is well by itself."""

    def spell(times: float) -> fault_scripts.Script:
        seen = itertools.count()
        refusal = fault_scripts.problem(code, "refused in company")
        return lambda received: refusal if len(received.events) > 1 and next(seen) < times else None

    return spell


def no_success(times: float) -> fault_scripts.Script:
    """A 200 that takes nothing, and says so."""
    return fault_scripts.repeatedly(fault_scripts.Untaken(body=b'{"success": false}'), times)


def hangs_up(times: float) -> fault_scripts.Script:
    """An answer, and then the connection is closed that the client keeps for its next request."""
    return fault_scripts.repeatedly(fault_scripts.Answer(wire=said_and_closed), times)


def said_and_closed(client: Any, answer: bytes, _stopped: threading.Event) -> bool:
    client.sendall(answer)
    return False


FEW: Spells = {
    "500": fault_scripts.fail,
    "401": status(401),
    "413": company(413),
    "429, come back in a second": fault_scripts.throttle,
    "429, come back soon, by date": come_back_soon,
    "resets, events taken": lambda times: fault_scripts.reset(times, taken=True),
    "cuts its answers off": fault_scripts.cut_off,
    "hangs up after its answers": hangs_up,
}
ALL: Spells = {
    **FEW,
    **{str(code): status(code) for code in (302, 403, 404, 408, 410, 429, 460, 503)},
    **{str(code): company(code) for code in (400, 422)},
    "429, come back yesterday": come_back("Wed, 21 Oct 2015 07:28:00 GMT"),
    "429, come back at -7": come_back("-7"),
    "429, come back at nonsense": come_back("soon"),
    "503, come back in a second": lambda times: fault_scripts.repeatedly(
        fault_scripts.problem(503, "later", {"Retry-After": "1"}), times
    ),
    "success is false": no_success,
    "hangs": fault_scripts.hang,
    "resets, events not taken": fault_scripts.reset,
    "dribbles its answers": fault_scripts.dribble,
    "is a proxy's page": fault_scripts.page,
}
