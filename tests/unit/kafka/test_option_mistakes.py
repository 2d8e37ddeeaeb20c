"""Options that the client does not accept: one line with the option and the cause, and without a value."""

from pathlib import Path
from typing import Any

import pytest
import trustme
from confluent_kafka.admin import AdminClient
from cryptography.hazmat.primitives import serialization

from consumer.errors import SettingsError
from consumer.kafka.client_config import create_client

SECRET = "hush-7391"
TLS = {"security.protocol": "SSL"}
SASL = {"security.protocol": "SASL_SSL"}
NO_FILE = "cannot be read: No such file or directory"
NOT_PEM = "is not a file in the form that the client reads, which is PEM, or PKCS#12 for a keystore"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a client: a certificate, its key, the same key with a password, another key, and a text."""
    path = tmp_path_factory.mktemp("files")
    authority = trustme.CA()
    issued, other = authority.issue_cert("client"), authority.issue_cert("client")
    issued.cert_chain_pems[0].write_to_path(str(path / "cert.pem"))
    issued.private_key_pem.write_to_path(str(path / "key.pem"))
    other.private_key_pem.write_to_path(str(path / "other.pem"))
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(SECRET.encode())
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (path / "encrypted.pem").write_bytes(key.private_bytes(*form, encryption))
    (path / "text").write_text(SECRET)
    return path


def mistake(options: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        create_client(AdminClient, {"bootstrap.servers": "127.0.0.1:1", "log_level": 0, **options})
    (line,) = caught.value.lines
    assert SECRET not in line
    return line.removeprefix("KAFKA_CONFIG: ")


FILES = [
    ({"ssl.ca.location": "none"}, f"ssl.ca.location {NO_FILE}"),
    ({"ssl.ca.location": "text"}, f"ssl.ca.location {NOT_PEM}"),
    ({"ssl.certificate.location": "none"}, f"ssl.certificate.location {NO_FILE}"),
    ({"ssl.certificate.location": "text"}, f"ssl.certificate.location {NOT_PEM}"),
    ({"ssl.key.location": "none"}, f"ssl.key.location {NO_FILE}"),
    ({"ssl.crl.location": "none"}, f"ssl.crl.location {NO_FILE}"),
    ({"ssl.keystore.location": "text"}, f"ssl.keystore.location {NOT_PEM}"),
    (
        {"ssl.certificate.location": "cert.pem", "ssl.key.location": "other.pem"},
        "ssl.key.location does not belong to the certificate in ssl.certificate.location",
    ),
    (
        {"ssl.certificate.location": "cert.pem", "ssl.key.location": "encrypted.pem"},
        "ssl.key.location cannot be decrypted: check ssl.key.password",
    ),
]


@pytest.mark.parametrize(("files", "line"), FILES)
def test_a_file_that_the_client_cannot_use_is_named_by_its_option(
    folder: Path, files: dict[str, str], line: str
) -> None:
    passwords = {"ssl.keystore.password": SECRET, "ssl.key.password": f"{SECRET}?"}
    paths = {name: str(folder / file) for name, file in files.items()}
    assert mistake({**TLS, **passwords, **paths}) == line


def test_a_file_that_this_user_may_not_read_names_the_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image runs as 65532. This test may run as root, who may read everything."""

    def read_bytes(_: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    line = mistake({**TLS, "ssl.ca.location": str(folder / "text")})
    assert line.startswith("ssl.ca.location cannot be read: Permission denied for user ")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {**TLS, "ssl.ca.location": f"-----BEGIN CERTIFICATE-----\n{SECRET}"},
            "ssl.ca.location must be the path of a file, not its text: the options for a text end with .pem",
        ),
        ({"no.such.option": SECRET}, 'No such configuration property: "no.such.option"'),
        ({"security.protocol": SECRET}, 'Invalid value for configuration property "security.protocol"'),
        ({"socket.timeout.ms": SECRET}, 'Invalid value for configuration property "socket.timeout.ms"'),
        (SASL, "sasl.mechanism must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"),
        ({**SASL, "sasl.mechanism": "PLAIN"}, "sasl.username and sasl.password must be set"),
    ],
)
def test_an_option_that_the_client_refuses_is_named_without_its_value(options: dict[str, str], line: str) -> None:
    assert mistake(options) == line
