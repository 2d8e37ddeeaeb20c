"""Owns the container of a broker: its listeners and the settings that the tests need."""

from typing import Self

from testcontainers.community.kafka import KafkaContainer

from tests.ports import free_port

SMALL_JVM = {
    "KAFKA_HEAP_OPTS": "-Xms128m -Xmx384m",
    "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",  # it starts in half of the CPU time
}
USER, PASSWORD = "user", "k?f~a>Pa55word?~~>>?"  # its base64 differs from its URL-safe base64
_CONFIGURED = "/tmp/configured"
_SIGN_IN = "org.apache.kafka.common.security"


class TestKafkaContainer(KafkaContainer):
    """
    A broker with two further listeners.

    It advertises another address for `INDIRECT`: that of a proxy in front of it. On `SIGNED` clients authenticate: with
    PLAIN as USER with PASSWORD, with SCRAM as a user that a test added.
    """

    def __init__(self, image: str) -> None:
        super().__init__(image)
        self.announced, self.signed = free_port(), free_port()
        self.listeners += ",INDIRECT://0.0.0.0:9095,SIGNED://0.0.0.0:9096"
        self.security_protocol_map += ",INDIRECT:PLAINTEXT,SIGNED:SASL_PLAINTEXT"
        self.with_kraft()
        for name, value in SMALL_JVM.items():
            self.with_env(name, value)
        # Fixed ports, because the engine chooses others at a restart, and Kafka would still advertise the old ones.
        self.with_bind_ports(9093, free_port()).with_bind_ports(9095, free_port()).with_bind_ports(9096, self.signed)
        # After a crash the broker can join the cluster only when its old session has ended.
        # A shorter one is too short for a busy machine, and so is a shorter interval: it is the time for a heartbeat.
        self._set(broker_session_timeout_ms=6000, broker_heartbeat_interval_ms=2000)
        # A deleted topic is not created again by a client that asks for it, and compaction starts at once.
        self._set(auto_create_topics_enable="false", log_cleaner_backoff_ms=200)
        # What is older than the retention of its topic is deleted at once.
        self._set(log_retention_check_interval_ms=1000, log_initial_task_delay_ms=1000)
        self._set(authorizer_class_name="org.apache.kafka.metadata.authorizer.StandardAuthorizer")
        self._set(allow_everyone_if_no_acl_found="true")
        # In the new group protocol the broker sets the session timeout of the members.
        for name, milliseconds in (("session_timeout", 6000), ("heartbeat_interval", 1000)):
            self._set(**{f"group_consumer_{name}_ms": milliseconds, f"group_consumer_min_{name}_ms": milliseconds})
        prefix = "listener_name_signed_"
        plain = f'{_SIGN_IN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        self._set(**{f"{prefix}sasl_enabled_mechanisms": "PLAIN,SCRAM-SHA-256"})
        self._set(**{f"{prefix}plain_sasl_jaas_config": plain})

    def create_file(self, content: bytes, path: str) -> None:
        further_listeners = b",INDIRECT://127.0.0.1:%d,SIGNED://127.0.0.1:%d,BROKER://" % (self.announced, self.signed)
        # The container runs the file as soon as it exists, so it must be complete at that moment.
        super().create_file(content.replace(b",BROKER://", further_listeners), f"{path}.part")
        result = self.get_wrapped_container().exec_run(["mv", f"{path}.part", path], user="root")
        assert result.exit_code == 0, result.output

    def configure(self) -> None:
        super().configure()  # type: ignore[no-untyped-call]
        # Not an environment variable, because a shell drops variables with a hyphen in their name.
        scram = f"listener.name.signed.scram-sha-256.sasl.jaas.config={_SIGN_IN}.scram.ScramLoginModule required;"
        # The library would let each start of the container add a further run of kafka-storage to all later starts.
        formatted = "[ -e /var/lib/kafka/data/meta.properties ] ||"
        self.boot_command = f"""
            if [ ! -e {_CONFIGURED} ]; then
                {self.boot_command.replace("echo 'kafka-storage", f"echo '{formatted} kafka-storage")}
                echo "echo '{scram}' >> /etc/kafka/kafka.properties" >> /etc/confluent/docker/configure
                touch {_CONFIGURED}
            fi
        """

    def _set(self, **settings: str | int) -> Self:
        """Set options of the broker, written with underscores in place of dots."""
        for name, value in settings.items():
            self.with_env(f"KAFKA_{name.upper()}", str(value))
        return self
