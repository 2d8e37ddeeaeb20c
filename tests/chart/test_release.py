"""The objects of a release find each other and nothing else, by names that Kubernetes takes."""

from typing import Any

import pytest

from tests.chart.rendering import NAMESPACE, SETS, Manifest, made_of, main_container, only, rendered, workload

EACH = pytest.mark.parametrize("name", SETS)


def selectors(manifest: Manifest) -> Any:
    match manifest:
        case {"kind": "Service", "spec": {"selector": labels}} | {"spec": {"podSelector": {"matchLabels": labels}}}:
            return labels
        case {"spec": {"selector": {"matchLabels": labels}}}:
            return labels


@EACH
def test_whatever_selects_selects_the_members_alone(name: str) -> None:
    labels = workload(rendered(name))["spec"]["template"]["metadata"]["labels"]
    service = only(rendered(name), "Service")["metadata"]["labels"]
    for it in rendered(name):
        if wanted := selectors(it):
            assert "helm.sh/chart" not in wanted
            assert wanted.items() <= (service if it["kind"] == "ServiceMonitor" else labels).items()
        if it["kind"] == "Job":
            assert not wanted_by_members(rendered(name)).items() <= it["spec"]["template"]["metadata"]["labels"].items()
        if it["kind"] == "Pod":
            assert not wanted_by_members(rendered(name)).items() <= it["metadata"]["labels"].items()


def wanted_by_members(manifests: tuple[Manifest, ...]) -> Any:
    return workload(manifests)["spec"]["selector"]["matchLabels"]


@EACH
def test_names_are_told_apart_and_stand_in_the_release_s_namespace(name: str) -> None:
    manifests = [it for it in rendered(name) if "helm.sh/chart" in it["metadata"].get("labels", {})]
    names = [(it["kind"], it["metadata"]["name"]) for it in manifests]
    assert len(set(names)) == len(names)
    assert {it["metadata"]["namespace"] for it in manifests} <= {NAMESPACE, "grafana"}


def test_the_runbook_finds_the_pods_and_their_container() -> None:
    template = workload(rendered("minimal"))["spec"]["template"]
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "sprig-to-segment"
    assert main_container(template["spec"])["name"] == "sprig-to-segment"


def test_a_release_of_any_name_makes_names_that_kubernetes_takes() -> None:
    for full in ("a" * 63, "a" * 51 + "-b"):  # at the 52nd letter is a hyphen
        for it in made_of({"fullnameOverride": full, "check": {"enabled": True}}):
            # A StatefulSet's pods have its name and ten letters in a label.
            assert len(it["metadata"]["name"]) <= (52 if it["kind"] in ("Deployment", "StatefulSet") else 63)
            assert not it["metadata"]["name"].endswith("-")


def test_spread_is_by_the_members() -> None:
    manifest = workload(rendered("minimal"))
    for it in manifest["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        assert it["labelSelector"] == manifest["spec"]["selector"]
