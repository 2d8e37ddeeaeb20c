"""The options of the Kafka clients: an option that the client does not know is the user's mistake."""

import socket

import pytest

from consumer.errors import SettingsError
from consumer.kafka.client_config import consumer_config, create_client, require_accepted
from consumer.kafka.consumer import GroupConsumer


def test_an_option_that_the_client_does_not_accept_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="KAFKA_CONFIG"):
        GroupConsumer(consumer_config("127.0.0.1:1", "group", {"no.such.option": 1}), "topic", True)


def test_options_are_checked_without_asking_for_a_token() -> None:
    """The client asks for one when it is created: a callback, or the endpoint of tokens."""
    asked: list[str] = []
    sasl = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER"}
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        url = f"http://127.0.0.1:{endpoint.getsockname()[1]}"
        oidc = {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": "a",
            "sasl.oauthbearer.client.secret": "b",
            "sasl.oauthbearer.token.endpoint.url": url,
        }
        for options in (oidc, {"oauth_cb": asked.append}):
            require_accepted(consumer_config("127.0.0.1:1", "group", {**sasl, **options}))
        endpoint.setblocking(False)
        with pytest.raises(BlockingIOError):
            endpoint.accept()
    assert not asked


def test_no_client_keeps_what_it_knows_of_the_brokers_for_minutes() -> None:
    """A broker that has just started names no leader. The client's own default is to ask again after five minutes."""
    name = "topic.metadata.refresh.interval.ms"
    assert create_client(dict, {"client.id": "c"}) == {"client.id": "c", name: 10_000}
    assert create_client(dict, {name: 60_000}) == {name: 60_000}
