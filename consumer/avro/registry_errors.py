"""What a request to the schema registry without an answer means for an operator, and which setting to look at."""

import ssl
from collections.abc import Iterator

from consumer.avro.schema_lookup import RegistryMisconfigured, RegistryUnreachable
from consumer.http_client.messages import HttpError, is_temporary_status

_WHERE_TO_LOOK = "look at SCHEMA_REGISTRY_URL, and at the network between"


class ResponseTooLarge(RegistryMisconfigured):
    """A response with a success status and more bytes than were asked for."""


def status_error(status: int) -> RegistryUnreachable:
    """The error for an HTTP status that is no answer about a schema."""
    text = f"HTTP status {status}"
    if status in (401, 403):
        return RegistryMisconfigured(f"{text}, the registry refuses the credentials: look at SCHEMA_REGISTRY_CONFIG")
    if 300 <= status < 400:
        return RegistryMisconfigured(f"{text}, a redirect, which is not followed: look at SCHEMA_REGISTRY_URL")
    if 400 <= status < 500 and not is_temporary_status(status):
        hint = "; some registries have no look-up by GUID" if status == 404 else ""
        return RegistryMisconfigured(f"{text} without a registry's error code: look at SCHEMA_REGISTRY_URL{hint}")
    return RegistryUnreachable(text)


def content_error() -> RegistryUnreachable:
    """The error for a response that has a success status but not the content of a registry."""
    return RegistryMisconfigured("the response is not a schema registry's: look at SCHEMA_REGISTRY_URL")


def no_token_error(cause: str, is_outage: bool = False) -> RegistryUnreachable:
    """The error if the issuer of tokens gives none. `is_outage`: it may give one later to the same request."""
    if is_outage:
        return RegistryUnreachable(f"no access token from bearer.auth.issuer.endpoint.url, so far; {cause}")
    return RegistryMisconfigured(f"no access token: look at bearer.auth.* in SCHEMA_REGISTRY_CONFIG; {cause}")


def transport_error(error: HttpError) -> RegistryUnreachable:
    """
    The outage that a request without a response means.

    The text has words of OpenSSL, of the operating system or of ours; never words of a peer.
    """
    if error.reason == "proxy_refused":
        return RegistryMisconfigured(str(error))
    if error.reason == "proxy_error":
        return RegistryUnreachable(str(error))
    if error.reason == "invalid_request":
        return RegistryMisconfigured(f"{error}: look at SCHEMA_REGISTRY_URL and SCHEMA_REGISTRY_CONFIG")
    if error.reason.endswith("_timeout"):
        return RegistryUnreachable(f"the request took longer than its timeout: {_WHERE_TO_LOOK}")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = f"cannot verify the registry's certificate, {cause.verify_message}"
            return RegistryMisconfigured(
                f"{text}: look at ssl.ca.location in SCHEMA_REGISTRY_CONFIG, or at the certificate"
            )
        if isinstance(cause, ssl.SSLError) and cause.reason:
            text = f"TLS fails, {cause.reason}"
            return RegistryMisconfigured(f"{text}: look at SCHEMA_REGISTRY_URL, and at ssl.* in SCHEMA_REGISTRY_CONFIG")
        if isinstance(cause, OSError) and cause.strerror:
            return RegistryUnreachable(f"{cause.strerror}: {_WHERE_TO_LOOK}")
    return RegistryUnreachable(str(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__
