"""Owns the containers of the tests: a Kafka broker, a schema registry, and the image of the service."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import httpx
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from confluent_kafka.schema_registry import SchemaRegistryClient
from testcontainers.core.container import DockerContainer

from tests.container.kafka_container import PASSWORD, USER, TestKafkaContainer
from tests.container.kafka_operator import KafkaOperator, last_lines, pause
from tests.container.product_image import build_product_image
from tests.ports import free_port
from tests.support import wait_until

ROOT = Path(__file__).parents[2]
LOG_DIR = "/var/lib/kafka/data"


class KafkaBroker(KafkaOperator):
    """
    A broker that keeps its address and its data through `restart` and `roll`.

    `announced` is a port that the broker advertises on its listener `indirect`, and on which it does not listen itself:
    a proxy on `announced` that forwards to `indirect` gets all traffic. `signed` is the address for clients that
    authenticate.
    """

    def __init__(self, container: TestKafkaContainer) -> None:
        super().__init__(container.get_bootstrap_server())
        self.announced = container.announced
        self.indirect = int(container.get_exposed_port(9095))
        self.signed = f"127.0.0.1:{container.signed}"
        self._container = container.get_wrapped_container()

    def add_scram_user(self) -> None:
        """Let USER authenticate with SCRAM as well."""
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        credential = UserScramCredentialUpsertion(USER, scram, PASSWORD.encode())
        self._admin.alter_user_scram_credentials([credential])[USER].result(30)

    def restart(self) -> None:
        """Crash the broker and start it again: the first process of the container does not forward SIGTERM to Kafka."""
        self._container.restart(timeout=0)
        self._wait_until_ready()

    def roll(self) -> None:
        """Shut the broker down in order, so that it leaves the cluster, and start it again."""
        with self.shut_down():
            pass

    @contextlib.contextmanager
    def shut_down(self) -> Iterator[None]:
        """A block in which the broker is shut down in order, with SIGTERM."""
        result = self._container.exec_run(
            ["sh", "-c", "grep -l '[k]afka.Kafka' /proc/[0-9]*/cmdline | cut -d/ -f3 | xargs kill -TERM"]
        )
        assert result.exit_code == 0, result.output
        assert self._container.wait(timeout=60)["StatusCode"] == 128 + signal.SIGTERM
        yield
        self._container.start()
        self._wait_until_ready()

    def copy_log(self, topic: str, partition: int) -> bytes:
        """The files of a partition, as they are now."""
        return b"".join(self._container.get_archive(f"{LOG_DIR}/{topic}-{partition}")[0])

    def restore_log(self, files: bytes) -> None:
        """Put back the files of a partition, as they were when they were copied. Call this while it is shut down."""
        assert self._container.put_archive(LOG_DIR, files)

    def last_lines(self) -> str:
        """The state of the container and the end of its log, for the report of a test that failed."""
        return last_lines(self._container)

    def pause(self) -> None:
        pause(self._container)

    def unpause(self) -> None:
        self._container.unpause()

    def _wait_until_ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._admin.list_topics(timeout=1)
                return
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                self._connect()


class RegistryContainer:
    """A registry with Confluent's API and its own, which keeps its address and its schemas through `down`."""

    def __init__(self, container: DockerContainer, address: str) -> None:
        self.url = f"http://{address}/apis/ccompat/v7"
        self.own_url = f"http://{address}/apis/registry/v3"
        self.client = SchemaRegistryClient({"url": self.url, "timeout": 5})
        self._container = container.get_wrapped_container()
        self._wait_until_ready()

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """A block in which the registry is down, as after a crash."""
        self._container.kill()
        try:
            yield
        finally:
            self._container.restart(timeout=0)
            self._wait_until_ready()

    def close(self) -> None:
        self.client.close()

    def _wait_until_ready(self) -> None:
        wait_until(self._is_ready, "the registry to answer")

    def _is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/subjects", timeout=1).is_success
        return False


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    with contextlib.suppress(docker.errors.DockerException):
        return docker.from_env(version="auto")
    pytest.fail("no container engine answers: `make test` starts one", pytrace=False)


@pytest.fixture(scope="session")
def kafka(engine: docker.DockerClient) -> Iterator[KafkaBroker]:
    container = TestKafkaContainer(image_of("KAFKA_IMAGE"))
    try:
        container.start(timeout=120)
        yield KafkaBroker(container)
    finally:
        container.stop()


@pytest.fixture(scope="session")
def registry(engine: docker.DockerClient) -> Iterator[RegistryContainer]:
    port = free_port()
    container = DockerContainer(image_of("REGISTRY_IMAGE"), mem_limit="512m").with_bind_ports(8080, port)
    # By default the schemas are in memory and end with the process, so this writes each schema to disk at once.
    container.with_env("APICURIO_DATASOURCE_URL", "jdbc:h2:file:/tmp/registry;WRITE_DELAY=0")
    try:
        container.start()
        with contextlib.closing(
            RegistryContainer(container, f"{container.get_container_host_ip()}:{port}")
        ) as registry:
            yield registry
    finally:
        container.stop()


@pytest.fixture
def topic(request: pytest.FixtureRequest, kafka: KafkaOperator) -> Iterator[str]:
    """A name that no other test has. The test creates the topic itself, and others whose names begin with it."""
    name = re.sub(r"[^A-Za-z0-9.-]", "-", request.node.name)[:100] + f".{uuid.uuid4().hex[:8]}"
    yield name
    kafka.forget_topics(name)


@pytest.fixture(scope="session")
def product_image(engine: docker.DockerClient) -> str:
    """The tag of the service's image, built from this checkout."""
    return build_product_image(engine, image_of("PYTHON_IMAGE"))


def image_of(variable: str) -> str:
    image = os.environ.get(variable)
    if not image:
        pytest.fail(f"{variable} is not set: `make test` chooses one (tests/infra/up)", pytrace=False)
    return image
