"""What Segment documents about a batch, as checks; and this project's own rules, which Segment would not notice."""

from collections.abc import Iterator, Mapping
from typing import Any

from consumer import json

# HTTP Tracking API: "32 KB per event", "500 KB per request", "2,500 events". Whether a KB is 1,000 or 1,024 bytes is
# not documented, so the stricter one holds. Sizes are of plain JSON.
MAX_EVENT_BYTES = 32_000
MAX_REQUEST_BYTES = 500_000
MAX_EVENTS = 2_500
MAX_MESSAGE_ID = 100

Event = Mapping[str, Any]


def dropped(event: Event) -> str:
    """Why Segment answers 200 to this event and throws it away; "" if it keeps it."""
    return next(_reasons(event), "")


def breaches(event: Event) -> Iterator[str]:
    """This project's own rules that the event breaks; Segment would take it all the same."""
    if "receivedAt" in event:
        yield "received_at"
    integration = _of(event.get("context"), "integration")
    if not _text(_of(integration, "name")) or not _text(_of(integration, "version")):
        yield "no_integration"
    if not _text(event.get("timestamp")):
        yield "no_timestamp"


def oversized(event: object) -> bool:
    return len(json.dumps(event)) > MAX_EVENT_BYTES


def _reasons(event: Event) -> Iterator[str]:
    if event.get("type") != "track":
        yield "not_track"
    if not _text(event.get("event")):
        yield "no_event"
    if not _text(event.get("userId")):
        yield "no_user_id"
    if not isinstance(event.get("properties", {}), dict):
        yield "properties_no_object"
    if not _text(event.get("messageId")):
        yield "no_message_id"
    elif len(event["messageId"]) >= MAX_MESSAGE_ID:
        yield "long_message_id"


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _of(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
