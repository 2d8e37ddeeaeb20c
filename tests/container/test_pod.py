"""A pod as the chart renders it, run with the image, a real Kafka and all restrictions of the pod."""

import json
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
from consumer.demo.segment_server import SegmentStandIn
from tests.chart.mounting import mounted
from tests.chart.rendering import Manifest, main_container, only, render_with
from tests.ports import free_port
from tests.support import KEYS, Flow, is_refused, wait_until


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(kafka.bootstrap, topic, segment)


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
    return render_with({"settings": settings, "secret": {"existingSecret": "", "plain": plain}})


@contextmanager
def started(rendered: tuple[Manifest, ...], pod: Manifest, image: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the pod's container with its user, environment variables, files and limits. Stop it at the end."""
    container = main_container(pod)
    pod_security, security = pod["securityContext"], container["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    name = f"sprig-to-segment-test-{uuid.uuid4().hex[:8]}"
    memory = container["resources"]["limits"]["memory"].removesuffix("Mi")
    options = ["--rm", "--name", name, "--network=host", "--read-only", "--security-opt=no-new-privileges"]
    options += [
        f"--user={pod_security['runAsUser']}:{pod_security['runAsGroup']}",
        f"--memory={memory}m",
        f"--memory-swap={memory}m",
    ]
    options += [f"--cap-drop={capability}" for capability in security["capabilities"]["drop"]]
    options += [f"--env={variable['name']}={variable['value']}" for variable in container["env"]]
    mounts = mounted(rendered, pod, "minimal", folder)
    options += [f"--volume={path}:{mount_path}:ro" for mount_path, path in mounts.items() if mount_path != "/tmp"]
    command = ["docker", "run", *options, "--tmpfs=/tmp", image, *container.get("args", [])]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield running
    finally:
        grace = str(pod.get("terminationGracePeriodSeconds", 30))
        subprocess.run(["docker", "stop", "--time", grace, name], check=False, capture_output=True)
        running.communicate(timeout=60)


def is_success(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(url, timeout=1).is_success
    return False


def test_a_member_is_alive_ready_delivers_and_ends_in_time(flow: Flow, product_image: str, tmp_path: Path) -> None:
    flow.produce(600)
    port = free_port()
    rendered = manifests(flow, port)
    pod = only(rendered, "Deployment")["spec"]["template"]["spec"]
    probes = {
        name: main_container(pod)[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")
    }
    with started(rendered, pod, product_image, tmp_path) as running:
        for path in probes.values():
            wait_until(partial(is_success, f"http://127.0.0.1:{port}{path}"), f"a success on {path}")
        flow.wait_until_settled()
    assert running.returncode == 0
    assert flow.ledger().even


def test_the_check_pod_reports_no_problem(flow: Flow, product_image: str, tmp_path: Path) -> None:
    rendered = manifests(flow, 8080)
    with started(rendered, only(rendered, "Pod")["spec"], product_image, tmp_path) as running:
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output
    assert "check: 0 problems" in output
