"""What a schema look-up is, and how it can fail."""

from collections.abc import Callable

from consumer.avro.framing import SchemaKey
from consumer.avro.schema import WriterSchema
from consumer.errors import SprigToSegmentError

Fetch = Callable[[SchemaKey], WriterSchema]
"""One look-up, on a worker thread. Raises NotThere, UnsupportedSchema, UnsafeSchema or Unreachable."""


class NotThere(SprigToSegmentError):
    """The registry does not know the id, so far."""


class UnsupportedSchema(SprigToSegmentError):
    """The id is of a schema that is not Avro."""


class Unreachable(SprigToSegmentError):
    """No answer about the id, which says nothing about the id. The text is for operators and holds no credentials."""


class Misconfigured(Unreachable):
    """No answer until our settings are right, or the registry's; the text says where to look."""


def no_registry(key: SchemaKey) -> WriterSchema:
    """The look-up where there is no registry: nothing but what is known already."""
    raise NotThere(str(key))
