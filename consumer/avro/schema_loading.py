"""A schema of a registry with the schemas that it refers to, loaded within limits for all of them together."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from consumer.avro.decoder import load_schema
from consumer.avro.registry_errors import ResponseTooLarge
from consumer.avro.registry_transport import MAX_RESPONSE_BYTES
from consumer.avro.schema import WriterSchema
from consumer.avro.schema_lookup import IncompleteSchema, RegistryMisconfigured, SchemaNotFound, UnsupportedSchema
from consumer.avro.schema_rules import SchemaRule, with_rules
from consumer.avro.schema_text import loads_schema
from consumer.errors import UnsafeSchema
from consumer.jsonio import JsonError
from consumer.outside_text import outside_text

MAX_REFERENCES = 32
MAX_JSON_VALUES = 200_000
"""Of a schema with all that it refers to. A value of three bytes becomes an object of 64."""


class SchemaReference(NamedTuple):
    """A schema that another one refers to by `name`. `place` says where the registry has it, `label` so for people."""

    name: str
    place: tuple[str, ...]
    label: str


class RegisteredSchema(NamedTuple):
    """A schema as the registry has it. `kind` is AVRO, or another type of schema that the service cannot read."""

    text: str
    kind: str
    references: tuple[SchemaReference, ...] = ()
    rules: tuple[SchemaRule, ...] = ()


GetReferenced = Callable[[SchemaReference, int], RegisteredSchema]
"""The schema of a reference, from a response of at most so many bytes. Raises as a look-up."""


class SchemaLoading:
    """One schema with the schemas that it refers to."""

    def __init__(self, label: str, get_referenced: GetReferenced) -> None:
        self.label = label
        self._get_referenced = get_referenced
        self._bytes_left, self._values_left = MAX_RESPONSE_BYTES, MAX_JSON_VALUES
        self._names: set[str] = set()

    def load(self, get_schema: Callable[[int], RegisteredSchema]) -> WriterSchema:
        """
        The schema that `get_schema` gives from a response of at most so many bytes.

        Raises what `get_schema` raises, and IncompleteSchema, UnsupportedSchema and UnsafeSchema.
        """
        try:
            schema = self._within_limits(get_schema(self._bytes_left))
            if schema.kind != "AVRO":
                raise UnsupportedSchema(f"{self.label}: {_unsupported_kind(schema.kind)}")
            loaded = load_schema(self.label, self._parse(schema.text), list(self._references(schema)))
            return with_rules(loaded, schema.rules)
        except ResponseTooLarge:
            raise self._too_large(f"more than {MAX_RESPONSE_BYTES} bytes") from None

    def _references(self, schema: RegisteredSchema) -> Iterator[object]:
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

    def _referenced(self, reference: SchemaReference) -> RegisteredSchema:
        """Raises IncompleteSchema if the registry refuses this schema, although it has the one that refers to it."""
        needs = f"{self.label} refers to {reference.label}"
        try:
            return self._within_limits(self._get_referenced(reference, self._bytes_left))
        except SchemaNotFound:
            raise IncompleteSchema(
                f"{needs}, which the registry does not have: register the subject there, or complete the mirror"
            ) from None
        except ResponseTooLarge:
            raise
        except RegistryMisconfigured as error:
            raise IncompleteSchema(f"{needs}: {error}") from None

    def _within_limits(self, schema: RegisteredSchema) -> RegisteredSchema:
        """As soon as a schema is there, because all that refer to each other are in memory together."""
        self._bytes_left -= len(schema.text)
        self._values_left -= sum(map(schema.text.count, ",[{"))
        if self._bytes_left < 0 or self._values_left < 0:
            raise self._too_large(f"more than {MAX_RESPONSE_BYTES} bytes or {MAX_JSON_VALUES} JSON values")
        return schema

    def _parse(self, text: str) -> object:
        try:
            return loads_schema(text)
        except JsonError as error:
            raise UnsafeSchema(f"{self.label}: not JSON: {error.msg}") from None

    def _too_large(self, limits: str) -> UnsafeSchema:
        return UnsafeSchema(
            f"{self.label}: {limits}, with the schemas that the schema refers to; make the schema smaller"
        )


def _unsupported_kind(kind: str) -> str:
    """
    What the values of a schema of this type are.

    Their bytes do not tell: the framing is the same, and only in Protobuf the indexes of the message follow the id.
    Source: docs.confluent.io, "Formats, serializers, and deserializers", wire format.
    """
    names = {"PROTOBUF": "Protobuf", "JSON": "JSON Schema"}
    name = names.get(kind, outside_text(repr(kind), 40))
    return f"the registry says that its type is {name}; the service reads Avro only"
