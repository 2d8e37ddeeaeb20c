"""The options of the Kafka clients: what our promises need, what a small pod needs, and what users add."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from consumer.errors import SettingsError

SHARED = (
    "security.",
    "sasl.",
    "ssl.",
    "https.",
    "socket.",
    "broker.",
    "client.",
    "metadata.",
    "enable.ssl",
    "enable.sasl",
    "logger",
)

# What the promises rest on: settings.kafka refuses these in KAFKA_CONFIG.
PROMISES = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
}

# The broker knows how large a record may be; the client's own limit is below the brokers' default.
NO_LIMIT_OF_OURS = 100_000_000

# The client's own defaults prefetch more than a small pod has.
MEMORY = {
    "queued.max.messages.kbytes": 8192,
    "fetch.max.bytes": 8388608,
    "max.partition.fetch.bytes": 1048576,
    "fetch.queue.backoff.ms": 100,
}


_Client = TypeVar("_Client")


def made(client: Callable[[Any], _Client], config: Mapping[str, Any]) -> _Client:
    """A client with these options. Raises SettingsError for options that it does not take."""
    try:
        return client(dict(config))
    except KafkaException as error:
        raise SettingsError(f"KAFKA_CONFIG: {error.args[0].str()}") from None


def consumer_config(servers: str, group: str, further: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the group's consumer."""
    classic = further.get("group.protocol", "classic") == "classic"
    assignor = {"partition.assignment.strategy": "cooperative-sticky"} if classic else {}
    return {**MEMORY, **further, **assignor, **PROMISES, "bootstrap.servers": servers, "group.id": group}


def producer_config(servers: str, further: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the producer of dead letters, which goes the consumer's way to the brokers."""
    shared = {name: value for name, value in further.items() if name.startswith(SHARED)}
    kept = {"enable.idempotence": True, "message.timeout.ms": 30000, "message.max.bytes": NO_LIMIT_OF_OURS}
    return {**shared, **kept, "bootstrap.servers": servers}


def is_fatal(error: KafkaError) -> bool:
    """Whether only a new client helps. An error that is reported for a partition says so by its code alone."""
    return error.fatal() or error.code() == KafkaError._FATAL
