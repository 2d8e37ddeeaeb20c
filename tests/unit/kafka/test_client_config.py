"""The options of the Kafka clients: an option that the client does not know is the user's mistake."""

import pytest

from consumer.errors import SettingsError
from consumer.kafka.client_config import consumer_config
from consumer.kafka.consumer import GroupConsumer


def test_an_option_that_the_client_does_not_accept_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="KAFKA_CONFIG"):
        GroupConsumer(consumer_config("127.0.0.1:1", "group", {"no.such.option": 1}), "topic", True)
