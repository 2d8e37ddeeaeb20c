"""`check --send-test`: one marked event for each write key, and what its answer says and does not say."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from consumer import app
from consumer.cli.check_result import Look, ok, problem
from consumer.jsonio import dumps
from consumer.model import Call, Message, WriteKey
from consumer.request import Accepted, Misconfigured, Part, Refused, Request, Retry
from consumer.segment.client import Segment
from consumer.settings import Settings

EVENT, USER = "sprig-to-segment check", "sprig-to-segment-check"


def sent(settings: Settings) -> Iterator[Look]:
    """Send it with each key, once. Its messageId is one of its own, so a second check is no repeat to Segment."""
    with contextlib.closing(Segment(app.endpoint(settings))) as segment:
        for environment, key in settings.write_keys.items():
            yield _sent(segment, key, f"Segment{environment and ', '}{environment}")


def _sent(segment: Segment, key: WriteKey, what: str) -> Look:
    message_id = f"check-{uuid.uuid4()}"
    call = Call(Message(0, 0, 0, None, None, ()), key, dumps(_event(message_id)))
    match segment.attempt(Request(key, (Part(0, key, (call,)),), time.monotonic())):
        case Accepted():
            return ok(
                what,
                "answered success, which proves nothing about the key: Segment says so to a wrong one, too. "
                f'In Segment, open the source\'s Debugger and look for the event "{EVENT}" with messageId {message_id}',
            )
        case Retry(reason, detail=detail):
            return problem(what, f"{reason}{detail and ': '}{detail}; run would send it again and again")
        case Refused(reason) | Misconfigured(reason):
            return problem(
                what, f"{reason}: look at SEGMENT_ENDPOINT, SEGMENT_REGION and the write key; run would hold"
            )


def _event(message_id: str) -> dict[str, object]:
    """Marked as what it is, so that nobody takes it for an answer."""
    version = {"name": "sprig-to-segment", "version": app.VERSION}
    return {
        "type": "track",
        "event": EVENT,
        "userId": USER,
        "messageId": message_id,
        "timestamp": datetime.now(UTC),
        "context": {"integration": {"name": "sprig", "version": "1.0.0"}, "library": version},
        "properties": {"test": True},
    }
