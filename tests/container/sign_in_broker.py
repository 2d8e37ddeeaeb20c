"""Owns a broker on which clients sign in with SCRAM, with a certificate or with a token, and who issues these."""

import base64
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from testcontainers.core.container import DockerContainer

from consumer.demo.fault_scripts import ScriptedResponse
from tests.container.kafka_container import SMALL_JVM
from tests.container.kafka_operator import KafkaOperator
from tests.http_peer import Peer, PeerRequest, json_response, peer
from tests.ports import free_port
from tests.support import wait_until

USER, PASSWORD, CLIENT_SECRET = "sprig", "s?cr~m>Pa55word?~~>>?", "o?id~c>S3cret?~~>>?oi"
_LISTENERS = ("CONTROLLER", "PLAINTEXT", "SCRAM", "MTLS", "TOKEN")
_PROTOCOLS = ("PLAINTEXT", "PLAINTEXT", "SASL_SSL", "SSL", "SASL_SSL")
_MODULE = "org.apache.kafka.common.security"
_FILES = "/tmp/sign-in"
# The broker runs on the network of the machine, so all peers of a test have addresses on loopback.
_START = f"""
mkdir {_FILES}
printf '%s' "$KEYSTORE" > {_FILES}/server.pem
printf '%s' "$AUTHORITY" > {_FILES}/ca.pem
printf '%s' "$JWKS" > {_FILES}/jwks.json
printf '%s' "$PROPERTIES" > {_FILES}/kafka.properties
kafka-storage format -t MkU3OEVBNTcwNTJENDM2Qk -c {_FILES}/kafka.properties \
  --add-scram "SCRAM-SHA-512=[name={USER},password=$PASSWORD]"
exec kafka-server-start {_FILES}/kafka.properties
"""


class TokenProvider:
    """An identity provider with one client: USER with CLIENT_SECRET. `authority` issues its certificate."""

    def __init__(self, authority: trustme.CA) -> None:
        self.authority = authority
        self._key = rsa.generate_private_key(65537, 2048)

    @property
    def jwks(self) -> str:
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig"}
        return json.dumps({"keys": [{**key, "n": _encode(_bytes(numbers.n)), "e": _encode(_bytes(numbers.e))}]})

    def token(self) -> str:
        now = int(time.time())
        claims = {"sub": USER, "aud": "kafka", "scope": "kafka", "iat": now, "exp": now + 300}
        parts = {"alg": "RS256", "kid": "1", "typ": "JWT"}, claims
        signed = ".".join(_encode(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{_encode(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def answer(self, request: PeerRequest) -> ScriptedResponse:
        credentials = base64.b64encode(f"{USER}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {credentials}":
            text = f"{request.headers.get('authorization')} is wrong"  # some providers repeat what they were sent
            return json_response({"error": "invalid_client", "error_description": text}, 401)
        body = json.dumps({"access_token": self.token(), "token_type": "Bearer", "expires_in": 300}).encode()
        return ScriptedResponse(200, body, {"Content-Type": "application/json"})

    @contextmanager
    def running(self) -> Iterator[Peer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(context)
        with peer(self.answer, context) as server:
            yield server


class SignInBroker(KafkaOperator):
    """`addresses` by listener. `files` has the authority and a client's certificate, with the names of cert-manager."""

    def __init__(self, addresses: dict[str, str], files: Path) -> None:
        super().__init__(addresses["PLAINTEXT"])
        self.addresses = addresses
        self.files = files


@contextmanager
def running_broker(image: str, authority: trustme.CA, jwks: str, folder: Path) -> Iterator[SignInBroker]:
    """A broker whose certificate `authority` issues, and which accepts the tokens of the keys in `jwks`."""
    addresses = {name: f"127.0.0.1:{free_port()}" for name in _LISTENERS}
    server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("sprig.example")
    (folder / "ca.crt").write_bytes(authority.cert_pem.bytes())
    (folder / "tls.crt").write_bytes(client.cert_chain_pems[0].bytes())
    (folder / "tls.key").write_bytes(_key(client))
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)  # the image has a user of its own
    environment = {
        "KEYSTORE": (_key(server) + server.cert_chain_pems[0].bytes()).decode(),
        "AUTHORITY": authority.cert_pem.bytes().decode(),
        "JWKS": jwks,
        "PASSWORD": PASSWORD,
        "PROPERTIES": "".join(f"{name}={value}\n" for name, value in _properties(addresses).items()),
        # Kafka 4 asks no other URL for keys.
        "KAFKA_OPTS": f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://{_FILES}/jwks.json",
        "LOG_DIR": "/tmp/kafka-logs",
        **SMALL_JVM,
    }
    container = DockerContainer(image).with_kwargs(network_mode="host").with_envs(**environment)
    container.with_command(["sh", "-c", _START])
    try:
        container.start()
        broker = SignInBroker(addresses, folder)
        wait_until(lambda: _answers(broker), "the broker to answer", 180)
        yield broker
    except BaseException:
        print(container.get_wrapped_container().logs(tail=40).decode(errors="replace"))  # noqa: T201 - for the report
        raise
    finally:
        container.stop()


def _properties(addresses: dict[str, str]) -> dict[str, object]:
    scram, token = "listener.name.scram.", "listener.name.token."
    return {
        "node.id": 1,
        "process.roles": "broker,controller",
        "controller.quorum.voters": f"1@{addresses['CONTROLLER']}",
        "listeners": ",".join(f"{name}://{address}" for name, address in addresses.items()),
        "advertised.listeners": ",".join(f"{name}://{addresses[name]}" for name in _LISTENERS[1:]),
        "listener.security.protocol.map": ",".join(map(":".join, zip(_LISTENERS, _PROTOCOLS, strict=True))),
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": "/tmp/kafka",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 3,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": f"{_FILES}/server.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": f"{_FILES}/ca.pem",
        "listener.name.mtls.ssl.client.auth": "required",
        f"{scram}sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{scram}scram-sha-512.sasl.jaas.config": f"{_MODULE}.scram.ScramLoginModule required;",
        f"{token}sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{token}oauthbearer.sasl.jaas.config": f"{_MODULE}.oauthbearer.OAuthBearerLoginModule required;",
        f"{token}oauthbearer.sasl.server.callback.handler.class": f"{_MODULE}.oauthbearer."
        "OAuthBearerValidatorCallbackHandler",
        "sasl.oauthbearer.jwks.endpoint.url": f"file://{_FILES}/jwks.json",
        "sasl.oauthbearer.expected.audience": "kafka",
    }


def _answers(broker: SignInBroker) -> bool:
    try:
        broker.members("none")
    except Exception:  # noqa: BLE001 - any: the broker is starting
        return False
    return True


def _key(issued: trustme.LeafCert) -> bytes:
    """In PKCS#8, the form that Kafka reads."""
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(*form, serialization.NoEncryption())


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
