"""The form of KAFKA_BOOTSTRAP_SERVERS: `host:port` of one or more brokers, separated by commas."""

import re
from collections.abc import Iterator

from consumer.settings.validators import require

# The client also reads PROTOCOL://host:port with the protocols of Kafka. It refuses one that is not security.protocol
# (librdkafka, rd_kafka_broker_name_parse), with nothing but a warning, and then asks no broker.
PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
_SERVER = re.compile(r"(?:([^/]*)://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]+))?")


def check(value: str) -> str:
    """A rule of the settings: returns the value, or raises a ValueError that does not repeat it."""
    for server in value.split(","):
        _check_server(server.strip(" "))
    return value


def protocols(value: str) -> Iterator[str]:
    """The protocols in front of the servers, in lower case, of a value that keeps the rule."""
    for server in value.split(","):
        protocol, separator, _ = server.strip(" ").partition("://")
        if separator:
            yield protocol.lower()


def _check_server(server: str) -> None:
    require(server, "must be host:port, with commas between several")
    parts = _SERVER.fullmatch(server)
    scheme, separator, _ = server.partition("://")
    is_kafka = not separator or scheme.lower() in PROTOCOLS
    require(
        is_kafka, "must be host:port, without https:// or another scheme; security.protocol of KAFKA_CONFIG sets TLS"
    )
    require(parts, "must be host:port: the host has letters, digits, '.', '-' and '_', or is [an IPv6 address]")
    port = parts[3] if parts else None
    require(port, "must have the port of each broker, such as broker:9092")
    require(0 < int(port or 0) <= 65_535, "must have a port from 1 to 65535")
