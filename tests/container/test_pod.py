"""A pod as the chart renders it, with the image, a real Kafka, and everything that restricts it."""

import json
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import Segment
from tests.chart.mounting import mounted
from tests.chart.rendering import Manifest, made_of, main_container, only
from tests.support import KEYS, Flow, is_refused, wait_until


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with Segment(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(kafka.bootstrap, topic, segment)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def manifests(flow: Flow, port: int) -> tuple[Manifest, ...]:
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": flow.bootstrap,
        "KAFKA_TOPIC": flow.topic,
        "KAFKA_GROUP_ID": flow.group,
        "SCHEMA_REGISTRY_URL": "",
        "SEGMENT_ENDPOINT": flow.segment.url,
        "HTTP_PORT": port,
    }
    plain = {"SEGMENT_WRITE_KEYS": json.dumps(KEYS)}
    return made_of({"settings": settings, "secret": {"existingSecret": "", "plain": plain}})


@contextmanager
def started(made: tuple[Manifest, ...], pod: Manifest, image: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Its container by the engine, with the pod's user, environment, files and limits; at the end it is stopped."""
    container = main_container(pod)
    own, security = pod["securityContext"], container["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    name = f"sprig-to-segment-test-{uuid.uuid4().hex[:8]}"
    memory = container["resources"]["limits"]["memory"].removesuffix("Mi")
    options = ["--rm", "--name", name, "--network=host", "--read-only", "--security-opt=no-new-privileges"]
    options += [f"--user={own['runAsUser']}:{own['runAsGroup']}", f"--memory={memory}m", f"--memory-swap={memory}m"]
    options += [f"--cap-drop={it}" for it in security["capabilities"]["drop"]]
    options += [f"--env={it['name']}={it['value']}" for it in container["env"]]
    seen = mounted(made, pod, "minimal", folder)
    options += [f"--volume={path}:{inside}:ro" for inside, path in seen.items() if inside != "/tmp"]
    command = ["docker", "run", *options, "--tmpfs=/tmp", image, *container.get("args", [])]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield running
    finally:
        grace = str(pod.get("terminationGracePeriodSeconds", 30))
        subprocess.run(["docker", "stop", "--time", grace, name], check=False, capture_output=True)
        running.communicate(timeout=60)


def answers_well(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(url, timeout=1).is_success
    return False


def test_a_member_is_alive_ready_delivers_and_ends_in_time(flow: Flow, product_image: str, tmp_path: Path) -> None:
    flow.produce(600)
    made = manifests(flow, port := free_port())
    pod = only(made, "Deployment")["spec"]["template"]["spec"]
    probes = {
        name: main_container(pod)[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")
    }
    with started(made, pod, product_image, tmp_path) as running:
        for path in probes.values():
            wait_until(partial(answers_well, f"http://127.0.0.1:{port}{path}"), f"{path} to be answered")
        flow.wait_until_settled()
    assert running.returncode == 0
    assert flow.account().even


def test_its_check_finds_that_a_member_would_work(flow: Flow, product_image: str, tmp_path: Path) -> None:
    made = manifests(flow, 8080)
    with started(made, only(made, "Pod")["spec"], product_image, tmp_path) as running:
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output
    assert "check: 0 problems" in output
