"""The list of confidential options has those of both clients, and the product shows none of them."""

from pathlib import Path

from consumer.avro.registry_options import CONFIDENTIAL_OPTIONS
from consumer.settings.effective import HARMLESS_OPTIONS
from tests.confidential_options import confidential_options, is_redacted, librdkafka_options

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


def test_the_list_has_what_both_clients_keep_secret(tmp_path: Path) -> None:
    options = {option: is_redacted(option) for option in librdkafka_options(tmp_path / "table")}
    assert {option for option, redacted in options.items() if redacted is None} == REFUSED
    kafka = {option for option, redacted in options.items() if redacted} - NO_SECRETS | MORE_SECRETS
    assert set(confidential_options()) == kafka | CONFIDENTIAL_OPTIONS


def test_the_product_shows_no_value_of_a_confidential_option() -> None:
    assert not HARMLESS_OPTIONS & set(confidential_options())
