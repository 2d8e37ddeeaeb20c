"""The schemas of a Confluent-compatible registry: by id, by GUID and by subject, with those that they refer to."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID

from consumer.avro.registry_client import RegistryClient, integer_of, text_of
from consumer.avro.registry_errors import content_error
from consumer.avro.registry_transport import MAX_RESPONSE_BYTES
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import SchemaKey
from consumer.avro.schema_loading import RegisteredSchema, SchemaLoading, SchemaReference
from consumer.avro.schema_rules import reader_rules
from consumer.http_client.proxies import Proxies
from consumer.outside_text import outside_text


class SchemaRegistry:
    """
    Any number of schemas, none of which is kept. Each is loaded within limits, whatever the registry answers.

    An id is unique in its schema context only. So the registry is asked with the subject of the values, as Confluent's
    own deserialisers ask (confluent-kafka, AvroDeserializer; CachedSchemaRegistryClient.getSchemaBySubjectAndId). If
    the subject has no such id, Confluent's registry looks for the subject in the other contexts, and for the id in the
    default context (KafkaSchemaRegistry.getSchemaKeyUsingContexts). So it is not asked again without the subject.
    """

    def __init__(self, urls: str, options: Mapping[str, Any], proxies: Proxies, subject: str = "") -> None:
        """
        As for RegistryClient. Raises SettingsError.

        `subject`: that of the values, "" if it depends on the record. A GUID is unique in the whole registry.
        """
        self._client = RegistryClient(urls, options, proxies)
        self._subject = subject

    def fetch(self, key: SchemaKey) -> WriterSchema:
        """
        The schema with this id or GUID, on any thread.

        Raises SchemaNotFound, IncompleteSchema (a reference is missing or denied), UnsupportedSchema (not Avro),
        UnsafeSchema, or RegistryUnreachable without an answer.
        """
        if isinstance(key, UUID):
            return self._load(f"schema GUID {key}", f"schemas/guids/{key}")
        query = f"?subject={quote(self._subject, safe='')}" if self._subject else ""
        return self._load(f"schema id {key}", f"schemas/ids/{int(str(key))}{query}", self._subject)

    def versions(self, subject: str) -> Iterator[tuple[int, Callable[[], WriterSchema]]]:
        """
        Each version of a subject, oldest first, with a function that fetches its schema and raises as `fetch`.

        A subject of another context than the default one is `:.context:subject`.
        """
        numbers = self._client.get(f"subjects/{quote(subject, safe='')}/versions")
        if not isinstance(numbers, list):
            raise content_error()
        for number in map(integer_of, numbers):
            yield number, partial(self._load, f"{subject} version {number}", _version_path(subject, number), subject)

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        self._client.close()

    def _load(self, label: str, path: str, subject: str = "") -> WriterSchema:
        loading = SchemaLoading(label, self._referenced)

        def get_schema(max_bytes: int) -> RegisteredSchema:
            answer = self._get(path, max_bytes)
            if path.startswith("subjects/"):
                loading.label += f" (id {integer_of(answer.get('id'))})"
            return _registered(answer, subject)

        return loading.load(get_schema)

    def _referenced(self, reference: SchemaReference, max_bytes: int) -> RegisteredSchema:
        subject, version = reference.place
        answer = self._get(f"{_version_path(subject, version)}?deleted=true", max_bytes)
        return _registered(answer, subject)

    def _get(self, path: str, max_bytes: int = MAX_RESPONSE_BYTES) -> Mapping[str, Any]:
        """The JSON object at a path of the registry."""
        answer = self._client.get(path, max_bytes)
        if not isinstance(answer, dict):
            raise content_error()
        return answer


def context_of(subject: str) -> str:
    """The schema context in a subject's name, such as `:.billing:`; "" for the default context."""
    if not subject.startswith(":."):
        return ""
    context, colon, _ = subject[2:].partition(":")
    return f":.{context}:" if colon else ""


def _version_path(subject: str, number: int | str) -> str:
    return f"subjects/{quote(subject, safe='')}/versions/{number}"


def _registered(answer: Mapping[str, Any], subject: str) -> RegisteredSchema:
    """Raises RegistryMisconfigured if the object is not what a registry answers. `subject`: what it was asked for."""
    references = answer.get("references") or []
    if not isinstance(references, list):
        raise content_error()
    named = answer.get("subject")
    context = context_of(named if isinstance(named, str) else subject)
    kind = text_of(answer.get("schemaType") or "AVRO")
    return RegisteredSchema(
        text_of(answer.get("schema")),
        kind,
        tuple(_reference(value, context) for value in references),
        reader_rules(answer),
    )


def _reference(value: Any, context: str) -> SchemaReference:
    """
    `context`: that of the schema that refers. A subject without a context is in the same one.

    Source: confluentinc/schema-registry, QualifiedSubject.qualifySubjectWithParent.
    """
    if not isinstance(value, dict):
        raise content_error()
    subject, version = text_of(value.get("subject")), integer_of(value.get("version"))
    if not context_of(subject):
        subject = context + subject
    label = f"version {version} of the subject '{outside_text(subject)}'"
    return SchemaReference(text_of(value.get("name")), (subject, str(version)), label)
