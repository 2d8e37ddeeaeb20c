"""The chart: it lints, its pod is restricted, and the product accepts the settings that it renders."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer import settings
from tests.bed.get_helm import get_helm

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm"
VALUES = [
    "settings.KAFKA_BOOTSTRAP_SERVERS=broker:9092",
    "settings.SCHEMA_REGISTRY_URL=http://registry:8081",
    "settings.BATCH_MAX_EVENTS=250",
    "secret.name=segment",
]


@pytest.fixture(scope="session")
def helm() -> Path:
    binary = ROOT / ".cache" / "helm-v4"
    if not binary.exists():
        binary.parent.mkdir(exist_ok=True)
        get_helm(binary)
    return binary


def template(helm: Path, *values: str) -> subprocess.CompletedProcess[str]:
    sets = [argument for value in values for argument in ("--set", value)]
    return subprocess.run([helm, "template", "r", CHART, *sets], capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def pod(helm: Path) -> Any:
    deployment = yaml.safe_load(template(helm, *VALUES).stdout)
    assert deployment["kind"] == "Deployment"
    return deployment["spec"]["template"]["spec"]


def test_it_lints(helm: Path) -> None:
    done = subprocess.run([helm, "lint", "--strict", CHART, "--set", VALUES[-1]], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_without_a_secret_it_says_what_is_missing(helm: Path) -> None:
    done = template(helm, *VALUES[:-1])
    assert done.returncode != 0
    assert "secret.name: the secret that holds SEGMENT_WRITE_KEY" in done.stderr


def test_the_product_accepts_what_it_renders(pod: Any, tmp_path: Path) -> None:
    (container,) = pod["containers"]
    (mount,) = container["volumeMounts"]
    (tmp_path / "SEGMENT_WRITE_KEY").write_text("mounted-key\n")
    rendered = {entry["name"]: entry["value"].replace(mount["mountPath"], str(tmp_path)) for entry in container["env"]}
    made = settings.load(environ=rendered)
    assert made.batch_max_events == 250
    assert made.avro_framing == "confluent"
    assert [key.secret for key in made.write_keys.values()] == ["mounted-key"]
    assert pod["terminationGracePeriodSeconds"] > made.shutdown_timeout_seconds


def test_its_pod_obeys_the_restricted_standard(pod: Any) -> None:
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not pod["automountServiceAccountToken"]


def test_its_version_is_the_product_s() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == version[1]
