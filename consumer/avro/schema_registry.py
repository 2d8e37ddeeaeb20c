"""The schemas of a Confluent-compatible registry: by id, by GUID and by subject, with those that they refer to."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from consumer.avro.decoder import load_schema
from consumer.avro.framing import SchemaKey
from consumer.avro.registry_client import MAX_RESPONSE_BYTES, RegistryClient
from consumer.avro.registry_errors import ResponseTooLarge, content_error
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import (
    IncompleteSchema,
    RegistryMisconfigured,
    SchemaNotFound,
    UnsupportedSchema,
)
from consumer.errors import UnsafeSchema
from consumer.http_client.proxies import Proxies
from consumer.jsonio import JsonError, loads
from consumer.outside_text import outside_text

MAX_REFERENCES = 32
MAX_JSON_VALUES = 200_000
"""Of a schema with all that it refers to. A value of three bytes becomes an object of 64."""


class _Reference(NamedTuple):
    name: str
    subject: str
    version: int


class _Registered(NamedTuple):
    """A schema as the registry has it."""

    text: str
    kind: str
    references: tuple[_Reference, ...]


class SchemaRegistry:
    """Any number of schemas, none of which is kept. Each is loaded within limits, whatever the registry answers."""

    def __init__(self, urls: str, options: Mapping[str, Any], proxies: Proxies) -> None:
        """As for RegistryClient. Raises SettingsError."""
        self._client = RegistryClient(urls, options, proxies)

    def fetch(self, key: SchemaKey) -> WriterSchema:
        """
        The schema with this id or GUID, on any thread.

        Raises SchemaNotFound, IncompleteSchema (a reference is missing or denied), UnsupportedSchema (not Avro),
        UnsafeSchema, or RegistryUnreachable without an answer.
        """
        if isinstance(key, UUID):
            loading, path = _Loading(self._client, f"schema GUID {key}"), f"schemas/guids/{key}"
        else:
            loading, path = _Loading(self._client, f"schema id {key}"), f"schemas/ids/{int(str(key))}"
        return loading.load(loading.get(path))

    def versions(self, subject: str) -> Iterator[tuple[int, Callable[[], WriterSchema]]]:
        """Each version of a subject, oldest first, with a function that fetches its schema and raises as `fetch`."""
        numbers = self._client.get(f"subjects/{quote(subject, safe='')}/versions")
        if not isinstance(numbers, list):
            raise content_error()
        for number in map(_integer, numbers):
            yield number, partial(self._fetch_version, subject, number)

    def _fetch_version(self, subject: str, number: int) -> WriterSchema:
        loading = _Loading(self._client, f"{subject} version {number}")
        answer = loading.get(_version_path(subject, number))
        loading.label += f" (id {_integer(answer.get('id'))})"
        return loading.load(answer)

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        self._client.close()


class _Loading:
    """One schema with the schemas that it refers to, within the limits for all of them together."""

    def __init__(self, client: RegistryClient, label: str) -> None:
        self.label = label
        self._client = client
        self._bytes_left, self._values_left = MAX_RESPONSE_BYTES, MAX_JSON_VALUES
        self._names: set[str] = set()

    def get(self, path: str) -> Mapping[str, Any]:
        """The JSON object at a path of the registry."""
        try:
            answer = self._client.get(path, self._bytes_left)
        except ResponseTooLarge:
            raise self._too_large(f"more than {MAX_RESPONSE_BYTES} bytes") from None
        if not isinstance(answer, dict):
            raise content_error()
        return answer

    def load(self, answer: Mapping[str, Any]) -> WriterSchema:
        schema = self._within_limits(_registered(answer))
        if schema.kind != "AVRO":
            raise UnsupportedSchema(f"{self.label}: {_unsupported_kind(schema.kind)}")
        return load_schema(self.label, self._parse(schema.text), list(self._references(schema)))

    def _references(self, schema: _Registered) -> Iterator[object]:
        """
        The schemas that a schema refers to, dependencies first. Of several references of one name, the first counts.

        Source: confluentinc/schema-registry, AbstractSchemaProvider.resolveReferences: the producers of the values
        resolved the references in the same way.
        """
        for reference in schema.references:
            if reference.name in self._names:
                continue
            self._names.add(reference.name)
            if len(self._names) > MAX_REFERENCES:
                raise UnsafeSchema(f"{self.label}: refers to more than {MAX_REFERENCES} other schemas")
            referenced = self._referenced(reference)
            yield from self._references(referenced)
            yield self._parse(referenced.text)

    def _referenced(self, reference: _Reference) -> _Registered:
        """Raises IncompleteSchema if the registry refuses this schema, although it has the one that refers to it."""
        subject = outside_text(reference.subject)
        needs = f"{self.label} refers to version {reference.version} of the subject '{subject}'"
        try:
            path = _version_path(reference.subject, reference.version)
            return self._within_limits(_registered(self.get(f"{path}?deleted=true")))
        except SchemaNotFound:
            raise IncompleteSchema(
                f"{needs}, which the registry does not have: register the subject there, or complete the mirror"
            ) from None
        except RegistryMisconfigured as error:
            raise IncompleteSchema(f"{needs}: {error}") from None

    def _within_limits(self, schema: _Registered) -> _Registered:
        """As soon as a schema is there, because all that refer to each other are in memory together."""
        self._bytes_left -= len(schema.text)
        self._values_left -= sum(map(schema.text.count, ",[{"))
        if self._bytes_left < 0 or self._values_left < 0:
            raise self._too_large(f"more than {MAX_RESPONSE_BYTES} bytes or {MAX_JSON_VALUES} JSON values")
        return schema

    def _parse(self, text: str) -> object:
        try:
            return loads(text)
        except JsonError as error:
            raise UnsafeSchema(f"{self.label}: not JSON: {error.msg}") from None

    def _too_large(self, limits: str) -> UnsafeSchema:
        return UnsafeSchema(
            f"{self.label}: {limits}, with the schemas that the schema refers to; make the schema smaller"
        )


def _version_path(subject: str, number: int) -> str:
    return f"subjects/{quote(subject, safe='')}/versions/{number}"


def _registered(answer: Mapping[str, Any]) -> _Registered:
    """Raises RegistryMisconfigured if the object is not what a registry answers."""
    references = answer.get("references") or []
    if not isinstance(references, list):
        raise content_error()
    kind = answer.get("schemaType") or "AVRO"
    return _Registered(_text(answer.get("schema")), _text(kind), tuple(map(_reference, references)))


def _reference(value: Any) -> _Reference:
    if not isinstance(value, dict):
        raise content_error()
    return _Reference(_text(value.get("name")), _text(value.get("subject")), _integer(value.get("version")))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise content_error()
    return value


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise content_error()
    return value


def _unsupported_kind(kind: str) -> str:
    """
    What the values of a schema of this type are.

    Their bytes do not tell: the framing is the same, and only in Protobuf the indexes of the message follow the id.
    Source: docs.confluent.io, "Formats, serializers, and deserializers", wire format.
    """
    names = {"PROTOBUF": "Protobuf", "JSON": "JSON Schema"}
    name = names.get(kind, outside_text(repr(kind), 40))
    return f"the registry says that its type is {name}; the service reads Avro only"
