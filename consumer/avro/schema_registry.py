"""A Confluent-compatible schema registry: schemas by id, with the schemas that they refer to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.error import OAuthTokenError

from consumer import http_deadline
from consumer.avro.decoder import load_schema
from consumer.avro.framing import SchemaKey
from consumer.avro.registry_errors import content_error, status_error, transport_error
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import (
    IncompleteSchema,
    RegistryMisconfigured,
    SchemaNotFound,
    UnsupportedSchema,
)
from consumer.errors import SettingsError, UnsafeSchema
from consumer.jsonio import JsonError, loads
from consumer.outside_text import outside_text

MAX_REFERENCES = 32

# The client's own defaults wait without end and retry for a minute; `SchemaCache` retries, where the loop can see it.
_DEFAULTS = {"timeout": 3.0, "max.retries": 0}
# How those errors of the client's constructor begin that repeat names of options only, never a value.
_SAFE_CONFIG_ERRORS = ("Missing", "Unrecognized", "basic.auth.user.info must", "ssl.certificate.location required")
# docs.confluent.io, "Schema Registry API Reference": subject, version, schema not found. A 404 with another code comes
# from a wrong URL or from a proxy, and says nothing about the id.
_NOT_FOUND = frozenset({40401, 40402, 40403})
_T = TypeVar("_T")


class SchemaRegistry:
    """
    One request at a time, which ends within `timeout` (seconds) however slow the peer is; no retry of its own.

    An error repeats nothing that a server or the client says but the status and the code: it could hold credentials.
    """

    def __init__(self, url: str, config: Mapping[str, Any]) -> None:
        """`config`: further options of the client, as in Confluent's documentation. Raises SettingsError."""
        options = {**_DEFAULTS, **config, "url": url}
        try:
            self._client = SchemaRegistryClient(options)
            for session in _http_sessions(self._client):
                _limit_request_time(session, float(options["timeout"]))
        except Exception as error:  # noqa: BLE001 - ValueError, TypeError, or OSError for a file that is missing
            detail = _describe_config_error(error, ("url", *config))
            raise SettingsError(f"SCHEMA_REGISTRY_URL, SCHEMA_REGISTRY_CONFIG: {detail}") from None

    def fetch(self, key: SchemaKey) -> WriterSchema:
        """
        The schema with this id or GUID, on any thread.

        Raises SchemaNotFound, IncompleteSchema (a reference is missing or denied), UnsupportedSchema (not Avro),
        UnsafeSchema, or RegistryUnreachable without an answer.
        """
        # The client caches whatever came once, even a proxy's page that holds no schema.
        self._client.clear_caches()  # type: ignore[no-untyped-call]
        if isinstance(key, UUID):
            return self._load(f"schema GUID {key}", _request(partial(self._client.get_schema_by_guid, str(key))))
        return self._load(f"schema id {key}", _request(partial(self._client.get_schema, int(str(key)))))

    def versions(self, subject: str) -> Iterator[tuple[int, Callable[[], WriterSchema]]]:
        """Each version of a subject, oldest first, with a function that fetches its schema and raises as `fetch`."""
        for number in _request(partial(self._client.get_versions, subject)):
            yield number, partial(self._fetch_version, subject, number)

    def _fetch_version(self, subject: str, number: int) -> WriterSchema:
        registered = _request(partial(self._client.get_version, subject, number))
        return self._load(f"{subject} version {number} (id {registered.schema_id})", registered.schema)

    def _load(self, label: str, schema: Schema) -> WriterSchema:
        if schema.schema_type != "AVRO":
            raise UnsupportedSchema(f"{label}: {_unsupported_type(schema.schema_type)}")
        return load_schema(label, _parse_json(label, schema), list(self._references(label, schema, set())))

    def close(self) -> None:
        """A look-up under way ends with its present request."""
        for session in _http_sessions(self._client):
            session.close()

    def _references(self, label: str, schema: Schema, names: set[str]) -> Iterator[object]:
        """
        The schemas that a schema refers to, dependencies first. Of several references of one name, the first counts.

        `names` collects the names of the references. Source: confluentinc/schema-registry,
        AbstractSchemaProvider.resolveReferences: the producers of the values resolved the references in the same way.
        """
        for reference in schema.references or ():
            if str(reference.name) in names:
                continue
            names.add(str(reference.name))
            if len(names) > MAX_REFERENCES:
                raise UnsafeSchema(f"{label}: refers to more than {MAX_REFERENCES} other schemas")
            referenced = self._referenced(label, str(reference.subject), int(reference.version or 0))
            yield from self._references(label, referenced, names)
            yield _parse_json(label, referenced)

    def _referenced(self, label: str, subject: str, version: int) -> Schema:
        """Raises IncompleteSchema if the registry refuses this schema, although it has the one that refers to it."""
        needs = f"{label} refers to version {version} of the subject '{outside_text(subject)}'"
        try:
            return _request(partial(self._client.get_version, subject, version, deleted=True)).schema
        except SchemaNotFound:
            raise IncompleteSchema(
                f"{needs}, which the registry does not have: register the subject there, or complete the mirror"
            ) from None
        except RegistryMisconfigured as error:
            raise IncompleteSchema(f"{needs}: {error}") from None


