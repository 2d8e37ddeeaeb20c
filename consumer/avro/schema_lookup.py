"""Schema look-ups, and how they can fail."""

from collections.abc import Callable
from typing import NamedTuple

from consumer.avro.schema import WriterSchema
from consumer.avro.schema_keys import SchemaKey
from consumer.errors import MAX_DETAIL_LENGTH, SchemaError, SprigToSegmentError, UnsafeSchema
from consumer.internal_errors import describe
from consumer.reasons import Reason

Fetch = Callable[[SchemaKey], WriterSchema]
"""
One look-up, on a worker thread.

Raises SchemaNotFound, IncompleteSchema, UnsupportedSchema, UnsafeSchema or RegistryUnreachable.
"""


class SchemaNotFound(SprigToSegmentError):
    """The registry does not know the key, so far."""


class IncompleteSchema(SprigToSegmentError):
    """
    The registry has the schema of the key, but does not give a schema that it refers to, or not yet the schema itself.

    A missing reference is a mistake in the registry or in its rights, for example in a mirror that has a part of the
    subjects. Neither says anything against the records, which wait. The text is for operators, and names what is
    missing.
    """


class UnsupportedSchema(SprigToSegmentError):
    """The key is of a schema that is not Avro, or that the registry refused."""


class RegistryUnreachable(SprigToSegmentError):
    """No answer about the key, which says nothing about the key. The text is for operators and has no credentials."""


class RegistryMisconfigured(RegistryUnreachable):
    """No answer until the service's settings or the registry's are right; the text says where to look."""


class UnusableSchema(NamedTuple):
    """Why the records of a schema key are rejected."""

    reason: Reason
    detail: str

    def error(self) -> SchemaError:
        return SchemaError(self.reason, self.detail)


UNKNOWN_SCHEMA = UnusableSchema(Reason.UNKNOWN_SCHEMA, "the schema registry has no schema with this id")


def unusable_schema(error: Exception) -> UnusableSchema:
    """The reason and the detail for a schema that exists but must not, or cannot, be decoded with."""
    if isinstance(error, UnsupportedSchema):
        return UnusableSchema(Reason.UNSUPPORTED_SCHEMA, str(error)[:MAX_DETAIL_LENGTH])
    if isinstance(error, UnsafeSchema):
        return UnusableSchema(Reason.UNSAFE_SCHEMA, str(error)[:MAX_DETAIL_LENGTH])
    return UnusableSchema(Reason.INTERNAL_ERROR, describe(error))


def waits_because(error: IncompleteSchema | RegistryUnreachable) -> str:
    """Why the service would wait for the registry, for operators."""
    if isinstance(error, IncompleteSchema):
        return str(error)
    return f"no answer from the schema registry: {error}"


def no_registry(key: SchemaKey) -> WriterSchema:
    """The look-up where there is no registry: only the schemas in files are known."""
    raise SchemaNotFound(str(key))
