"""Owns the cluster of three brokers that these trials share, and which is whole again after each of them."""

from collections.abc import Iterator

import docker
import pytest

from tests.container.conftest import image_of
from tests.container.kafka_cluster import KafkaCluster, running_cluster
from tests.container.small_disk import SmallDisk

SMALL_DISK = 3  # the broker that has a small disk


@pytest.fixture(scope="session")
def small_disk(engine: docker.DockerClient) -> Iterator[SmallDisk]:
    with SmallDisk(image_of("KAFKA_IMAGE")).created() as disk:
        yield disk


@pytest.fixture(scope="session")
def cluster(small_disk: SmallDisk) -> Iterator[KafkaCluster]:
    with running_cluster(image_of("KAFKA_IMAGE"), size=3, disks={SMALL_DISK: small_disk}) as cluster:
        yield cluster


@pytest.fixture
def kafka(cluster: KafkaCluster) -> Iterator[KafkaCluster]:
    """The brokers of `flow`."""
    yield cluster
    cluster.heal()