def _http_sessions(client: SchemaRegistryClient) -> Iterator[Any]:
    """The client's HTTP sessions: one for the registry and, if tokens have an issuer, one for the issuer."""
    rest: Any = client._rest_client  # noqa: SLF001 - the library has no public access to its sessions
    yield rest.session
    if hasattr(rest.bearer_field_provider, "client"):
        yield rest.bearer_field_provider.client


def _limit_request_time(session: Any, seconds: float) -> None:
    """Apply the timeout to a whole request; the library applies it to each read anew. Tests hold that this works."""
    session.event_hooks = {"request": [lambda _: http_deadline.start_deadline(seconds)]}
    for transport in filter(None, (session._transport, *session._mounts.values())):  # noqa: SLF001
        pool = transport._pool  # noqa: SLF001
        pool._network_backend = http_deadline.with_deadline(pool._network_backend, late=TimeoutError)  # noqa: SLF001


def _describe_config_error(error: Exception, option_names: Sequence[str]) -> str:
    if isinstance(error, OSError):
        return f"cannot use a file that an ssl option names: {error.strerror}"
    if str(error).startswith(_SAFE_CONFIG_ERRORS):
        return str(error)
    return f"the registry client does not accept a value of these options: {', '.join(option_names)}"


def _unsupported_type(schema_type: object) -> str:
    """
    What the values of a schema of this type are.

    Their bytes do not tell: the framing is the same, and only in Protobuf the indexes of the message follow the id.
    Source: docs.confluent.io, "Formats, serializers, and deserializers", wire format.
    """
    names = {"PROTOBUF": "Protobuf", "JSON": "JSON Schema"}
    name = names.get(str(schema_type), outside_text(repr(schema_type), 40))
    return f"the registry says that its type is {name}; the service reads Avro only"


def _request(send: Callable[[], _T]) -> _T:
    try:
        return send()
    except SchemaRegistryError as error:
        if error.http_status_code == 404 and error.error_code in _NOT_FOUND:
            raise SchemaNotFound from None
        raise status_error(error.http_status_code) from None
    except OAuthTokenError:
        raise RegistryMisconfigured("no access token: look at bearer.auth.* in SCHEMA_REGISTRY_CONFIG") from None
    except Exception as error:  # noqa: BLE001 - of the client's HTTP library, or over a page that is not a registry's
        raise transport_error(error) from None


def _parse_json(label: str, schema: Schema) -> object:
    if not isinstance(schema.schema_str, str):
        raise content_error()
    try:
        return loads(schema.schema_str)
    except JsonError as error:
        raise UnsafeSchema(f"{label}: not JSON: {error.msg}") from None
