"""`check --send-test`: sends one marked event with each write key, and explains the answer."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from consumer import factories
from consumer.cli.check_result import CheckResult, ok, problem
from consumer.cli.output import label
from consumer.jsonio import dumps
from consumer.model import (
    Accepted,
    BatchRequest,
    Chunk,
    Misconfigured,
    Record,
    Refused,
    Retry,
    TrackEvent,
    WriteKey,
)
from consumer.segment.client import SegmentClient
from consumer.settings import Settings

EVENT, USER = "sprig-to-segment check", "sprig-to-segment-check"


def send_test_events(settings: Settings) -> Iterator[CheckResult]:
    """Send the event once with each key. Each messageId is new, so that Segment takes no event for a repeat."""
    with contextlib.closing(factories.segment_client(settings)) as client:
        for environment, key in settings.write_keys.items():
            yield _send(client, key, label("Segment", environment))


def _send(client: SegmentClient, key: WriteKey, subject: str) -> CheckResult:
    message_id = f"check-{uuid.uuid4()}"
    event = TrackEvent(Record(0, 0, 0, None, None, ()), key, dumps(_event(message_id)))
    match client.attempt(BatchRequest(key, (Chunk.of(0, key, (event,)),), time.monotonic())):
        case Accepted():
            return ok(
                subject,
                "answered success, which proves nothing about the key, because a wrong key gets the same answer. "
                f'In Segment, open the source\'s Debugger and look for the event "{EVENT}" with messageId {message_id}',
            )
        case Retry(reason, detail=detail):
            return problem(subject, f"{label(reason, detail, ': ')}; `run` would retry without end")
        case Refused(reason) | Misconfigured(reason):
            return problem(
                subject,
                f"{reason}: look at SEGMENT_ENDPOINT, SEGMENT_REGION and the write key; delivery would be blocked",
            )


def _event(message_id: str) -> dict[str, object]:
    """Marked as a test, so that no analyst takes it for an answer."""
    version = {"name": "sprig-to-segment", "version": factories.VERSION}
    return {
        "type": "track",
        "event": EVENT,
        "userId": USER,
        "messageId": message_id,
        "timestamp": datetime.now(UTC),
        "context": {"integration": {"name": "sprig", "version": "1.0.0"}, "library": version},
        "properties": {"test": True},
    }
