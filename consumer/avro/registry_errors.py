"""What a request to the schema registry without an answer means for an operator, and which setting to look at."""

import ssl
from collections.abc import Iterator, Mapping

from consumer.avro.schema_lookup import RegistryMisconfigured, RegistryUnreachable

_TRANSIENT_STATUSES = (408, 429)
# What the client raises over a response that it did not expect.
_UNEXPECTED_CONTENT = (ValueError, TypeError, LookupError, AttributeError)
# The errors of the client's HTTP library (httpx, "Exceptions") that have no cause with words of the system.
_KINDS: Mapping[str, str] = {
    "RemoteProtocolError": "the response broke off, or is not HTTP",
    "LocalProtocolError": "the request is not valid: look at SCHEMA_REGISTRY_URL and SCHEMA_REGISTRY_CONFIG",
    "UnsupportedProtocol": "the URL is neither http nor https: look at SCHEMA_REGISTRY_URL",
    "ProxyError": "the proxy refuses the connection: look at proxy in SCHEMA_REGISTRY_CONFIG",
    "DecodingError": "the response is compressed in a way that cannot be read",
    "ConnectError": "the connection could not be made",
    "ReadError": "the connection broke off",
    "WriteError": "the connection broke off",
    "CloseError": "the connection broke off",
}


def status_error(status: int) -> RegistryUnreachable:
    """The error for an HTTP status that is no answer about a schema."""
    text = f"HTTP status {status}"
    if status in (401, 403):
        return RegistryMisconfigured(f"{text}, the registry refuses the credentials: look at SCHEMA_REGISTRY_CONFIG")
    if 300 <= status < 400:
        return RegistryMisconfigured(f"{text}, a redirect, which is not followed: look at SCHEMA_REGISTRY_URL")
    if 400 <= status < 500 and status not in _TRANSIENT_STATUSES:
        hint = "; some registries have no look-up by GUID" if status == 404 else ""
        return RegistryMisconfigured(f"{text} without a registry's error code: look at SCHEMA_REGISTRY_URL{hint}")
    return RegistryUnreachable(text)


def content_error() -> RegistryUnreachable:
    """The error for a response that has a success status but not the content of a registry."""
    return RegistryMisconfigured("the response is not a schema registry's: look at SCHEMA_REGISTRY_URL")


def transport_error(error: Exception) -> RegistryUnreachable:
    """
    The outage that an error of the client's HTTP library means.

    The text has words of OpenSSL, of the operating system or of ours; never words of a peer.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = f"cannot verify the registry's certificate, {cause.verify_message}"
            return RegistryMisconfigured(
                f"{text}: look at ssl.ca.location in SCHEMA_REGISTRY_CONFIG, or at the certificate"
            )
        if isinstance(cause, ssl.SSLError) and cause.reason:
            text = f"TLS fails, {cause.reason}"
            return RegistryMisconfigured(f"{text}: look at SCHEMA_REGISTRY_URL, and at ssl.* in SCHEMA_REGISTRY_CONFIG")
        if isinstance(cause, TimeoutError):
            return RegistryUnreachable("the request took longer than its timeout")
        if isinstance(cause, OSError) and cause.strerror:
            return RegistryUnreachable(cause.strerror)
    if isinstance(error, _UNEXPECTED_CONTENT):
        return content_error()
    return RegistryUnreachable(_KINDS.get(type(error).__name__, "the request failed"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
