"""The container of a broker: what it listens on, and what a cluster of one would not do by itself."""

import socket
from typing import Self

from testcontainers.community.kafka import KafkaContainer

USER, PASSWORD = "user", "k?f~a>Pa55word?~~>>?"  # in base64 it differs from itself for URLs
_SIGN_IN = "org.apache.kafka.common.security"


class Doors(KafkaContainer):
    """
    A broker with two more listeners than usual.

    `INDIRECT` it announces at another address, that of a link to it. At `SIGNED` clients sign in, by PLAIN as USER with
    PASSWORD, by SCRAM as whoever was made known to it.
    """

    def __init__(self, image: str) -> None:
        super().__init__(image)
        self.announced, self.signed = free_port(), free_port()
        self.listeners += ",INDIRECT://0.0.0.0:9095,SIGNED://0.0.0.0:9096"
        self.security_protocol_map += ",INDIRECT:PLAINTEXT,SIGNED:SASL_PLAINTEXT"
        self.with_kraft()
        # Ports chosen by the engine would change at a restart; Kafka goes on announcing the old one.
        self.with_bind_ports(9093, free_port()).with_bind_ports(9095, free_port()).with_bind_ports(9096, self.signed)
        # After a crash the cluster lets the broker in again only when its old session is over.
        self._set(broker_session_timeout_ms=3000, broker_heartbeat_interval_ms=500)
        # What is deleted stays away, whoever asks for it, and what is compacted is so at once.
        self._set(auto_create_topics_enable="false", log_cleaner_backoff_ms=200)
        self._set(authorizer_class_name="org.apache.kafka.metadata.authorizer.StandardAuthorizer")
        self._set(allow_everyone_if_no_acl_found="true")
        # In the new group protocol it is the broker that says after how long a silent member is given up.
        for name, milliseconds in (("session_timeout", 6000), ("heartbeat_interval", 1000)):
            self._set(**{f"group_consumer_{name}_ms": milliseconds, f"group_consumer_min_{name}_ms": milliseconds})
        signed = "listener_name_signed_"
        plain = f'{_SIGN_IN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        self._set(**{f"{signed}sasl_enabled_mechanisms": "PLAIN,SCRAM-SHA-256"})
        self._set(**{f"{signed}plain_sasl_jaas_config": plain})

    def create_file(self, content: bytes, path: str) -> None:
        more = b",INDIRECT://127.0.0.1:%d,SIGNED://127.0.0.1:%d,BROKER://" % (self.announced, self.signed)
        super().create_file(content.replace(b",BROKER://", more), path)

    def configure(self) -> None:
        super().configure()  # type: ignore[no-untyped-call]
        # A shell drops variables with a hyphen in their name, so this one is not among them.
        scram = f"listener.name.signed.scram-sha-256.sasl.jaas.config={_SIGN_IN}.scram.ScramLoginModule required;"
        self.boot_command += f"""
            echo "echo '{scram}' >> /etc/kafka/kafka.properties" >> /etc/confluent/docker/configure
        """

    def _set(self, **settings: str | int) -> Self:
        """Of the broker, with underscores for dots."""
        for name, value in settings.items():
            self.with_env(f"KAFKA_{name.upper()}", str(value))
        return self


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
