"""What Segment documents about a batch, as rules; and this project's own rules, which Segment would not notice."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from consumer import jsonio

# Segment's pages are named as in segment-docs: "http-api" is that of the HTTP API source, "spec" that of all calls.
# http-api, "Max request size": above these the answer is 400. Whether a KB is 1,000 or 1,024 bytes is not documented,
# nor what is measured, so the stricter one holds: 1,000, of plain JSON without white space.
MAX_EVENT_BYTES = 32_000
MAX_REQUEST_BYTES = 500_000
# http-api, "Errors": more in a batch are answered 200 and rejected.
MAX_EVENTS = 2_500
# http-api, "Errors", "Deduplication": a messageId has "fewer than 100 characters".
MAX_MESSAGE_ID = 100
# http-api, "Batch": each call must have a type "with a valid method name".
METHODS = ("identify", "group", "track", "page", "screen", "alias")

Event = Mapping[str, Any]


class Rule(NamedTuple):
    """`source` says where the rule comes from, `reason` is what an event is counted under that is not `kept`."""

    reason: str
    source: str
    kept: Callable[[Event], bool]


SEGMENTS_OWN = (
    Rule("no_type", "http-api, Batch", lambda event: event.get("type") in METHODS),
    Rule(
        "no_user_anon_id",
        "http-api, Errors: Identifier is not present",
        lambda event: _text(event.get("userId")) or _text(event.get("anonymousId")),
    ),
    Rule(
        "no_event",
        "http-api, Errors: Track event is missing name",
        lambda event: event.get("type") != "track" or _text(event.get("event")),
    ),
    Rule(
        "properties_no_object",
        "spec, Track: properties is an object",
        lambda event: isinstance(event.get("properties", {}), dict),
    ),
    Rule(
        "long_message_id",
        "http-api, Errors: Deduplication",
        lambda event: len(message_id(event)) < MAX_MESSAGE_ID,
    ),
)

OURS = (
    Rule("not_track", "Sprig's Segment Stream sends track calls alone", lambda event: event.get("type") == "track"),
    Rule(
        "no_user_id",
        "Sprig's Segment Stream does not send the answers of anonymous visitors",
        lambda event: _text(event.get("userId")),
    ),
    Rule(
        "no_message_id",
        "guides, Handling Duplicate Data: Segment gives such an event one of its own, so it knows no repeat of it",
        lambda event: bool(message_id(event)),
    ),
    Rule("received_at", "spec, Common Fields: Segment sets it", lambda event: "receivedAt" not in event),
    Rule(
        "no_integration",
        "partners, Streams: context.integration has the tool's name and version",
        lambda event: all(_text(_of(_of(event.get("context"), "integration"), name)) for name in ("name", "version")),
    ),
    Rule(
        "no_timestamp",
        "spec, Common Fields: all timestamps are ISO-8601",
        lambda event: is_time(event.get("timestamp")),
    ),
)


def dropped(event: Event) -> str:
    """Why Segment answers 200 to this event and throws it away; "" if it keeps it."""
    return next(_broken(SEGMENTS_OWN, event), "")


def breaches(event: Event) -> Iterator[str]:
    """This project's own rules that the event breaks; Segment would take it all the same."""
    return _broken(OURS, event)


def oversized(event: object) -> bool:
    return len(jsonio.dumps(event)) > MAX_EVENT_BYTES


def message_id(event: Event) -> str:
    """The event's messageId, "" if it has none that is text."""
    found = event.get("messageId")
    return found if isinstance(found, str) else ""


def is_time(value: object) -> bool:
    """Whether it is a point in time in ISO-8601."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _broken(rules: tuple[Rule, ...], event: Event) -> Iterator[str]:
    return (rule.reason for rule in rules if not rule.kept(event))


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _of(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
