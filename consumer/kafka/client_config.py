"""The options of the Kafka clients: what the guarantees require, what fits a small pod, and what users add."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException

from consumer.aws.credentials import CredentialSources
from consumer.errors import SettingsError
from consumer.kafka.msk_iam import token_callback
from consumer.kafka.option_mistakes import option_mistake
from consumer.kafka.token_endpoint import authority_options
from consumer.kafka.token_errors import without_answer

# Options of the connection to the brokers, which all clients share.
SHARED_PREFIXES = (
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

# The delivery guarantees require these: settings.kafka_options refuses them in KAFKA_CONFIG.
REQUIRED_CONSUMER_OPTIONS = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
}

# The broker knows how large a record may be; the client's own limit is below the brokers' default.
MAX_MESSAGE_BYTES = 100_000_000

# Each dead letter is confirmed alone. A broker refuses a batch as a whole, so one large dead letter would fail the
# others of its batch. And an idempotent producer treats the confirmation of a later record as one of all records before
# it (librdkafka, rd_kafka_dr_implicit_ack): an offset was committed past a dead letter that the topic did not hold.
REQUIRED_PRODUCER_OPTIONS = {
    "acks": "all",
    "batch.num.messages": 1,
    "message.timeout.ms": 30000,
    "message.max.bytes": MAX_MESSAGE_BYTES,
}

# The client's own defaults prefetch more than a small pod can hold. These values are a quarter of the former ones: the
# peak memory of a backlog is 20 MiB lower, at the same speed (docs/performance.md).
DEFAULT_MEMORY_OPTIONS = {
    "queued.max.messages.kbytes": 2048,
    "fetch.max.bytes": 2097152,
    "max.partition.fetch.bytes": 262144,
    "fetch.queue.backoff.ms": 100,
}

# A client that asked a broker while it started can know no leader and no controller, and asks again at this interval
# (issues confluent-kafka-go 196 and librdkafka 569). The default is five minutes, in which nothing would be written.
_DEFAULT_OPTIONS = {"topic.metadata.refresh.interval.ms": 10_000}

NEVER_CREATE = {"allow.auto.create.topics": "false"}
"""An admin client's question about a topic would create it on brokers that create topics by themselves."""

# Milliseconds, for the classic group protocol; in the new protocol the broker sets both. A member that is killed stops
# its partitions for the session timeout, which is 45 s by default. A heartbeat tells a member of a rebalance, so each
# step of a rebalance takes up to one interval, which is 3 s by default.
_GROUP_TIMEOUTS = {"session.timeout.ms": 10_000, "heartbeat.interval.ms": 1000}

_Client = TypeVar("_Client")


@dataclass(frozen=True, slots=True)
class ClientLog:
    """The `logger` option of a client. The answer of a token endpoint, which can repeat a secret, is left out."""

    logger: logging.Logger

    def log(self, level: int, template: str, *args: object) -> None:
        """Called by the client: `args` are facility, name of the client, and text."""
        *origin, text = args
        self.logger.log(level, template, *origin, without_answer(str(text)))


def create_client(client_class: Callable[[Any], _Client], config: Mapping[str, Any]) -> _Client:
    """A client with these options. Raises SettingsError for options that the client does not accept."""
    try:
        return client_class({**_DEFAULT_OPTIONS, **authority_options(config), **config})
    except KafkaException as error:
        raise SettingsError(f"KAFKA_CONFIG: {option_mistake(error.args[0].str(), config)}") from None


_TOKEN_SOURCES = ("oauth_cb", "sasl.oauthbearer.method")


def require_accepted(config: Mapping[str, Any]) -> None:
    """
    Raises SettingsError for options that the group's consumer does not accept.

    No broker is asked, and no server for a token: without these two options the client does not ask for one.
    """
    without_tokens = {name: value for name, value in config.items() if name not in _TOKEN_SOURCES}
    create_client(Consumer, {**without_tokens, "bootstrap.servers": ""}).close()


def identity_options(instance_id: str | None, aws: CredentialSources | None) -> dict[str, Any]:
    """The options that identify a static member to the group, and an AWS role to MSK."""
    options: dict[str, Any] = {}
    if instance_id:
        options["group.instance.id"] = instance_id
    if aws:
        options["security.protocol"] = "SASL_SSL"
        options["sasl.mechanism"] = "OAUTHBEARER"
        options["oauth_cb"] = token_callback(aws)
    return options


def is_classic(config: Mapping[str, Any]) -> bool:
    """Whether the options choose the classic group protocol, which is the client's default."""
    return bool(config.get("group.protocol", "classic") == "classic")


def consumer_config(servers: str, group: str, user_options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the group's consumer."""
    config = {**DEFAULT_MEMORY_OPTIONS, **user_options}
    if is_classic(user_options):
        config = {**_GROUP_TIMEOUTS, **config, "partition.assignment.strategy": "cooperative-sticky"}
    return {**config, **REQUIRED_CONSUMER_OPTIONS, "bootstrap.servers": servers, "group.id": group}


def shared_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options with which any other client connects to the brokers in the same way."""
    return {name: value for name, value in config.items() if name.startswith(SHARED_PREFIXES)}


def producer_config(servers: str, user_options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the producer of dead letters, which connects to the brokers as the consumer does."""
    return {**shared_config(user_options), **REQUIRED_PRODUCER_OPTIONS, "bootstrap.servers": servers}


def is_fatal(error: KafkaError) -> bool:
    """Whether only a new client helps. For an error that is reported for a partition, only its code says so."""
    return error.fatal() or error.code() == KafkaError._FATAL
