"""Framings other than the configured one, recognised in a rejected record, with the settings that read them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consumer.avro.registry_options import USE_ID
from consumer.avro.registry_types import REGISTRY_OF, has_apicurio_prefix
from consumer.avro.value_formats import CONFLUENT, JSON_TEXT, SINGLE_OBJECT, ValueFormat, recognise
from consumer.model import Record
from consumer.reasons import Reason

# The reasons by which a configured framing could not read the value. With other reasons there is a schema of the name
# that the value gives in this framing, so the value is framed as configured.
_UNREAD: Mapping[str, frozenset[str]] = {
    "confluent": frozenset({Reason.NOT_FRAMED, Reason.UNKNOWN_SCHEMA}),
    "auto": frozenset({Reason.NOT_FRAMED, Reason.UNKNOWN_SCHEMA}),
    "apicurio": frozenset({Reason.NOT_FRAMED, Reason.UNKNOWN_SCHEMA}),
    "azure": frozenset({Reason.NOT_FRAMED, Reason.UNKNOWN_SCHEMA}),
    "glue": frozenset({Reason.NOT_FRAMED, Reason.UNKNOWN_SCHEMA}),
    "apicurio-header": frozenset({Reason.NOT_FRAMED}),
    "confluent-header": frozenset({Reason.NOT_FRAMED}),
    "single-object": frozenset({Reason.NOT_FRAMED}),
    "raw": frozenset({Reason.UNDECODABLE, Reason.TRAILING_BYTES}),
}


@dataclass(frozen=True, slots=True)
class FramingHints:
    """
    What to set for values that `configured` cannot read, which is AVRO_FRAMING.

    `has_registry`: SCHEMA_REGISTRY_URL is set. `registry` is SCHEMA_REGISTRY_TYPE.
    """

    configured: str
    has_registry: bool
    registry: str = "confluent"

    def hint(self, record: Record, reason: str) -> str:
        """
        What a record looks like that was rejected for `reason`, and what to set; "" if its value may be as configured.

        An Avro body can begin with any bytes, so this is never certain. The text has no part of the record.
        """
        if reason not in _UNREAD[self.configured]:
            return ""
        value_format = recognise(record)
        if value_format is None or self._is_configured(value_format):
            return ""
        return f"the value looks like {value_format.name}{self._advice(value_format)}"

    def _is_configured(self, value_format: ValueFormat) -> bool:
        framing = value_format.framing
        if framing == "confluent" and self.registry == "apicurio":  # Apicurio's ids of four bytes are the same bytes
            framing = "apicurio"
        if self.configured == "auto":
            return bool(framing) and REGISTRY_OF.get(framing, self.registry) == self.registry
        return framing == self.configured

    def _advice(self, value_format: ValueFormat) -> str:
        if value_format is JSON_TEXT:
            return ", and the service reads Avro only"
        if not value_format.framing:
            return ", which AVRO_FRAMING cannot name"
        if value_format is SINGLE_OBJECT:
            return ": put its schema into sprig/ of SCHEMAS_DIR, and set AVRO_FRAMING=single-object"
        registry = REGISTRY_OF[value_format.framing]
        if registry != self.registry:
            return f": set {_settings(self._registry_settings(registry, value_format.framing))}"
        if self.has_registry:
            return f": set AVRO_FRAMING={value_format.framing}, or auto if the topic has several framings"
        if value_format is CONFLUENT and self.configured == "raw":  # with a registry, confluent is the default
            return ": set SCHEMA_REGISTRY_URL"
        return f": set SCHEMA_REGISTRY_URL and AVRO_FRAMING={value_format.framing}"

    def _registry_settings(self, registry: str, framing: str) -> Iterator[str]:
        """For a registry of another type, which has another address in any case."""
        yield "SCHEMA_REGISTRY_URL"
        yield f"SCHEMA_REGISTRY_TYPE={registry}"
        is_auto = self.configured == "auto" and self.has_registry
        if not is_auto:
            yield f"AVRO_FRAMING={framing}"
        if has_apicurio_prefix("auto" if is_auto else framing, registry):
            yield f"{USE_ID} in SCHEMA_REGISTRY_CONFIG"


def _settings(names: Iterator[str]) -> str:
    *earlier, last = names
    return f"{', '.join(earlier)} and {last}"
