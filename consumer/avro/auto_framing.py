"""The choice of a framing: the one that AVRO_FRAMING names, or the one that each record shows."""

from collections import Counter
from collections.abc import Container, Mapping
from functools import partial

from consumer.avro import vendor_framings
from consumer.avro.framing import HEADER, MARKER, Framed, Framing, header_content, non_empty_value, own_framings
from consumer.avro.registry_types import REGISTRIES, REGISTRY_OF, has_apicurio_prefix
from consumer.avro.schema_keys import SchemaKey
from consumer.avro.vendor_framings import ENCODING
from consumer.errors import FramingError
from consumer.model import Record
from consumer.reasons import Reason


class AutoFraming:
    """
    Detects each framing except `raw`: by a header if there is one, else by the value's first bytes.

    Several registries write a zero byte and an id, so such bytes are those of `registry`, which is
    SCHEMA_REGISTRY_TYPE. A record whose only header is of another registry is refused, because an id in its value would
    be looked up in the wrong one. Glue's first bytes with `registry` = `glue` are unmistakable: such a header was
    copied. A record whose headers cannot be read is refused as well, unless its first bytes are unmistakable, because
    one of the headers may name its schema. `counts` has the number of detections by framing. A record that waits for
    its schema is counted at each attempt.
    """

    def __init__(self, framings: Mapping[str, Framing], registry: str) -> None:
        self._framings = framings
        self._registry = registry
        self.counts: Counter[str] = Counter()

    def __call__(self, record: Record) -> Framed:
        name = self.detect(record)
        if record.headers_unreadable and not _has_own_mark(non_empty_value(record)):
            raise FramingError(
                Reason.NOT_FRAMED, "the headers cannot be read, and one of them may name the schema of the value"
            )
        if REGISTRY_OF.get(name, self._registry) != self._registry:
            non_empty_value(record)
            raise FramingError(
                Reason.NOT_FRAMED, f"its schema is not in a registry of SCHEMA_REGISTRY_TYPE={self._registry}"
            )
        framed = self._framings[name](record)
        self.counts[name] += 1
        return framed

    def detect(self, record: Record) -> str:
        """The framing that the record is read with. Its value may still not be framed so."""
        value = record.value or b""
        if self._registry == "glue" and vendor_framings.is_glue_prefix(value):
            return "glue"
        named = [name for name, has_header in _HEADERS.items() if has_header(record)] if record.headers else []
        if named:  # a record can also have headers that were copied from another one
            return min(named, key=lambda name: REGISTRY_OF[name] != self._registry)
        if value.startswith(MARKER):
            return "single-object"
        if value[:2] in (b"\3\0", b"\3\5"):
            return "glue"
        return REGISTRIES[self._registry][0]


def framing(name: str, fingerprints: Container[SchemaKey], registry: str = "confluent", id_kind: str = "") -> Framing:
    """
    The framing that AVRO_FRAMING names.

    `fingerprints`: those of the schemas in files, in hex. `registry`: SCHEMA_REGISTRY_TYPE. `id_kind`: which ids
    Apicurio's producers write before the body; "" where no value can have such an id.
    """
    assert id_kind or not has_apicurio_prefix(name, registry)
    framings: dict[str, Framing] = {
        **own_framings(fingerprints),
        "glue": vendor_framings.glue,
        "apicurio": partial(vendor_framings.apicurio, id_kind),
        "apicurio-header": vendor_framings.apicurio_header,
        "azure": vendor_framings.azure,
    }
    if name == "auto":
        return AutoFraming(framings, registry)
    return framings[name]


def _has_own_mark(value: bytes) -> bool:
    """Whether the first bytes name the schema, whatever the headers are."""
    return value.startswith(MARKER) or vendor_framings.is_glue_prefix(value)


def _has_confluent_header(record: Record) -> bool:
    return header_content(record, HEADER) is not None


def _has_apicurio_header(record: Record) -> bool:
    """A header that names a schema, in whatever way: the encoding is also a header of values with an id."""
    return any(name.startswith("apicurio.value.") and name != ENCODING for name, _ in record.headers)


def _has_azure_header(record: Record) -> bool:
    return vendor_framings.azure_content_type(record) is not None


_HEADERS = {
    "confluent-header": _has_confluent_header,
    "apicurio-header": _has_apicurio_header,
    "azure": _has_azure_header,
}
