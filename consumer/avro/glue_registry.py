"""The schemas of AWS Glue by the id of their version, with signed requests."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from consumer.avro.registry_client import error_of, json_of, text_of
from consumer.avro.registry_errors import content_error, status_error
from consumer.avro.registry_transport import RegistryTransport
from consumer.avro.registry_types import glue_region
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import GlueVersion, SchemaKey
from consumer.avro.schema_loading import RegisteredSchema, SchemaLoading, SchemaReference
from consumer.avro.schema_lookup import (
    IncompleteSchema,
    RegistryMisconfigured,
    RegistryUnreachable,
    SchemaNotFound,
    UnsupportedSchema,
)
from consumer.aws.credentials import CredentialsDelayed, CredentialSources
from consumer.aws.held_credentials import HeldCredentials
from consumer.aws.signature import signed
from consumer.errors import NoAnswer
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpRequest, HttpResponse
from consumer.http_client.proxies import Proxies
from consumer.outside_text import outside_text

_CLOCK = "AWS refuses the time of the signature: check the clock of this machine"
_CLOCK_TEXTS = ("Signature expired", "Signature not yet current")
_HEADERS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.GetSchemaVersion"}
_THROTTLED = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException"})
_DENIED = "the role may not read the schema: grant it glue:GetSchemaVersion"
# Of both kinds, the error of Glue and what it means for an operator (AWS Glue Web API Reference, "Common Errors").
_MISCONFIGURED = {
    "AccessDeniedException": _DENIED,
    "UnrecognizedClientException": "AWS does not know the access key: look at the credentials of the role",
    "InvalidSignatureException": "AWS refuses the signature: look at the secret access key and at the region",
    "SignatureDoesNotMatch": "AWS refuses the signature: look at the secret access key and at the region",
    "ExpiredTokenException": "the credentials of the role have expired: check the clock of this machine",
    "RequestExpired": _CLOCK,
    "MissingAuthenticationTokenException": "AWS sees no signature: look at SCHEMA_REGISTRY_URL",
}


class GlueRegistry:
    """
    Any number of schemas, none of which is kept.

    Glue has one request for a schema, so AWS's library would be more to keep up to date than it saves. Schemas in Glue
    refer to no others. Source: AWS Glue Web API Reference, GetSchemaVersion.
    """

    def __init__(self, urls: str, options: Mapping[str, Any], proxies: Proxies, environ: Mapping[str, str]) -> None:
        """`environ` says where the credentials are. Raises SettingsError for options that are wrong."""
        self._region = glue_region(options, urls)
        self._aws = HttpClient(proxies)
        self._credentials = HeldCredentials(CredentialSources(self._region, environ, self._aws))
        self._transport = RegistryTransport(urls, options, proxies, self._sign)

    def fetch(self, key: SchemaKey) -> WriterSchema:
        """
        The schema version with this id, on any thread. Raises as SchemaRegistry.fetch.

        A version that Glue has not checked yet raises IncompleteSchema, and one that it refused UnsupportedSchema. One
        that is being deleted is used while Glue has its text, because its values were written with it.
        """
        assert isinstance(key, GlueVersion)
        content = json.dumps({"SchemaVersionId": str(key)}).encode()
        loading = SchemaLoading(f"schema version {key}", _no_reference)

        def get_schema(max_bytes: int) -> RegisteredSchema:
            response = self._transport.response("", _HEADERS, max_bytes, content)
            if response.status != 200:
                raise self._error(response)
            return _registered(loading.label, json_of(response))

        return loading.load(get_schema)

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        self._transport.close()
        self._aws.close()

    def _sign(self, request: HttpRequest) -> HttpRequest:
        """Each request with the present credentials, because those of a role expire."""
        try:
            signer = self._credentials.credentials()
        except CredentialsDelayed as error:
            raise RegistryUnreachable(str(error)) from None
        except NoAnswer as error:
            raise RegistryMisconfigured(str(error)) from None
        return signed(request, signer, datetime.now(UTC), self._region, "glue")

    def _error(self, response: HttpResponse) -> SchemaNotFound | RegistryUnreachable:
        """What an answer without a schema means. Credentials that Glue refuses are not used again."""
        error = _error(response)
        if isinstance(error, RegistryMisconfigured):
            self._credentials.forget()
        return error


def _registered(label: str, answer: Any) -> RegisteredSchema:
    if not isinstance(answer, dict):
        raise content_error()
    status = answer.get("Status", "AVAILABLE")
    has_status = f"{label} has the status {outside_text(status)} in Glue"
    if status == "FAILURE":
        raise UnsupportedSchema(f"{has_status}: it is not compatible with the versions before it, so Glue refused it")
    if status == "DELETING" and not answer.get("SchemaDefinition"):
        raise SchemaNotFound
    if status not in ("AVAILABLE", "DELETING"):
        raise IncompleteSchema(f"{has_status}, and its records wait until Glue makes it available")
    return RegisteredSchema(text_of(answer.get("SchemaDefinition")), text_of(answer.get("DataFormat")))


def _error(response: HttpResponse) -> SchemaNotFound | RegistryUnreachable:
    """Glue names its errors in the body, which has status 400 for all of them."""
    error = error_of(response)
    name = str(error.get("__type", "")).rpartition("#")[2]
    if name == "EntityNotFoundException":
        return SchemaNotFound()
    if name in _THROTTLED:
        return RegistryUnreachable("Glue throttles the requests")
    text = str(error.get("message") or error.get("Message"))
    if name in ("InvalidSignatureException", "SignatureDoesNotMatch") and text.startswith(_CLOCK_TEXTS):
        return RegistryMisconfigured(_CLOCK)
    if name in _MISCONFIGURED:
        return RegistryMisconfigured(_MISCONFIGURED[name])
    return status_error(response.status)


def _no_reference(reference: SchemaReference, _: int) -> RegisteredSchema:
    raise AssertionError(reference)
