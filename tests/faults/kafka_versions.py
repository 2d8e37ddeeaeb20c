"""Each supported version of Kafka: a calm run, and a restart of the broker. `make versions` runs this file."""

import os
from collections.abc import Iterator

import docker
import pytest

from tests.cli_runner import CommandRunner
from tests.container.kafka_cluster import KafkaCluster, running_cluster
from tests.faults.scenario import Report, scenario
from tests.pages import supported_versions
from tests.support import Flow

VERSIONS = supported_versions()
FIRST_WITH_NEW_PROTOCOL = 4  # KIP-848 is a preview before

RUNS = [(version, "classic") for version in VERSIONS]
RUNS += [(version, "consumer") for version in VERSIONS if int(version[0]) >= FIRST_WITH_NEW_PROTOCOL]


@pytest.fixture
def kafka(engine: docker.DockerClient, version: str) -> Iterator[KafkaCluster]:
    images = dict(entry.split("=") for entry in os.environ["KAFKA_IMAGES"].split(",") if entry)
    with running_cluster(images[version], size=1) as cluster:
        yield cluster


@pytest.mark.parametrize(("version", "protocol"), RUNS, indirect=["protocol"])
def test_a_version_of_kafka_is_supported(kafka: KafkaCluster, version: str, flow: Flow, report: Report) -> None:
    """A calm run repeats nothing. A repeat after the restart must have been uncommitted before."""
    with scenario(flow) as trial:
        check = CommandRunner(flow).run("check")
        assert check.returncode == 0, check.stdout + check.stderr
        trial.join("one")
        trial.join("two")
        trial.progress(300)
        trial.leave("one")
        trial.join("one")
        trial.progress(100)
        assert not flow.segment.duplicates
        with trial.duplicate_explainer.any_member_may_be_removed(), trial.broker_outage():
            kafka.nodes[1].stop()
            kafka.heal()
        trial.fault_ended()
        report(trial.finish(f"Kafka {version} restarted, {flow.protocol}", min_delivered=500, explain_all=True))
