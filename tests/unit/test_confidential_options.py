"""The list of confidential options has those of both clients, and the product shows none of them."""

from pathlib import Path

from consumer.settings.effective import HARMLESS_OPTIONS
from tests.confidential_options import confidential_options, is_redacted, librdkafka_options, registry_options

# librdkafka hides these values in its log as well. They are paths and certificates.
NO_SECRETS = {"ssl.key.location", "ssl.ca.pem", "sasl.oauthbearer.assertion.private.key.file"}
# librdkafka shows the command, which can have a password in it.
MORE_SECRETS = {"sasl.kerberos.kinit.cmd"}
# These need further options, a file, or a value of a fixed list.
REFUSED = {
    "group.protocol.type",
    "https.ca.location",
    "partition.assignment.strategy",
    "partitioner",
    "plugin.library.paths",
    "ssl.ca.certificate.stores",
    "ssl.keystore.location",
}
REGISTRY_SECRETS = {
    "basic.auth.user.info",
    "bearer.auth.client.secret",
    "bearer.auth.custom.provider.config",
    "bearer.auth.token",
    "ssl.key.password",
}
# Of the options with a URL, the chart looks at the value. JSON cannot express a function.
REGISTRY_OTHERS = {
    "bearer.auth.client.id",
    "bearer.auth.credentials.source",
    "bearer.auth.custom.provider.function",
    "bearer.auth.identity.pool.id",
    "bearer.auth.issuer.endpoint.query",
    "bearer.auth.issuer.endpoint.url",
    "bearer.auth.logical.cluster",
    "bearer.auth.scope",
    "proxy",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "url",
}


def test_the_list_has_what_both_clients_keep_secret(tmp_path: Path) -> None:
    options = {option: is_redacted(option) for option in librdkafka_options(tmp_path / "table")}
    assert {option for option, redacted in options.items() if redacted is None} == REFUSED
    kafka = {option for option, redacted in options.items() if redacted} - NO_SECRETS | MORE_SECRETS
    assert set(confidential_options()) == kafka | REGISTRY_SECRETS


def test_each_option_of_the_registry_client_is_a_secret_or_is_not() -> None:
    assert set(registry_options()) == REGISTRY_SECRETS | REGISTRY_OTHERS


def test_the_product_shows_no_value_of_a_confidential_option() -> None:
    assert not HARMLESS_OPTIONS & set(confidential_options())
