"""Owns the container of one broker of a cluster: its listeners, its settings, and how it ends and comes back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from docker.models.containers import Container
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from tests.container.kafka_container import SMALL_JVM
from tests.container.kafka_operator import pause
from tests.container.small_disk import SmallDisk
from tests.ports import free_port

DATA = "/tmp/kafka"
_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
_PROPERTIES = "/tmp/kafka.properties"
# The broker replaces the shell, so it gets the signals. Its disk is formatted once.
_START = f"""
printf '%s' "$PROPERTIES" > {_PROPERTIES}
[ -e {DATA}/meta.properties ] || kafka-storage format -t {_CLUSTER_ID} -c {_PROPERTIES}
exec kafka-server-start {_PROPERTIES}
"""
_ENVIRONMENT = {
    **SMALL_JVM,
    "KAFKA_OPTS": "-Dsun.net.inetaddr.ttl=1",  # a container that starts again can have another address
    "LOG_DIR": "/tmp/kafka-logs",
}


class KafkaNode:
    """
    A broker that is a controller as well. It keeps its addresses and its data while its container exists.

    On a second listener it advertises the port `announced`, where it does not listen itself: a proxy on `announced`
    that forwards to `indirect` gets all traffic of clients that begin at such a port.
    """

    def __init__(self, number: int, image: str, network: Network, voters: str, settings: Mapping[str, object]) -> None:
        self.number = number
        self.announced = free_port()
        self.direct, self.indirect = free_port(), free_port()
        container = DockerContainer(image, network=network, network_aliases=[host_name(number)])
        container.with_bind_ports(9093, self.direct).with_bind_ports(9095, self.indirect)
        self._host = container.get_docker_client().host()
        properties = {**self._listeners(voters), **settings}
        lines = "".join(f"{name}={value}\n" for name, value in properties.items())
        self._container = container.with_envs(PROPERTIES=lines, **_ENVIRONMENT).with_command(["sh", "-c", _START])

    @property
    def address(self) -> str:
        return f"{self._host}:{self.direct}"

    def _listeners(self, voters: str) -> dict[str, object]:
        names = ("CONTROLLER", "BROKER", "DIRECT", "INDIRECT")
        return {
            "node.id": self.number,
            "process.roles": "broker,controller",
            "controller.quorum.voters": voters,
            "listeners": ",".join(
                f"{name}://:{port}" for name, port in zip(names, (9094, 9092, 9093, 9095), strict=True)
            ),
            "advertised.listeners": f"BROKER://{host_name(self.number)}:9092,DIRECT://{self.address},"
            f"INDIRECT://127.0.0.1:{self.announced}",
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
            "inter.broker.listener.name": "BROKER",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": DATA,
        }

    def keep_data_on(self, disk: SmallDisk) -> None:
        self._container.with_volume_mapping(disk.name, DATA, "rw")

    def create(self) -> None:
        self._container.start()

    def remove(self) -> None:
        self._container.stop()

    @property
    def container(self) -> Container:
        container = self._container.get_wrapped_container()
        container.reload()
        return container

    @property
    def is_running(self) -> bool:
        return bool(self.container.status == "running")

    def kill(self) -> None:
        self.container.kill()
        self.container.wait()

    def stop(self) -> None:
        """Shut the broker down in order: it hands its partitions over first."""
        self.container.stop(timeout=60)

    def start(self) -> None:
        self.container.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A block in which the broker stands still."""
        pause(self.container)
        try:
            yield
        finally:
            self.container.unpause()

    def read_file(self, path: str) -> bytes:
        return self.run("cat", path)

    def run(self, *command: str) -> bytes:
        result: Any = self.container.exec_run(list(command))
        assert result.exit_code == 0, result.output
        return bytes(result.output)


def host_name(number: int) -> str:
    return f"kafka-{number}"
