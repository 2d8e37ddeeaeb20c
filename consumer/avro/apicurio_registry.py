"""The schemas of an Apicurio registry by global id and by content id, in its own API."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from consumer.avro.registry_client import error_of, json_of, text_of
from consumer.avro.registry_errors import ResponseTooLarge, content_error
from consumer.avro.registry_transport import RegistryTransport, require_success
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import ApicurioId, SchemaKey
from consumer.avro.schema_loading import MAX_REFERENCES, RegisteredSchema, SchemaLoading, SchemaReference
from consumer.avro.schema_lookup import RegistryMisconfigured, SchemaNotFound
from consumer.errors import UnsafeSchema
from consumer.http_client.messages import HttpResponse
from consumer.http_client.proxies import Proxies
from consumer.outside_text import outside_text

_PATHS = {"globalId": "ids/globalIds", "contentId": "ids/contentIds"}
_ARTIFACT_TYPE = "X-Registry-ArtifactType"
# What the registry names when it does not have what it was asked for. A wrong path is a NotFoundException of JAX-RS.
# Source: Apicurio/apicurio-registry, the exceptions of io.apicurio.registry.storage.error.
_NOT_FOUND = frozenset(
    {"ArtifactNotFoundException", "ContentNotFoundException", "GroupNotFoundException", "VersionNotFoundException"}
)
MAX_REFERENCES_BYTES = 65_536
"""Of the list of a schema's references: 2 kB for each of the 32 that a schema may have."""


class ApicurioRegistry:
    """
    Any number of schemas, none of which is kept. Each is loaded within limits, whatever the registry answers.

    The registry keeps the references of a schema beside it, so each schema takes two requests.
    Source: Apicurio/apicurio-registry, openapi.json of its core API, versions 2 and 3.
    """

    def __init__(self, urls: str, options: Mapping[str, Any], proxies: Proxies) -> None:
        """
        `urls`: as Apicurio's own clients have them, with the path of an API, or without a path for version 3.

        Raises SettingsError for options that are wrong.
        """
        self._transport = RegistryTransport(",".join(map(_api_url, urls.split(","))), options, proxies)
        self._is_version_2 = "/apis/registry/v2" in urls
        # An administrator can make another default: then a schema would have those that it refers to inside.
        self._as_registered = "" if self._is_version_2 else "references=PRESERVE&"

    def fetch(self, key: SchemaKey) -> WriterSchema:
        """The schema with this id, on any thread. Raises as SchemaRegistry.fetch."""
        assert isinstance(key, ApicurioId)
        path = f"{_PATHS[key.kind]}/{key.number}"
        loading = SchemaLoading(f"schema {key}", self._referenced)
        content = f"{path}?{self._as_registered}returnArtifactType=true"
        return loading.load(lambda max_bytes: self._schema(loading.label, content, path, max_bytes))

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        self._transport.close()

    def _referenced(self, reference: SchemaReference, max_bytes: int) -> RegisteredSchema:
        group, artifact, version = (quote(part, safe="") for part in reference.place)
        path = f"groups/{group}/artifacts/{artifact}/versions/{version}"
        content = path if self._is_version_2 else f"{path}/content?{self._as_registered.rstrip('&')}"
        return self._schema(reference.label, content, path, max_bytes)

    def _schema(self, label: str, content: str, owner: str, max_bytes: int) -> RegisteredSchema:
        """The text at the path `content`, with the references of the same schema at `owner`."""
        response = self._get(content, max_bytes)
        references = self._references(label, owner)
        try:
            text = response.body.decode()
        except UnicodeDecodeError:
            raise content_error() from None
        return RegisteredSchema(text, _kind(response), tuple(map(_reference, references)))

    def _references(self, label: str, owner: str) -> list[Any]:
        """Raises UnsafeSchema if there are too many: all are in memory before the first one is looked up."""
        too_many = f"{label}: refers to more than {MAX_REFERENCES} other schemas, or in a list that is too long"
        try:
            references = json_of(self._get(f"{owner}/references", MAX_REFERENCES_BYTES))
        except ResponseTooLarge:
            raise UnsafeSchema(too_many) from None
        if not isinstance(references, list):
            raise content_error()
        if len(references) > MAX_REFERENCES:
            raise UnsafeSchema(too_many)
        return references

    def _get(self, path: str, max_bytes: int) -> HttpResponse:
        response = self._transport.response(path, {"Accept": "*/*"}, max_bytes)
        if response.status != 404:
            return require_success(response)
        if error_of(response).get("name") in _NOT_FOUND:
            raise SchemaNotFound
        raise RegistryMisconfigured(
            "HTTP status 404, which is not for a schema: look at SCHEMA_REGISTRY_URL: is it version 2 or 3 of the API?"
        )


def _api_url(url: str) -> str:
    url = url.strip().rstrip("/")
    return url if "/apis/" in url else f"{url}/apis/registry/v3"


def _kind(response: HttpResponse) -> str:
    """The type that the registry names, or else that of the content: only Protobuf is no JSON."""
    named = response.headers.get(_ARTIFACT_TYPE, "")
    if named:
        return named
    is_protobuf = "protobuf" in response.headers.get("Content-Type", "")
    return "PROTOBUF" if is_protobuf else "AVRO"


def _reference(value: Any) -> SchemaReference:
    if not isinstance(value, dict):
        raise content_error()
    group = value.get("groupId") or "default"
    place = text_of(group), text_of(value.get("artifactId")), text_of(value.get("version"))
    label = f"version {outside_text(place[2])} of the artifact '{outside_text(place[1])}'"
    return SchemaReference(text_of(value.get("name")), place, f"{label} in the group '{outside_text(place[0])}'")
