"""Owns the fixtures of the scenarios: one Kafka, one release, one stream of records for all of them."""

import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from consumer.demo.segment_server import SegmentStandIn
from tests.chart.apiserver import Cluster
from tests.chart.rendering import NAMESPACE
from tests.cluster.account import Accounts
from tests.cluster.addresses import MACHINE, SEGMENT_PORT, kubeconfig
from tests.cluster.broker import Broker
from tests.cluster.container_ends import PodWatcher
from tests.cluster.release import WRITE_KEY, Release, documented, upgrade_command
from tests.cluster.stand_ins import RegistryStandIn
from tests.cluster.stream import RecordStream
from tests.container.conftest import image_of

FAILED = pytest.StashKey[bool]()


class Account(Protocol):
    """Opens the account of a scenario, whose row is in the table at the end."""

    def __call__(self, scenario: str, **limits: Any) -> Any: ...


@pytest.fixture(scope="session")
def cluster_folder() -> Path:
    folder = os.environ.get("CLUSTER")
    if not folder:
        pytest.fail("CLUSTER is not set: `make cluster` starts a cluster and runs these tests in it", pytrace=False)
    return Path(folder)


@pytest.fixture(scope="session")
def release(cluster_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release(Cluster(kubeconfig(cluster_folder, "admin"), timeout=300), tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def broker(release: Release, cluster_folder: Path) -> Broker:
    return Broker(release, image_of("KAFKA_IMAGE"), cluster_folder)


@pytest.fixture(scope="session")
def registry() -> Iterator[RegistryStandIn]:
    registry = RegistryStandIn()
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture(scope="session")
def segment() -> Iterator[SegmentStandIn]:
    with SegmentStandIn([WRITE_KEY], SEGMENT_PORT, host=MACHINE) as segment:
        yield segment


@pytest.fixture(scope="session")
def installed(release: Release, broker: Broker, registry: RegistryStandIn, segment: SegmentStandIn) -> float:
    """The seconds that the installation took, by the commands of docs/deploy.md. No group was ever in this Kafka."""
    for beginning in ("kubectl create namespace", "kubectl label namespace"):
        release.must(documented(beginning))
    release.must(documented(f"kubectl --namespace {NAMESPACE} create secret generic segment "))
    began_at = time.monotonic()
    release.must(documented("helm install sprig"))
    return time.monotonic() - began_at


@pytest.fixture(scope="session")
def accounts(release: Release, installed: float, segment: SegmentStandIn, cluster_folder: Path) -> Iterator[Accounts]:
    release.wait_for_members(2)
    with PodWatcher(release, cluster_folder).running() as watcher, RecordStream().running() as stream:
        yield Accounts(segment, stream, watcher)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let `repaired` know whether the scenario failed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(autouse=True)
def repaired(request: pytest.FixtureRequest, release: Release) -> Iterator[None]:
    """After a scenario that failed, the release is as the next scenario expects it: two new members."""
    yield
    if request.node.stash.get(FAILED, False):
        release.must("kubectl uncordon node-1 node-2")
        options = getattr(request.module, "VALUES", ())
        release.run(
            f"{upgrade_command()} --install --force-conflicts",
            "--set",
            f"podAnnotations.repaired={time.time():.0f}s",
            *options,
        )
        release.wait_for_members(2)


@pytest.fixture
def account(accounts: Accounts, record_property: Callable[[str, object], None]) -> Account:
    return lambda scenario, **limits: accounts.account(scenario, record_property, **limits)
