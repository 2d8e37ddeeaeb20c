"""The tests with a real API server, for `make chart-cluster`: it accepts the manifests, and releases can be changed."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.apiserver import Cluster, custom_resource_definitions, run_cluster
from tests.chart.rendering import (
    CHART,
    NAMESPACE,
    RELEASE,
    VALUE_SETS,
    Manifest,
    pods,
    rendered,
    rendered_text,
    values_path,
)
from tests.support import wait_until

KINDS = "deployments,statefulsets,services,serviceaccounts,configmaps,secrets,poddisruptionbudgets,networkpolicies"
CUSTOM_KINDS = "podmonitors,servicemonitors,prometheusrules,scaledobjects,triggerauthentications,externalsecrets"
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}
EACH_VALUE_SET = pytest.mark.parametrize("value_set", VALUE_SETS)


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with run_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        definitions = "\n---\n".join(custom_resource_definitions())
        result = cluster.kubectl("apply", "--server-side", "--filename=-", stdin=definitions)
        assert result.returncode == 0, result.stderr
        cluster.apply(namespace(NAMESPACE), namespace("grafana"))
        priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "background"}}
        cluster.apply({**priority, "value": 1})
        runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "gvisor"}}
        cluster.apply({**runtime, "handler": "runsc"})
        wait_until(
            lambda: cluster.kubectl("get", CUSTOM_KINDS, "--all-namespaces").returncode == 0,
            "custom resources to be served",
        )
        yield cluster


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}


@EACH_VALUE_SET
def test_the_server_accepts_each_manifest_without_a_warning(kubernetes: Cluster, value_set: str) -> None:
    options = ["--dry-run=server", "--validate=strict", "--filename=-"]
    result = kubernetes.kubectl("create", *options, stdin=rendered_text(value_set))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("created (server dry run)") == len(rendered(value_set))


@EACH_VALUE_SET
def test_a_namespace_that_enforces_restricted_admits_each_pod(kubernetes: Cluster, value_set: str) -> None:
    for _, pod in pods(rendered(value_set)):
        result = create_pod(kubernetes, pod)
        assert result.returncode == 0, result.stderr


def test_a_namespace_that_enforces_restricted_refuses_another_pod(kubernetes: Cluster) -> None:
    _, pod = next(pods(rendered("minimal")))
    changed = copy.deepcopy(pod)
    changed["securityContext"]["runAsNonRoot"] = False
    assert 'violates PodSecurity "restricted:latest"' in create_pod(kubernetes, changed).stderr


def create_pod(kubernetes: Cluster, spec: Manifest) -> Any:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": spec}
    options = ["--dry-run=server", "--validate=strict", "--namespace", NAMESPACE, "--filename=-"]
    return kubernetes.kubectl("create", *options, stdin=json.dumps(pod))


@pytest.mark.parametrize("major", [3, 4])
def test_a_release_is_installed_upgraded_rolled_back_and_uninstalled(kubernetes: Cluster, major: int) -> None:
    name = f"release-{major}"
    kubernetes.apply(namespace(name))
    before = objects(kubernetes, name)

    def helm(*arguments: Any) -> str:
        result = kubernetes.helm(major, *arguments, "--namespace", name)
        assert result.returncode == 0, result.stderr
        return result.stdout

    notes = helm("install", RELEASE, CHART, "--values", values_path("minimal"))
    assert f"kubectl --namespace {name} rollout status deployment/sprig-sprig-to-segment" in notes
    assert "Prometheus does not scrape the metrics" in notes
    installed = objects(kubernetes, name)
    assert installed.keys() - before.keys() == expected_objects("minimal")
    # Without hooks, because this cluster runs no pods.
    for value_set in ("contract-files", "eu", "keda", "monitoring", "external-secrets"):
        helm("upgrade", RELEASE, CHART, "--values", values_path(value_set), "--no-hooks")
        assert objects(kubernetes, name).keys() - before.keys() == expected_objects(value_set), value_set
    helm("rollback", RELEASE, "1", "--no-hooks")
    assert specs(objects(kubernetes, name)) == specs(installed)
    helm("uninstall", RELEASE)
    assert objects(kubernetes, name).keys() == before.keys()


def test_a_change_of_the_kind_replaces_the_workload(kubernetes: Cluster) -> None:
    kubernetes.apply(namespace("kinds"))
    for value_set, kind in (("minimal", "Deployment"), ("static", "StatefulSet"), ("minimal", "Deployment")):
        options: list[Any] = ["--install", "--values", values_path(value_set), "--namespace", "kinds"]
        result = kubernetes.helm(4, "upgrade", RELEASE, CHART, *options)
        assert result.returncode == 0, result.stderr
        kinds = {object_kind for object_kind, _ in objects(kubernetes, "kinds")}
        assert kinds & {"Deployment", "StatefulSet"} == {kind}


def objects(kubernetes: Cluster, name: str) -> dict[tuple[str, str], Manifest]:
    """The objects in a namespace by kind and name, without the Secrets in which helm stores releases."""
    result = kubernetes.kubectl("get", f"{KINDS},{CUSTOM_KINDS}", "--namespace", name, "--output=json")
    return {
        (item["kind"], item["metadata"]["name"]): item
        for item in json.loads(result.stdout)["items"]
        if item.get("type") != "helm.sh/release.v1"
    }


def expected_objects(value_set: str) -> set[tuple[str, str]]:
    """Kind and name of each object in the namespace of a release, without hooks."""
    return {
        (manifest["kind"], manifest["metadata"]["name"])
        for manifest in yaml.safe_load_all(rendered_text(value_set))
        if "helm.sh/hook" not in manifest["metadata"].get("annotations", {})
        and manifest["metadata"]["namespace"] == NAMESPACE
    }


def specs(manifests: dict[tuple[str, str], Manifest]) -> dict[tuple[str, str], Manifest]:
    """The manifests without the fields that the server sets."""
    return {
        key: {field: value for field, value in manifest.items() if field not in ("metadata", "status")}
        for key, manifest in manifests.items()
    }
