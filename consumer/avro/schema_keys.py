"""The keys of writers' schemas: what a value names its schema by, each kind a type of its own."""

from collections.abc import Hashable
from dataclasses import dataclass
from uuid import UUID

SchemaKey = Hashable
"""
One of the keys below; or an id (int) or GUID (UUID) of a Confluent registry, a fingerprint in hex (str), or RAW.

Keys of different kinds are never equal, so that a cache cannot mix them up. An id is unique in its registry only, and
in its context there: a cache is for one registry, and for the subject or context that the registry is asked with.
"""

RAW = "raw"
"""The key of the one schema that all `raw` values are written with."""


@dataclass(frozen=True, slots=True)
class ApicurioId:
    """An id of Apicurio's registry: a `globalId` is of a version, a `contentId` of a text that versions can share."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


@dataclass(frozen=True, slots=True)
class GlueVersion:
    """The id of a schema version in AWS Glue."""

    version_id: UUID

    def __str__(self) -> str:
        return str(self.version_id)


@dataclass(frozen=True, slots=True)
class AzureSchemaId:
    """The id of a schema in Azure's registry: 32 hex digits, as the producer wrote them."""

    digits: str

    def __str__(self) -> str:
        return self.digits
