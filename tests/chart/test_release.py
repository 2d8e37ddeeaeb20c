"""The objects of a release select exactly each other, and Kubernetes accepts their names."""

from typing import Any

import pytest

from tests.chart.rendering import (
    NAMESPACE,
    VALUE_SETS,
    Manifest,
    main_container,
    only,
    render_with,
    rendered,
    workload,
)

EACH_VALUE_SET = pytest.mark.parametrize("value_set", VALUE_SETS)


def selector_labels(manifest: Manifest) -> Any:
    """The labels by which a manifest selects pods or a Service; None if it selects nothing."""
    match manifest:
        case {"kind": "Service", "spec": {"selector": labels}} | {"spec": {"podSelector": {"matchLabels": labels}}}:
            return labels
        case {"spec": {"selector": {"matchLabels": labels}}}:
            return labels


@EACH_VALUE_SET
def test_each_selector_matches_the_members(value_set: str) -> None:
    pod_labels = workload(rendered(value_set))["spec"]["template"]["metadata"]["labels"]
    selected_labels = {"ServiceMonitor": only(rendered(value_set), "Service")["metadata"]["labels"]}
    for manifest in rendered(value_set):
        selector = selector_labels(manifest)
        if selector:
            assert "helm.sh/chart" not in selector
            assert selector.items() <= selected_labels.get(manifest["kind"], pod_labels).items()


@EACH_VALUE_SET
def test_the_selector_of_the_workload_matches_no_check(value_set: str) -> None:
    selector = workload(rendered(value_set))["spec"]["selector"]["matchLabels"]
    for manifest in rendered(value_set):
        if manifest["kind"] == "Job":
            assert not selector.items() <= manifest["spec"]["template"]["metadata"]["labels"].items()
        if manifest["kind"] == "Pod":
            assert not selector.items() <= manifest["metadata"]["labels"].items()


@EACH_VALUE_SET
def test_names_are_unique_and_in_the_namespace_of_the_release(value_set: str) -> None:
    manifests = [
        manifest for manifest in rendered(value_set) if "helm.sh/chart" in manifest["metadata"].get("labels", {})
    ]
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(set(names)) == len(names)
    assert {manifest["metadata"]["namespace"] for manifest in manifests} <= {NAMESPACE, "grafana"}


def test_pods_and_container_have_the_names_that_the_runbook_uses() -> None:
    template = workload(rendered("minimal"))["spec"]["template"]
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "sprig-to-segment"
    assert main_container(template["spec"])["name"] == "sprig-to-segment"


@pytest.mark.parametrize("fullname", ["a" * 63, "a" * 51 + "-b"])  # the 52nd character of the second is a hyphen
def test_long_names_are_cut_to_lengths_that_kubernetes_accepts(fullname: str) -> None:
    # The pods of a StatefulSet have a label with its name and ten more characters.
    maximum = {"Deployment": 52, "StatefulSet": 52}
    for manifest in render_with({"fullnameOverride": fullname, "check": {"enabled": True}}):
        assert len(manifest["metadata"]["name"]) <= maximum.get(manifest["kind"], 63)
        assert not manifest["metadata"]["name"].endswith("-")


def test_members_are_spread_over_nodes_and_over_zones() -> None:
    """One constraint only: the scheduler ignores nodes without the labels of all constraints, often that of a zone."""
    manifest = workload(rendered("minimal"))
    pod = manifest["spec"]["template"]["spec"]
    (constraint,) = pod["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert constraint["labelSelector"] == manifest["spec"]["selector"]
    (preference,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preference["podAffinityTerm"] == {
        "topologyKey": "topology.kubernetes.io/zone",
        "labelSelector": manifest["spec"]["selector"],
    }


def test_an_affinity_in_the_values_replaces_that_of_the_chart() -> None:
    affinity: Manifest = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    assert workload(render_with({"affinity": affinity}))["spec"]["template"]["spec"]["affinity"] == affinity
