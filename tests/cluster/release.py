"""Owns the release of the chart on the cluster: its commands, which are those of docs/deploy.md, and its pods."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.chart.apiserver import Cluster
from tests.chart.rendering import CHART, NAMESPACE, RELEASE, values_path
from tests.cluster.addresses import MACHINE, SEGMENT_PORT
from tests.infra.get_helm import helm
from tests.pages import ROOT, shell_lines
from tests.support import wait_until

NAME = "sprig-sprig-to-segment"
MEMBERS = "app.kubernetes.io/component=member"
COMMANDS = shell_lines((ROOT / "docs" / "deploy.md").read_text())
WRITE_KEY = "write-key-of-the-cluster"
# What a cluster without DNS and without Segment needs besides the values of docs/deploy.md.
LOCAL_VALUES = {
    "hostAliases": [{"ip": MACHINE, "hostnames": ["broker", "registry", "segment"]}],
    "settings": {"SEGMENT_ENDPOINT": f"http://segment:{SEGMENT_PORT}/v1/batch", "SEGMENT_ALLOW_HTTP": True},
}

Manifest = Any


def documented(beginning: str) -> str:
    """The one command of docs/deploy.md that begins like this."""
    (command,) = [line for line in COMMANDS if line.startswith(beginning)]
    return command


@dataclass(frozen=True)
class Pod:
    """A member's pod, as the API server described it."""

    manifest: Manifest

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.manifest["metadata"]["uid"])

    @property
    def node(self) -> str:
        return str(self.manifest["spec"].get("nodeName", ""))

    @property
    def address(self) -> str:
        return str(self.manifest["status"]["podIP"])

    @property
    def is_ready(self) -> bool:
        conditions = self.manifest["status"].get("conditions", [])
        return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)

    @property
    def is_ending(self) -> bool:
        return "deletionTimestamp" in self.manifest["metadata"]

    @property
    def containers(self) -> list[Manifest]:
        return list(self.manifest["status"].get("containerStatuses", []))

    @property
    def restarts(self) -> int:
        return sum(container["restartCount"] for container in self.containers)


class Release:
    """The release `sprig` in the namespace `surveys`. `folder` has what the commands of docs/deploy.md read."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        (folder / "helm").symlink_to(CHART)
        (folder / "examples").symlink_to(ROOT / "examples")
        (folder / "key").write_text(WRITE_KEY)
        values = yaml.safe_load(values_path("minimal").read_text())
        values["settings"] |= LOCAL_VALUES["settings"]
        (folder / "values.yaml").write_text(yaml.safe_dump({**LOCAL_VALUES, **values}))

    def run(self, command: str, *options: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command of docs/deploy.md with the released helm and kubectl, and further options."""
        tools = helm(4).parent
        environment = {
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(self.folder),
        }
        return subprocess.run(
            ["bash", "-c", f'{command} "$@"', "bash", *options],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def must(self, command: str, *options: str) -> str:
        """The output of a command that succeeds."""
        result = self.run(command, *options)
        assert result.returncode == 0, f"{command} {options}: {result.stdout}{result.stderr}{self.check_log()}"
        return result.stdout

    def kubectl(self, command: str, *options: str) -> str:
        return self.must(f"kubectl --namespace {NAMESPACE} {command}", *options)

    def upgrade(self, *options: str) -> str:
        """An upgrade with the values of the installation and further ones, which waits for the rollout."""
        return self.must(upgrade_command(), *options)

    def objects(self, kind: str, *options: str) -> list[Manifest]:
        return list(json.loads(self.kubectl(f"get {kind} --output=json", *options))["items"])

    def members(self) -> list[Pod]:
        return [Pod(manifest) for manifest in self.objects("pods", f"--selector={MEMBERS}")]

    def wait_for_members(self, count: int, seconds: float = 120) -> list[Pod]:
        """Wait until there are exactly `count` members, all ready."""
        pods: list[Pod] = []

        def are_ready() -> bool:
            with suppress(AssertionError):  # the API server is busy
                pods[:] = self.members()
                return len(pods) == count and all(pod.is_ready and not pod.is_ending for pod in pods)
            return False

        wait_until(are_ready, f"{count} ready members", seconds)
        return list(pods)

    def rollback(self) -> None:
        """Roll back to the last revision that worked, as docs/deploy.md says."""
        history = json.loads(self.must(documented("helm --namespace surveys history sprig"), "--output=json"))
        worked = [entry["revision"] for entry in history if entry["status"] in ("superseded", "deployed")]
        command = documented("helm --namespace surveys rollback sprig ").replace("REVISION", str(worked[-1]))
        self.must(command, "--wait")

    def check_log(self) -> str:
        """The log of the check before an installation or upgrade, if its Job is kept."""
        return self.run(documented(f"kubectl --namespace {NAMESPACE} logs job/{NAME}-check")).stdout

    def log(self, pod: Pod, *options: str) -> str:
        return self.run(f"kubectl --namespace {NAMESPACE} logs {pod.name}", *options).stdout

    def partitions(self, pod: Pod) -> set[int]:
        """The partitions that the member owned last, by its log."""
        owned: set[int] = set()
        for change, partitions in _partition_changes(self.log(pod)):
            owned = owned | partitions if change == "assigned" else owned - partitions
        return owned

    def lost_partitions(self, pods: Iterable[Pod]) -> set[int]:
        """The partitions that these members lost, by their logs: what they had not committed is sent again."""
        changes = [change for pod in pods for change in _partition_changes(self.log(pod))]
        return {number for change, partitions in changes for number in partitions if change == "lost"}


def _partition_changes(log: str) -> Iterator[tuple[str, set[int]]]:
    """The `assigned`, `revoked` and `lost` of a member's log, with the partitions."""
    for line in log.splitlines():
        if '"event": "partitions ' in line:
            event = json.loads(line)
            yield event["event"].rpartition(" ")[2], set(event["partitions"])


def upgrade_command() -> str:
    """`helm upgrade` with the same values file, as docs/deploy.md says, which waits for the rollout."""
    return f"helm upgrade {RELEASE} ./helm --namespace {NAMESPACE} --values values.yaml --wait --timeout 180s"


def sum_of_restarts(pods: Iterable[Pod]) -> int:
    return sum(pod.restarts for pod in pods)
