"""
Segment's documented limits, each once and with its source; the service sends nothing beyond them.

Pages are named as in segment-docs: "http-api" is connections/sources/catalog/libraries/server/http-api, "spec" is
connections/spec.
"""

MAX_EVENT_BYTES = 32_000
"""Serialised bytes of one event. http-api, "Max request size": 32 KB. Segment does not say which KB; 1,000 is safe."""

MAX_REQUEST_BYTES = 500_000
"""Bytes of a request body before compression. http-api, "Max request size": 500 KB; more is answered with 400."""

MAX_REQUEST_EVENTS = 2_500
"""http-api, "Errors": Segment answers 200 to a batch with more events and drops it."""

MAX_MESSAGE_ID_LENGTH = 99
"""Characters. http-api, "Deduplication": fewer than 100; Segment answers 200 to a longer one and drops the event."""

REQUIRED_PROPERTIES = ("type", "event", "userId", "messageId")
"""http-api, "Errors": Segment answers 200 to an event without one of these, and drops it."""

EVENT_PROPERTIES = (
    "type",
    "event",
    "userId",
    "anonymousId",
    "messageId",
    "timestamp",
    "context",
    "properties",
    "integrations",
)
"""What a `track` event may have. Source: spec, "Common Fields" and "Track"."""

PROPERTIES_OF_OTHERS = {
    "receivedAt": "Segment sets it",
    "sentAt": "each request sets it anew",
    "originalTimestamp": "Segment computes it from timestamp and sentAt",
    "writeKey": "it comes from the settings and must not be in a file",
}
"""What an event must not have, with the reason. Source: spec, "Common Fields"."""

MAX_RETRY_AFTER_SECONDS = 300.0
"""The longest wait that the service obeys. Segment's own clients cap `Retry-After` there."""
