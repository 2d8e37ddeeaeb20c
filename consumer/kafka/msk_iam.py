"""Tokens with which an IAM role signs in to Amazon MSK, each signed anew."""

import base64
import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from consumer.aws import signature
from consumer.aws.credentials import Credentials, CredentialSources
from consumer.aws.endpoint import host
from consumer.errors import NoAnswer
from consumer.internal_errors import as_service_error

log = logging.getLogger(__name__)

# Amazon's own signers ask for the same lifetime, the longest that MSK accepts.
LIFETIME_SECONDS = 900
_RETRY_SECONDS = 10

Token = tuple[str, float]


def token_callback(sources: CredentialSources) -> Callable[[str], Token]:
    """
    librdkafka's `oauth_cb`: returns a token and its end, in seconds since the epoch.

    An exception in the callback would end the client. Without credentials the callback therefore returns the last token
    while it is good, or else the token "none", which MSK refuses. Both are said to end soon, so that the client asks
    again.
    """
    last: Token = "none", math.inf

    def token(_: str) -> Token:
        nonlocal last
        now = datetime.now(UTC)
        try:
            credentials = sources.credentials()
            seconds = lifetime(credentials, now)
            last = sign(sources.region, credentials, now, seconds), now.timestamp() + seconds
        except Exception as error:  # noqa: BLE001 - also a defect of ours
            log.error("no token for MSK, retrying", extra={"error": str(as_service_error(error))})
            text, end = last
            if end < now.timestamp() + 1:
                text, end = "none", math.inf
            return text, min(end, now.timestamp() + _RETRY_SECONDS)
        return last

    return token


def lifetime(credentials: Credentials, now: datetime) -> int:
    """
    Seconds for which a token of these credentials is good: MSK refuses a token whose credentials have expired.

    The client asks for the next token after four fifths of this time. Raises NoAnswer if no second is left.
    """
    if credentials.expires_at is None:
        return LIFETIME_SECONDS
    seconds = min(int(credentials.expires_at - now.timestamp()), LIFETIME_SECONDS)
    if seconds < 1:
        raise NoAnswer(f"MSK: the credentials of {credentials.source} have expired: check the clock of this machine")
    return seconds


def sign(region: str, signer: Credentials, now: datetime, seconds: int) -> str:
    """A presigned URL as a token: Signature Version 4 in the query, for the action kafka-cluster:Connect."""
    host_name = host("kafka", region)
    signed_scope = signature.scope(now, region, "kafka-cluster")
    parameters = {
        "Action": "kafka-cluster:Connect",
        "X-Amz-Algorithm": signature.ALGORITHM,
        "X-Amz-Credential": f"{signer.key}/{signed_scope}",
        "X-Amz-Date": signature.timestamp(now),
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if signer.session:
        parameters["X-Amz-Security-Token"] = signer.session
    query = urlencode(sorted(parameters.items()), quote_via=quote, safe="-_.~")
    request = f"GET\n/\n{query}\nhost:{host_name}\n\nhost\n{signature.digest(b'')}"
    proof = signature.signature(signer.secret, now, signed_scope, request)
    url = f"https://{host_name}/?{query}&X-Amz-Signature={proof}&User-Agent=sprig-to-segment"
    return base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
