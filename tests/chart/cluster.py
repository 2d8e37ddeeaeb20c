"""The chart before a real API server, for `make chart-cluster`: what is rendered is taken, and releases come and go."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.apiserver import Cluster, cluster, definitions
from tests.chart.rendering import CHART, NAMESPACE, RELEASE, SETS, Manifest, path_of, pods, rendered, text_of
from tests.support import wait_until

KINDS = "deployments,statefulsets,services,serviceaccounts,configmaps,secrets,poddisruptionbudgets,networkpolicies"
CUSTOM = "podmonitors,servicemonitors,prometheusrules,scaledobjects,triggerauthentications,externalsecrets"
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}
EACH = pytest.mark.parametrize("name", SETS)


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        done = made.kubectl("apply", "--server-side", "--filename=-", given="\n---\n".join(definitions()))
        assert done.returncode == 0, done.stderr
        made.make(*(namespace(name) for name in (NAMESPACE, "grafana")))
        made.make(
            {
                "apiVersion": "scheduling.k8s.io/v1",
                "kind": "PriorityClass",
                "metadata": {"name": "background"},
                "value": 1,
            }
        )
        sandbox = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "gvisor"}}
        made.make({**sandbox, "handler": "runsc"})
        wait_until(
            lambda: made.kubectl("get", CUSTOM, "--all-namespaces").returncode == 0, "custom resources to be served"
        )
        yield made


def namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}


@EACH
def test_the_server_takes_each_manifest_and_warns_of_none(kubernetes: Cluster, name: str) -> None:
    done = kubernetes.kubectl("create", "--dry-run=server", "--validate=strict", "--filename=-", given=text_of(name))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("created (server dry run)") == len(rendered(name))


@EACH
def test_each_pod_is_admitted_where_only_restricted_ones_are(kubernetes: Cluster, name: str) -> None:
    for _, pod in pods(rendered(name)):
        done = create_pod(kubernetes, pod)
        assert done.returncode == 0, done.stderr


def test_a_pod_that_is_not_restricted_is_forbidden_there(kubernetes: Cluster) -> None:
    _, pod = next(pods(rendered("minimal")))
    changed = copy.deepcopy(pod)
    changed["securityContext"]["runAsNonRoot"] = False
    assert 'violates PodSecurity "restricted:latest"' in create_pod(kubernetes, changed).stderr


def create_pod(kubernetes: Cluster, spec: Manifest) -> Any:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": spec}
    arguments = ["--dry-run=server", "--validate=strict", "--namespace", NAMESPACE, "--filename=-"]
    return kubernetes.kubectl("create", *arguments, given=json.dumps(pod))


@pytest.mark.parametrize("major", [3, 4])
def test_a_release_is_installed_upgraded_rolled_back_and_gone(kubernetes: Cluster, major: int) -> None:
    home = f"release-{major}"
    kubernetes.make(namespace(home))
    before = objects(kubernetes, home)

    def helm(*arguments: Any) -> str:
        done = kubernetes.helm(major, *arguments, "--namespace", home)
        assert done.returncode == 0, done.stderr
        return done.stdout

    notes = helm("install", RELEASE, CHART, "--values", path_of("minimal"))
    assert f"kubectl --namespace {home} rollout status deployment/sprig-sprig-to-segment" in notes
    assert "Nothing scrapes its metrics" in notes
    first = objects(kubernetes, home)
    assert first.keys() - before.keys() == made_by("minimal")
    # Without hooks, as nothing here would run their pods.
    for name in ("contract-files", "eu", "keda", "monitoring", "external-secrets"):
        helm("upgrade", RELEASE, CHART, "--values", path_of(name), "--no-hooks")
        assert objects(kubernetes, home).keys() - before.keys() == made_by(name), name
    helm("rollback", RELEASE, "1", "--no-hooks")
    again = objects(kubernetes, home)
    assert {key: spec_of(it) for key, it in again.items()} == {key: spec_of(it) for key, it in first.items()}
    helm("uninstall", RELEASE)
    assert objects(kubernetes, home).keys() == before.keys()


def test_another_kind_takes_the_place_of_the_first(kubernetes: Cluster) -> None:
    kubernetes.make(namespace("kinds"))
    for name in ("minimal", "static", "minimal"):
        values = path_of(name)
        done = kubernetes.helm(4, "upgrade", "--install", RELEASE, CHART, "--values", values, "--namespace", "kinds")
        assert done.returncode == 0, done.stderr
        kinds = {kind for kind, _ in objects(kubernetes, "kinds")}
        assert ("StatefulSet" in kinds, "Deployment" in kinds) == (name == "static", name != "static")


def objects(kubernetes: Cluster, home: str) -> dict[tuple[str, str], Manifest]:
    """All that is in a namespace but helm's own records."""
    listed = json.loads(kubernetes.kubectl("get", f"{KINDS},{CUSTOM}", "--namespace", home, "--output=json").stdout)[
        "items"
    ]
    return {(it["kind"], it["metadata"]["name"]): it for it in listed if it.get("type") != "helm.sh/release.v1"}


def made_by(name: str) -> set[tuple[str, str]]:
    return {
        (it["kind"], it["metadata"]["name"])
        for it in yaml.safe_load_all(text_of(name))
        if "helm.sh/hook" not in it["metadata"].get("annotations", {}) and it["metadata"]["namespace"] == NAMESPACE
    }


def spec_of(manifest: Manifest) -> Any:
    return {key: value for key, value in manifest.items() if key not in ("metadata", "status")}
