"""The rules that a setting must keep with those above it in `Settings`."""

from collections.abc import Callable, Mapping
from typing import Any

from consumer.settings import kafka_options, validators
from consumer.settings.validators import require

# After Segment's last answer a hand-over still waits for dead letters to be confirmed and for a commit.
_AFTER_THE_LAST_ANSWER = 5

# The settings above that are valid. One that is wrong itself is missing here, and is no second mistake.
Above = Mapping[str, Any]


def _bootstrap_servers(value: str, _above: Above) -> None:
    require(all(server.strip() for server in value.split(",")), "must be host:port, with commas between several")


def _kafka_config(value: Any, _above: Above) -> None:
    refused = list(kafka_options.refusals(value.get_secret_value()))
    require(not refused, "\n".join(refused))


def _msk_region(value: str | None, above: Above) -> None:
    if value and "kafka_config" in above:
        other = [name for name in above["kafka_config"].get_secret_value() if name.startswith(("sasl.", "security."))]
        require(not other, "KAFKA_CONFIG has options of another way to sign in: give one of the two")


def _registry_config(value: Any, _above: Above) -> None:
    require("url" not in value.get_secret_value(), "url is refused: set SCHEMA_REGISTRY_URL instead")


def _framing(value: str, above: Above) -> None:
    registry = above.get("schema_registry_url", "wrong")
    require(
        value in ("raw", "single-object") or registry,
        f"{value} needs SCHEMA_REGISTRY_URL, as records name their schema by id; without a registry it is raw or "
        "single-object",
    )


def _write_key(value: Any, _above: Above) -> None:
    if key := value.get_secret_value():
        validators.write_key(key)


def _write_keys(value: Any, above: Above) -> None:
    if "segment_write_key" in above:
        given = bool(above["segment_write_key"].get_secret_value()), bool(value.get_secret_value())
        require(any(given), "this or SEGMENT_WRITE_KEY is required")
        require(not all(given), "SEGMENT_WRITE_KEY is given as well: give one of the two")


def _endpoint(value: str | None, above: Above) -> None:
    if value:
        require(not above.get("segment_region"), "SEGMENT_REGION is given as well: give one of the two")
        validators.endpoint(value, allow_http=above.get("segment_allow_http", True))


def _held_bytes(value: int, above: Above) -> None:
    require(value >= above.get("batch_max_bytes", 0), "must be at least BATCH_MAX_BYTES: else no batch is ever full")


def _dead_letter_topic(value: str, above: Above) -> None:
    require(value != above.get("kafka_topic"), "must not be KAFKA_TOPIC: dead letters would be read again, endlessly")


def _shutdown(value: float, above: Above) -> None:
    attempt = above.get("segment_timeout_seconds", 0)
    require(
        value >= attempt + _AFTER_THE_LAST_ANSWER,
        f"must be at least {_AFTER_THE_LAST_ANSWER} more than SEGMENT_TIMEOUT_SECONDS: "
        "a hand-over waits for open attempts, and then for dead letters and a commit",
    )


RULES: Mapping[str, Callable[[Any, Above], None]] = {
    "kafka_bootstrap_servers": _bootstrap_servers,
    "kafka_config": _kafka_config,
    "kafka_msk_region": _msk_region,
    "schema_registry_config": _registry_config,
    "avro_framing": _framing,
    "segment_write_key": _write_key,
    "segment_write_keys": _write_keys,
    "segment_endpoint": _endpoint,
    "max_buffered_bytes": _held_bytes,
    "dead_letter_topic": _dead_letter_topic,
    "shutdown_timeout_seconds": _shutdown,
}
