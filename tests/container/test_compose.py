"""compose.yaml: one command starts the whole pipeline, which survives a restart and leaves nothing behind."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from tests.container.conftest import image_of
from tests.container.kafka_operator import last_lines
from tests.ports import free_port
from tests.support import metric, wait_until

ROOT = Path(__file__).parents[2]
LABEL = "com.docker.compose.project"
ENDS_BY_SIGNAL = 143  # 128 + SIGTERM: the exit code of a Java virtual machine


@dataclass
class Project:
    """The containers of compose.yaml under a name of their own, with the images of the test bed."""

    engine: docker.DockerClient
    product_image: str
    name: str = field(default_factory=lambda: f"try-{uuid.uuid4().hex[:8]}")
    status_port: int = field(default_factory=free_port)
    inbox_port: int = field(default_factory=free_port)

    def compose(self, *words: str) -> str:
        environment = {
            **os.environ,
            "SPRIG_TO_SEGMENT_IMAGE": self.product_image,
            "STATUS_PORT": str(self.status_port),
            "INBOX_PORT": str(self.inbox_port),
        }
        command = [*image_of("COMPOSE").split(), "--project-name", self.name, *words]
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, "\n".join([result.stderr, *map(last_lines, self.containers())])
        return result.stdout

    def containers(self) -> list[Any]:
        return list(self.engine.containers.list(all=True, filters={"label": f"{LABEL}={self.name}"}))

    def exit_codes(self) -> dict[str, int]:
        """By service, of all containers that do not run."""
        return {
            container.labels["com.docker.compose.service"]: container.attrs["State"]["ExitCode"]
            for container in self.containers()
            if container.status == "exited"
        }

    def inbox(self) -> Any:
        return httpx.get(f"http://127.0.0.1:{self.inbox_port}/inbox.json", trust_env=False).json()

    def delivered(self) -> float:
        return metric(f"http://127.0.0.1:{self.status_port}", "records_delivered_total")

    def message_ids(self) -> set[str]:
        """Of the newest events in the inbox."""
        return {event["event"]["messageId"] for event in self.inbox()["events"]}


@pytest.fixture
def project(engine: docker.DockerClient, product_image: str) -> Iterator[Project]:
    project = Project(engine, product_image)
    try:
        yield project
    finally:
        project.compose("down", "--volumes", "--timeout", "0")


@pytest.mark.timeout(300, func_only=True)  # four services start in it, twice
def test_one_command_delivers_samples_to_the_inbox_before_and_after_a_restart(project: Project) -> None:
    project.compose("up", "--detach", "--no-build")
    wait_until(lambda: project.inbox()["accepted"] > 500, "the first samples in the inbox")
    before = project.inbox()["accepted"]
    wait_until(lambda: project.inbox()["accepted"] > before, "further samples in the inbox")
    assert project.inbox()["dropped"] == {}
    assert project.delivered() > 500
    listing = project.compose("exec", "-T", "service", "sprig-to-segment", "dead-letters", "list")
    assert {"undecodable", "event_too_large", "http_400"} <= set(listing.split())

    sent = project.message_ids()
    project.compose("stop")
    services = {"first-samples", "samples", "segment", "service"}
    java = {"kafka": ENDS_BY_SIGNAL, "registry": ENDS_BY_SIGNAL}
    assert project.exit_codes() == dict.fromkeys(services, 0) | java

    project.compose("up", "--detach", "--no-build")
    wait_until(lambda: project.inbox()["accepted"] > 0, "samples in the inbox after the restart")
    assert not sent & project.message_ids()

    project.compose("down", "--volumes", "--timeout", "0")
    assert project.containers() == []
    assert project.engine.networks.list(filters={"label": f"{LABEL}={project.name}"}) == []


def test_the_public_images_are_the_default() -> None:
    """The images of the test bed take their place only by environment variables."""
    public = dict.fromkeys(("KAFKA_IMAGE", "REGISTRY_IMAGE"), "")
    environment = {**os.environ, **public}
    command = [*image_of("COMPOSE").split(), "config", "--images"]
    images = subprocess.check_output(command, cwd=ROOT, env=environment, text=True).split()
    script = (ROOT / "tests" / "infra" / "up").read_text()
    (apicurio,) = [line.partition("=")[2] for line in script.splitlines() if line.startswith("apicurio=")]
    newest = (ROOT / "tests" / "infra" / "kafka" / "versions").read_text().split()[-1]
    assert set(images) == {
        f"confluentinc/cp-kafka:{newest}",
        f"apicurio/apicurio-registry:{apicurio}",
        "sprig-to-segment:compose",
    }
