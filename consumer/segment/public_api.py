"""
Segment's Public API: the request that puts rules into a tracking plan, and what its response means.

Source: docs.segmentapis.com and Segment's own clients (segmentio/public-api-sdk-java, TrackingPlansApi): "Update Rules
in Tracking Plan" is PATCH /tracking-plans/{trackingPlanId}/rules with `{"rules": [{"type", "key", "jsonSchema",
"version"}]}`, in the media type below, and answers `{"data": {..}}`; 404, 422 and 429 are its errors. PUT of the same
path is "Replace Rules in Tracking Plan": it would delete the rules of all other events.
"""

import re
from collections.abc import Mapping
from typing import Any

from consumer.http_client.messages import HttpRequest, HttpResponse
from consumer.jsonio import loads
from consumer.outside_text import outside_text

API_URLS: Mapping[str, str] = {"us": "https://api.segmentapis.com", "eu": "https://eu1.api.segmentapis.com"}
"""By the region of the workspace. Source: the configurations of segmentio/public-api-sdk-typescript."""

TOKEN_VARIABLE = "SEGMENT_PUBLIC_API_TOKEN"  # noqa: S105 - the name of a variable
MEDIA_TYPE = "application/vnd.segment.v1+json"
MAX_RESPONSE_BYTES = 1_000_000

_MEANINGS = {
    401: f"the token is wrong or expired: look at {TOKEN_VARIABLE}, and whether the workspace is in this region",
    403: "the token may not change this tracking plan: create one that may, in a workspace that has Protocols",
    404: "the workspace of the token has no such tracking plan: look at --tracking-plan and at the region",
    429: "too many requests: wait a minute, and try again",
}


def rules_url(api_url: str, plan_id: str) -> str:
    return f"{api_url.rstrip('/')}/tracking-plans/{plan_id}/rules"


def rules_request(url: str, token: str, rules: str) -> HttpRequest:
    """The request that updates these rules, and leaves the other rules of the plan as they are."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
    return HttpRequest("PATCH", url, headers, rules.encode())


def curl_call(url: str, rules: str) -> str:
    """The same request as lines for a shell, which takes the token from its environment. `url` has no quote."""
    lines = [
        "curl --fail-with-body --request PATCH \\",
        f'  --header "Authorization: Bearer ${TOKEN_VARIABLE}" \\',
        f"  --header 'Content-Type: {MEDIA_TYPE}' \\",
        f"  --header 'Accept: {MEDIA_TYPE}' \\",
        "  --data-binary @- \\",
        f"  '{url}' <<'JSON'",
    ]
    return "\n".join([*lines, rules, "JSON"])


def is_token(text: str) -> bool:
    """Whether a text can be in a header: printable ASCII without blanks."""
    return bool(re.fullmatch(r"[!-~]+", text))


def refusal(response: HttpResponse) -> str:
    """Why the rules are not in the plan, "" if they are."""
    body = _json(response.body)
    if 200 <= response.status < 300:
        if isinstance(body, dict) and "data" in body:
            return ""
        return f"status {response.status} without Segment's answer: is the URL that of Segment's Public API?"
    return ": ".join(filter(None, [f"status {response.status}", _meaning(response.status), _messages(body)]))


def _meaning(status: int) -> str:
    if status >= 500:
        return "Segment has a problem: try again later"
    return _MEANINGS.get(status, "Segment refuses the rules")


def _messages(body: Any) -> str:
    """What Segment says itself: `{"errors": [{"type": .., "message": ..}]}`."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return ""
    messages = [str(error.get("message") or error.get("type")) for error in errors if isinstance(error, dict)]
    return outside_text("; ".join(messages))


def _json(body: bytes) -> Any:
    try:
        return loads(body)
    except ValueError:
        return None
