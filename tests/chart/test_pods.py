"""Every pod of every value set obeys the Pod Security Standard "restricted", and what the chart promises beyond it."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.rendering import SETS, Manifest, main_container, pods, rendered

EACH = pytest.mark.parametrize("name", SETS)
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def breaches(pod: Manifest) -> Iterator[str]:
    """What in it the standard forbids: kubernetes.io, "Pod Security Standards", Baseline and Restricted."""
    own = pod.get("securityContext", {})
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field))
    yield from (f"volume {it['name']}" for it in pod.get("volumes", []) if not it.keys() - {"name"} <= VOLUMES)
    if own.get("sysctls"):
        yield "sysctls"
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        its = container.get("securityContext", {})
        yield from (f"{container['name']}: {what}" for what in _of_container(container, own, its))


def _of_container(container: Manifest, own: Manifest, its: Manifest) -> Iterator[str]:
    both = {**own, **its}
    if its.get("privileged"):
        yield "privileged"
    if its.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if its.get("capabilities", {}).get("drop") != ["ALL"] or its["capabilities"].get("add"):
        yield "capabilities"
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
        yield "root"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile"
    if any(port.get("hostPort") for port in container.get("ports", [])) or its.get("procMount", "Default") != "Default":
        yield "host"


@EACH
def test_it_obeys_the_restricted_standard(name: str) -> None:
    for kind, pod in pods(rendered(name)):
        assert list(breaches(pod)) == [], kind


@EACH
def test_its_root_is_read_only_and_it_has_no_token(name: str) -> None:
    for _, pod in pods(rendered(name)):
        assert pod["automountServiceAccountToken"] is False
        assert all(it["securityContext"]["readOnlyRootFilesystem"] for it in pod["containers"])


@EACH
def test_it_gets_the_memory_that_it_asks_for(name: str) -> None:
    for _, pod in pods(rendered(name)):
        resources = main_container(pod)["resources"]
        assert resources["requests"]["memory"] == resources["limits"]["memory"]


@EACH
def test_no_secret_is_in_its_environment_or_arguments(name: str) -> None:
    for _, pod in pods(rendered(name)):
        container = main_container(pod)
        assert not any("secretKeyRef" in entry.get("valueFrom", {}) for entry in container["env"])
        assert "wk0123456789" not in str(container)


@pytest.mark.parametrize(
    ("path", "value", "breach"),
    [
        (("hostNetwork",), True, "hostNetwork"),
        (("securityContext", "runAsNonRoot"), False, "sprig-to-segment: root"),
        (("securityContext", "runAsUser"), 0, "sprig-to-segment: root"),
        (("securityContext", "seccompProfile"), {}, "sprig-to-segment: seccompProfile"),
        (("securityContext", "sysctls"), [{"name": "a"}], "sysctls"),
        (("volumes", 0, "hostPath"), {"path": "/"}, "volume secret"),
        (("containers", 0, "securityContext", "privileged"), True, "sprig-to-segment: privileged"),
        (("containers", 0, "securityContext", "capabilities", "add"), ["CHOWN"], "sprig-to-segment: capabilities"),
        (("containers", 0, "securityContext", "allowPrivilegeEscalation"), None, "sprig-to-segment: allowPrivilege"),
        (("containers", 0, "ports", 0, "hostPort"), 80, "sprig-to-segment: host"),
    ],
)
def test_a_breach_is_seen(path: tuple[Any, ...], value: Any, breach: str) -> None:
    _, pod = next(pods(rendered("minimal")))
    changed = place = copy.deepcopy(pod)
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (found,) = breaches(changed)
    assert found.startswith(breach)
