"""The commands that need no write key connect to Kafka as `run` does."""

import consumer.settings
from consumer import factories
from consumer.cli.dead_letters import READ_SETTINGS
from consumer.kafka.client_config import SHARED_PREFIXES

KAFKA = {
    "KAFKA_BOOTSTRAP_SERVERS": "broker:9098",
    "KAFKA_MSK_REGION": "eu-west-1",
    "KAFKA_CONFIG": '{"socket.timeout.ms": 9000}',
}


def connection_options(settings: consumer.settings.Settings) -> dict[str, str]:
    """The options of the connection, with the callback for tokens by its name."""
    options = factories.kafka_options(settings)
    return {
        name: str(getattr(value, "__qualname__", value))
        for name, value in options.items()
        if name.startswith(SHARED_PREFIXES)
    }


def test_commands_without_a_write_key_sign_in_to_msk() -> None:
    reading = consumer.settings.load(environ=KAFKA, only=READ_SETTINGS)
    running = consumer.settings.load(environ={**KAFKA, "SEGMENT_WRITE_KEY": "key"})
    assert connection_options(reading) == connection_options(running)
    assert connection_options(reading)["sasl.mechanism"] == "OAUTHBEARER"
