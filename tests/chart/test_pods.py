"""Each pod of each value set complies with the Pod Security Standard "restricted" and with rules of the chart."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.rendering import VALUE_SETS, Manifest, main_container, pods, rendered

EACH_VALUE_SET = pytest.mark.parametrize("value_set", VALUE_SETS)
ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def violations(pod: Manifest) -> Iterator[str]:
    """The violations of the standard: kubernetes.io, "Pod Security Standards", Baseline and Restricted."""
    pod_context = pod.get("securityContext", {})
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field))
    for volume in pod.get("volumes", []):
        if not volume.keys() - {"name"} <= ALLOWED_VOLUMES:
            yield f"volume {volume['name']}"
    if pod_context.get("sysctls"):
        yield "sysctls"
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        for violation in _container_violations(container, pod_context):
            yield f"{container['name']}: {violation}"


def _container_violations(container: Manifest, pod_context: Manifest) -> Iterator[str]:
    context = container.get("securityContext", {})
    effective = {**pod_context, **context}
    if context.get("privileged"):
        yield "privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if context.get("capabilities", {}).get("drop") != ["ALL"] or context["capabilities"].get("add"):
        yield "capabilities"
    if effective.get("runAsNonRoot") is not True or effective.get("runAsUser") == 0:
        yield "root"
    if effective.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile"
    has_host_port = any(port.get("hostPort") for port in container.get("ports", []))
    if has_host_port or context.get("procMount", "Default") != "Default":
        yield "host"


@EACH_VALUE_SET
def test_each_pod_complies_with_the_restricted_standard(value_set: str) -> None:
    for kind, pod in pods(rendered(value_set)):
        assert list(violations(pod)) == [], kind


@EACH_VALUE_SET
def test_each_pod_has_a_read_only_root_and_no_service_account_token(value_set: str) -> None:
    for _, pod in pods(rendered(value_set)):
        assert pod["automountServiceAccountToken"] is False
        assert all(container["securityContext"]["readOnlyRootFilesystem"] for container in pod["containers"])


@EACH_VALUE_SET
def test_the_memory_limit_of_each_pod_equals_its_request(value_set: str) -> None:
    for _, pod in pods(rendered(value_set)):
        resources = main_container(pod)["resources"]
        assert resources["requests"]["memory"] == resources["limits"]["memory"]


@EACH_VALUE_SET
def test_no_secret_is_in_environment_variables_or_arguments(value_set: str) -> None:
    for _, pod in pods(rendered(value_set)):
        container = main_container(pod)
        assert not any("secretKeyRef" in entry.get("valueFrom", {}) for entry in container["env"])
        assert "wk0123456789" not in str(container)


@pytest.mark.parametrize(
    ("path", "value", "violation"),
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
def test_a_violation_is_detected(path: tuple[Any, ...], value: Any, violation: str) -> None:
    _, pod = next(pods(rendered("minimal")))
    changed = parent = copy.deepcopy(pod)
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    (detected,) = violations(changed)
    assert detected.startswith(violation)
