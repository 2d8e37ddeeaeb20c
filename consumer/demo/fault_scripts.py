"""Faults on the way to Segment, as scripts that the stand-in asks before it answers by itself."""

import itertools
import math
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DRIBBLE_SECONDS = 0.2


class ReceivedBatch(NamedTuple):
    """A well-formed request: its number from 1, the write key, its events, its headers in lower case, and `sentAt`."""

    number: int
    key: str
    events: list[Any]
    headers: Mapping[str, str]
    sent_at: str = ""


Wire = Callable[[socket.socket, bytes, threading.Event], bool]
"""
How the bytes of a response are sent.

The event is set when the stand-in stops. Returns False if the connection is over.
"""


def whole(client: socket.socket, response: bytes, _stopped: threading.Event) -> bool:
    client.sendall(response)
    return True


@dataclass(frozen=True, slots=True)
class ScriptedResponse:
    """A response, and how it is sent. A success accepts the events, even if the response never arrives."""

    status: int = 200
    body: bytes = b'{"success": true}'
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: Wire = whole

    @property
    def accepts_events(self) -> bool:
        return 200 <= self.status < 300


class ResponseWithoutEffect(ScriptedResponse):
    """A response that says nothing about the events, because it never came from Segment."""

    __slots__ = ()

    @property
    def accepts_events(self) -> bool:
        return False


Script = Callable[[ReceivedBatch], ScriptedResponse | None]
"""
The response to a batch; None: the stand-in answers as Segment does.

The stand-in calls a script with its lock held, so that the script may count.
"""


def calm(_batch: ReceivedBatch) -> ScriptedResponse | None:
    return None


def first(*scripts: Script) -> Script:
    """The first response that any of these scripts gives."""
    return lambda batch: next(filter(None, (script(batch) for script in scripts)), None)


def repeatedly(response: ScriptedResponse, times: float = math.inf) -> Script:
    """The same response to the next `times` requests, or to all."""
    requests = itertools.count()
    return lambda _batch: response if next(requests) < times else None


def refuse(matches: Callable[[Any], bool], status: int = 400) -> Script:
    """A 400 for a batch in which any event `matches`; with another status as a firewall denies it."""
    refusal = problem(status, "an event of this batch is refused")
    return lambda batch: refusal if any(map(matches, batch.events)) else None


def throttle(times: float = math.inf, retry_after: str = "1") -> Script:
    """A 429 as segment-docs has it (HTTP API source, "Rate limits"): both headers say how long to wait."""
    headers = {"Retry-After": retry_after, "X-RateLimit-Reset": retry_after}
    return repeatedly(problem(429, "too many requests", headers), times)


def fail(times: float = math.inf, status: int = 500) -> Script:
    return repeatedly(problem(status, "failed"), times)


def down() -> Script:
    return fail(status=503)


def page(times: float = math.inf) -> Script:
    """A proxy's page in place of Segment's response: a 200, but the events are not accepted."""
    html = ResponseWithoutEffect(body=b"<html>Sign in</html>", headers={"Content-Type": "text/html"})
    return repeatedly(html, times)


def hang(times: float = math.inf) -> Script:
    """No response until the client gives up or the stand-in stops; the events are not accepted."""
    return repeatedly(ResponseWithoutEffect(wire=_send_nothing), times)


def reset(times: float = math.inf, accepts_events: bool = False) -> Script:
    """A reset connection in place of a response: the client cannot know whether the events were accepted."""
    response_type = ScriptedResponse if accepts_events else ResponseWithoutEffect
    return repeatedly(response_type(wire=_send_reset), times)


def cut_off(times: float = math.inf) -> Script:
    """The events are accepted, and the connection ends halfway through the response's body."""
    return repeatedly(ScriptedResponse(wire=_send_half), times)


def dribble(times: float = math.inf) -> Script:
    """The events are accepted, and the response arrives byte by byte, five a second."""
    return repeatedly(ScriptedResponse(wire=_send_byte_by_byte), times)


def problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> ScriptedResponse:
    """An error in the form that Segment documents."""
    return ScriptedResponse(status, b'{"code": "invalid_request", "message": "%s"}' % message.encode(), headers or {})


def _send_nothing(_client: socket.socket, _response: bytes, stopped: threading.Event) -> bool:
    stopped.wait()
    return False


def _send_reset(client: socket.socket, _response: bytes, _stopped: threading.Event) -> bool:
    # With a linger time of 0, close() sends RST in place of FIN (socket(7)).
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    return False


def _send_half(client: socket.socket, response: bytes, _stopped: threading.Event) -> bool:
    head, blank, body = response.partition(b"\r\n\r\n")
    client.sendall(head + blank + body[: len(body) // 2])
    return False


def _send_byte_by_byte(client: socket.socket, response: bytes, stopped: threading.Event) -> bool:
    for byte in response:
        client.sendall(bytes([byte]))
        if stopped.wait(DRIBBLE_SECONDS):
            return False
    return True
