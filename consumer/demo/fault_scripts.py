"""What can go wrong on the way to Segment: scripts that the stand-in consults before it answers by itself."""

import itertools
import math
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DRIBBLE_SECONDS = 0.2


class Received(NamedTuple):
    """A well-formed request: its number from 1, the write key, its events, and its headers in lower case."""

    number: int
    key: str
    events: list[Any]
    headers: Mapping[str, str]


# Sends the bytes of an answer in some way; the event is set when the stand-in stops. False: the connection is over.
Wire = Callable[[socket.socket, bytes, threading.Event], bool]


def whole(client: socket.socket, answer: bytes, _stopped: threading.Event) -> bool:
    client.sendall(answer)
    return True


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and how it is sent. Events are taken if its status says so, even if the answer never arrives."""

    status: int = 200
    body: bytes = b'{"success": true}'
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: Wire = whole

    @property
    def takes(self) -> bool:
        return 200 <= self.status < 300


# Called with the stand-in's lock held, so that a script may count. `None`: no opinion, answer as Segment does.
Script = Callable[[Received], Answer | None]


def calm(_received: Received) -> Answer | None:
    return None


def first(*scripts: Script) -> Script:
    """The first of several that has an opinion."""
    return lambda received: next(filter(None, (script(received) for script in scripts)), None)


def repeatedly(answer: Answer, times: float = math.inf) -> Script:
    """The same answer to the next `times` requests, or to all."""
    seen = itertools.count()
    return lambda _received: answer if next(seen) < times else None


def refuse(matches: Callable[[Any], bool]) -> Script:
    """A 400 for a batch in which any event `matches`."""
    refusal = problem(400, "an event of this batch is refused")
    return lambda received: refusal if any(map(matches, received.events)) else None


def throttle(times: float = math.inf, retry_after: str = "1") -> Script:
    """A 429 as segment-docs has it (HTTP API source, "Rate limits"): both headers say when to come back."""
    headers = {"Retry-After": retry_after, "X-RateLimit-Reset": retry_after}
    return repeatedly(problem(429, "too many requests", headers), times)


def fail(times: float = math.inf, status: int = 500) -> Script:
    return repeatedly(problem(status, "failed"), times)


def down() -> Script:
    return fail(status=503)


def page(times: float = math.inf) -> Script:
    """A proxy's page in Segment's place: a 200 that takes nothing. To tell so, the events are not recorded."""
    return repeatedly(Untaken(body=b"<html>Sign in</html>", headers={"Content-Type": "text/html"}), times)


def hang(times: float = math.inf) -> Script:
    """Takes nothing and says nothing until the client gives up or the stand-in stops."""
    return repeatedly(Untaken(wire=_silence), times)


def reset(times: float = math.inf, taken: bool = False) -> Script:
    """Resets the connection in place of an answer, with the events `taken` or not: the client cannot know."""
    return repeatedly((Answer if taken else Untaken)(wire=_reset), times)


def cut_off(times: float = math.inf) -> Script:
    """Takes the events, then ends the connection halfway through the answer's body."""
    return repeatedly(Answer(wire=_half), times)


def dribble(times: float = math.inf) -> Script:
    """Takes the events, then answers a byte at a time, five a second."""
    return repeatedly(Answer(wire=_byte_by_byte), times)


def problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in the form that Segment documents."""
    return Answer(status, b'{"code": "invalid_request", "message": "%s"}' % message.encode(), headers or {})


class Untaken(Answer):
    """An answer whose status says nothing about the events, as it never came from Segment."""

    __slots__ = ()

    @property
    def takes(self) -> bool:
        return False


def _silence(_client: socket.socket, _answer: bytes, stopped: threading.Event) -> bool:
    stopped.wait()
    return False


def _reset(client: socket.socket, _answer: bytes, _stopped: threading.Event) -> bool:
    # Lingering for no time at all makes close() send RST in place of FIN (socket(7)).
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    return False


def _half(client: socket.socket, answer: bytes, _stopped: threading.Event) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    client.sendall(head + blank + body[: len(body) // 2])
    return False


def _byte_by_byte(client: socket.socket, answer: bytes, stopped: threading.Event) -> bool:
    for byte in answer:
        client.sendall(bytes([byte]))
        if stopped.wait(DRIBBLE_SECONDS):
            return False
    return True
