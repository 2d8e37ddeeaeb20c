"""The image: an unprivileged user, labels, a bill of materials, and no tool that builds or installs software."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import docker
import pytest

ROOT = Path(__file__).parents[2]
UNWANTED = [
    "pip",
    "pip3",
    "apt",
    "apt-get",
    "dpkg",
    "gcc",
    "cc",
    "g++",
    "ld",
    "make",
    "go",
    "rustc",
    "git",
    "curl",
    "wget",
]
LABELS = ["title", "description", "licenses", "version", "revision", "source", "documentation"]


@pytest.fixture(scope="session")
def config(engine: docker.DockerClient, product_image: str) -> Any:
    return engine.images.get(product_image).attrs["Config"]


@pytest.fixture(scope="session")
def shell(product_image: str) -> Callable[[str], str]:
    """Runs a command line in the image as the image's user, without a network, with a read-only root."""

    def run(line: str) -> str:
        options = ["--rm", "--read-only", "--network=none", "--entrypoint=sh"]
        return subprocess.check_output(["docker", "run", *options, product_image, "-c", line], text=True)

    return run


def test_the_image_has_an_unprivileged_user(config: Any, shell: Callable[[str], str]) -> None:
    assert config["User"] == "65532:65532"
    assert shell("id -u; id -g").split() == ["65532", "65532"]


def test_the_labels_describe_the_image(config: Any) -> None:
    labels = {name: config["Labels"].get(f"org.opencontainers.image.{name}") for name in LABELS}
    assert all(labels.values())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (labels["title"], labels["version"], labels["licenses"]) == (
        project["name"],
        project["version"],
        project["license"],
    )


def test_no_tool_builds_installs_or_changes_the_user(shell: Callable[[str], str]) -> None:
    assert shell(f"command -v {' '.join(UNWANTED)} || true").split() == []
    assert shell("find / -xdev -type f -perm /6000 2>/dev/null || true") == ""
    assert shell('python3 -c \'import importlib.util as u; print(u.find_spec("pip"), u.find_spec("ensurepip"))\'') == (
        "None None\n"
    )


def test_the_service_is_not_writable(shell: Callable[[str], str]) -> None:
    assert shell("find /opt/sprig-to-segment -writable ! -type l | head -5") == ""


def test_the_bill_of_materials_lists_what_is_installed(shell: Callable[[str], str]) -> None:
    bill = json.loads(shell("cat /opt/sprig-to-segment/sbom.cdx.json"))
    assert bill["bomFormat"] == "CycloneDX"
    bill_versions = {_normal(component["name"]): component["version"] for component in bill["components"]}
    script = "from importlib.metadata import distributions as d; print(*(f'{i.name}=={i.version}' for i in d()))"
    installed = dict(line.split("==") for line in shell(f'python3 -c "{script}"').split())
    own = installed.pop("sprig-to-segment")
    assert own == version("sprig-to-segment")
    assert bill_versions.items() >= {_normal(name): release for name, release in installed.items()}.items()
    locked = re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / "requirements" / "otel.txt").read_text())
    assert {(_normal(name), release) for name, release in installed.items()} <= {
        (_normal(name), release) for name, release in locked
    }


def test_the_licenses_of_all_parts_are_in_the_image(shell: Callable[[str], str]) -> None:
    script = "from importlib.metadata import distributions as d; print(*(i.name for i in d()))"
    installed = {_normal(name) for name in shell(f'python3 -c "{script}"').split()}
    doc = "/usr/share/doc/sprig-to-segment"
    texts = re.findall(rf"(?m)^{doc}/([^/\n]+)/.", shell(f"find {doc} -type f -size +0"))
    assert set(texts) == installed
    table = shell(f"cat {doc}/licenses.tsv").splitlines()
    assert {line.split("\t")[0] for line in table} >= installed | {"librdkafka", "openssl", "isa-l"}
    assert "/usr/share/doc/PACKAGE/copyright" in shell(f"cat {doc}/README.md")
    assert shell("ls /usr/share/doc/libc6/copyright /usr/share/common-licenses/Apache-2.0")


def test_commands_need_nothing_but_the_image(product_image: str) -> None:
    command = ["docker", "run", "--rm", "--read-only", "--network=none", "--memory=192m", product_image]
    assert "lost                0" in subprocess.check_output([*command, "demo"], text=True)
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "KAFKA_BOOTSTRAP_SERVERS: is required" in refused.stderr


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
