"""What an operator is told of a registry that gives no answer: what was seen, and where to look."""

import ssl
from collections.abc import Iterator

from consumer.avro.schema_lookup import Misconfigured, Unreachable

_PASSING = (408, 429)
_STUMBLES = (ValueError, TypeError, LookupError, AttributeError)  # of the client, over an answer that it did not expect


def by_status(status: int) -> Unreachable:
    """Of an HTTP status that is no answer about a schema."""
    seen = f"HTTP status {status}"
    if status in (401, 403):
        return Misconfigured(f"{seen}, it refuses our credentials: look at SCHEMA_REGISTRY_CONFIG")
    if 300 <= status < 400:
        return Misconfigured(f"{seen}, a redirect, which is not followed: look at SCHEMA_REGISTRY_URL")
    if 400 <= status < 500 and status not in _PASSING:
        other = "; some registries know no look-up by GUID" if status == 404 else ""
        return Misconfigured(f"{seen} without a registry's error code: look at SCHEMA_REGISTRY_URL{other}")
    return Unreachable(seen)


def by_content() -> Unreachable:
    """Of an answer like a registry's by its status alone."""
    return Misconfigured("an answer that is no registry's: look at SCHEMA_REGISTRY_URL")


def by_error(error: Exception) -> Unreachable:
    """
    Of what the client's HTTP library raised.

    The words are those of OpenSSL and of the operating system, or the kind of error; never those of a peer.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            seen = f"its certificate is refused, {cause.verify_message}"
            return Misconfigured(f"{seen}: look at ssl.ca.location in SCHEMA_REGISTRY_CONFIG, or at the certificate")
        if isinstance(cause, ssl.SSLError) and cause.reason:
            seen = f"TLS fails, {cause.reason}"
            return Misconfigured(f"{seen}: look at SCHEMA_REGISTRY_URL, and at ssl.* in SCHEMA_REGISTRY_CONFIG")
        if isinstance(cause, TimeoutError):
            return Unreachable("it took longer than its timeout")
        if isinstance(cause, OSError) and cause.strerror:
            return Unreachable(cause.strerror)
    if isinstance(error, _STUMBLES):
        return by_content()
    return Unreachable(type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
