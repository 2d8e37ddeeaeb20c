"""Segment's documented rules for a batch, and this project's own rules, which Segment does not check."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from consumer import jsonio

# Segment's pages are named as in segment-docs: "http-api" is connections/sources/catalog/libraries/server/http-api,
# "spec" is connections/spec. The numbers are the stand-in's own and not those of the service, which they verify.
# http-api, "Max request size": above these sizes the answer is 400. Segment documents neither whether a KB is 1,000 or
# 1,024 bytes nor what is measured. So the stand-in is strict: 1,000 bytes, of plain JSON without white space.
MAX_EVENT_BYTES = 32_000
MAX_REQUEST_BYTES = 500_000
# http-api, "Errors": a batch with more events is answered 200 and rejected.
MAX_EVENTS = 2_500
# http-api, "Errors", "Deduplication": a messageId has "fewer than 100 characters".
MAX_MESSAGE_ID = 100
# http-api, "Batch": each event must have a type "with a valid method name".
METHODS = ("identify", "group", "track", "page", "screen", "alias")

TrackPayload = Mapping[str, Any]


class SegmentRule(NamedTuple):
    """A rule for an event. An event that breaks the rule is counted under `reason`; `source` documents the rule."""

    reason: str
    source: str
    is_met: Callable[[TrackPayload], bool]


SEGMENT_RULES = (
    SegmentRule("no_type", "http-api, Batch", lambda event: event.get("type") in METHODS),
    SegmentRule(
        "no_user_anon_id",
        "http-api, Errors: Identifier is not present",
        lambda event: _is_text(event.get("userId")) or _is_text(event.get("anonymousId")),
    ),
    SegmentRule(
        "no_event",
        "http-api, Errors: Track event is missing name",
        lambda event: event.get("type") != "track" or _is_text(event.get("event")),
    ),
    SegmentRule(
        "properties_no_object",
        "spec, Track: properties is an object",
        lambda event: isinstance(event.get("properties", {}), dict),
    ),
    SegmentRule(
        "long_message_id",
        "http-api, Errors: Deduplication",
        lambda event: len(message_id(event)) < MAX_MESSAGE_ID,
    ),
)

PROJECT_RULES = (
    SegmentRule(
        "not_track", "Sprig's Segment Stream sends track events only", lambda event: event.get("type") == "track"
    ),
    SegmentRule(
        "no_user_id",
        "Sprig's Segment Stream does not send the answers of anonymous visitors",
        lambda event: _is_text(event.get("userId")),
    ),
    SegmentRule(
        "no_message_id",
        "guides, Handling Duplicate Data: Segment adds a messageId to such an event, so it recognises no repeat of it",
        lambda event: bool(message_id(event)),
    ),
    SegmentRule("received_at", "spec, Common Fields: Segment sets it", lambda event: "receivedAt" not in event),
    SegmentRule(
        "no_integration",
        "partners, Streams: context.integration has the tool's name and version",
        lambda event: all(
            _is_text(_field(_field(event.get("context"), "integration"), name)) for name in ("name", "version")
        ),
    ),
    SegmentRule(
        "no_timestamp",
        "spec, Common Fields: all timestamps are ISO-8601",
        lambda event: is_time(event.get("timestamp")),
    ),
)


def dropped(event: TrackPayload) -> str:
    """Why Segment answers 200 to this event and drops it; "" if Segment accepts it."""
    return next(_broken(SEGMENT_RULES, event), "")


def breaches(event: TrackPayload) -> Iterator[str]:
    """This project's own rules that the event breaks, although Segment accepts the event."""
    return _broken(PROJECT_RULES, event)


def oversized(event: object) -> bool:
    return len(jsonio.dumps(event)) > MAX_EVENT_BYTES


def message_id(event: TrackPayload) -> str:
    """The event's messageId, "" if it has none that is text."""
    value = event.get("messageId")
    return value if isinstance(value, str) else ""


def is_time(value: object) -> bool:
    """Whether the value is a point in time in ISO-8601."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _broken(rules: tuple[SegmentRule, ...], event: TrackPayload) -> Iterator[str]:
    return (rule.reason for rule in rules if not rule.is_met(event))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _field(value: object, name: str) -> object:
    if not isinstance(value, dict):
        return None
    return value.get(name)
