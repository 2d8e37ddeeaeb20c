"""The options of the Kafka clients: what our promises need, what a small pod needs, and what users add."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from consumer.errors import SettingsError
from consumer.kafka.msk_iam import token_callback

SHARED = (
    "bootstrap.",
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
    "oauth_cb",
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

# Each letter is confirmed for itself. A broker refuses a batch as a whole, so that a large letter would take its
# company along. And an idempotent producer takes the confirmation of a later record for that of all before it
# (librdkafka, rd_kafka_dr_implicit_ack): a letter was committed past that the topic did not hold.
LETTERS = {
    "acks": "all",
    "batch.num.messages": 1,
    "message.timeout.ms": 30000,
    "message.max.bytes": NO_LIMIT_OF_OURS,
}

# The client's own defaults prefetch more than a small pod has. With a quarter of what stood here before, the peak of a
# backlog is 20 MiB lower, and no slower (docs/performance.md).
MEMORY = {
    "queued.max.messages.kbytes": 2048,
    "fetch.max.bytes": 2097152,
    "max.partition.fetch.bytes": 262144,
    "fetch.queue.backoff.ms": 100,
}


_Client = TypeVar("_Client")


def made(client: Callable[[Any], _Client], config: Mapping[str, Any]) -> _Client:
    """A client with these options. Raises SettingsError for options that it does not take."""
    try:
        return client(dict(config))
    except KafkaException as error:
        raise SettingsError(f"KAFKA_CONFIG: {error.args[0].str()}") from None


def identity(instance_id: str | None, msk_region: str | None) -> dict[str, Any]:
    """The options by which the group knows a static member, and MSK its role."""
    static = {"group.instance.id": instance_id} if instance_id else {}
    if not msk_region:
        return static
    sign_in = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}
    return {**static, **sign_in, "oauth_cb": token_callback(msk_region)}


def consumer_config(servers: str, group: str, further: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the group's consumer."""
    classic = further.get("group.protocol", "classic") == "classic"
    assignor = {"partition.assignment.strategy": "cooperative-sticky"} if classic else {}
    return {**MEMORY, **further, **assignor, **PROMISES, "bootstrap.servers": servers, "group.id": group}


def shared_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a client's options by which any other goes the same way to the brokers."""
    return {name: value for name, value in config.items() if name.startswith(SHARED)}


def producer_config(servers: str, further: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the producer of dead letters, which goes the consumer's way to the brokers."""
    return {**shared_config(further), **LETTERS, "bootstrap.servers": servers}


def is_fatal(error: KafkaError) -> bool:
    """Whether only a new client helps. An error that is reported for a partition says so by its code alone."""
    return error.fatal() or error.code() == KafkaError._FATAL
