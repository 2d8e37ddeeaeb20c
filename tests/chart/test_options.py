"""What single values do."""

from typing import Any

import pytest
import yaml

from tests.chart.prometheus import checked
from tests.chart.rendering import CHART, attempt, made_of, main_container, only, rendered, workload

RULES = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]


@pytest.mark.parametrize("name", ["keda", "argo-cd", "external-scaler"])
def test_replicas_are_left_to_what_scales(name: str) -> None:
    assert "replicas" not in workload(rendered(name))["spec"]


def test_none_at_all_is_a_number_of_members() -> None:
    assert workload(made_of({"replicas": 0}))["spec"]["replicas"] == 0


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_keda_scales_what_is_there_up_to_the_partitions(kind: str) -> None:
    manifests = made_of({"kind": kind}, "keda")
    spec = only(manifests, "ScaledObject")["spec"]
    assert spec["scaleTargetRef"]["kind"] == kind
    assert spec["scaleTargetRef"]["name"] == workload(manifests)["metadata"]["name"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 24)
    (trigger,) = spec["triggers"]
    assert trigger["authenticationRef"]["name"] == only(manifests, "TriggerAuthentication")["metadata"]["name"]
    assert (
        trigger["metadata"].items()
        >= {"lagThreshold": "20000", "sasl": "scram_sha512", "topic": "surveys.responses"}.items()
    )


def test_each_member_of_a_stateful_set_keeps_its_name() -> None:
    manifests = rendered("static")
    assert workload(manifests)["spec"]["serviceName"] == only(manifests, "Service")["metadata"]["name"]
    (entry,) = [
        it for it in main_container(workload(manifests)["spec"]["template"]["spec"])["env"] if "valueFrom" in it
    ]
    assert entry == {"name": "KAFKA_GROUP_INSTANCE_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


def test_a_check_does_not_take_the_name_of_a_member() -> None:
    job = only(made_of({"check": {"enabled": True}}, "static"), "Job")
    assert "KAFKA_GROUP_INSTANCE_ID" not in str(job)


def test_a_check_needs_nothing_that_the_release_makes_later() -> None:
    job = only(rendered("contract-files"), "Job")["spec"]["template"]["spec"]
    before = {it["metadata"]["name"] for it in rendered("contract-files") if "helm.sh/hook" in str(it["metadata"])}
    maps = {volume["configMap"]["name"] for volume in job["volumes"] if "configMap" in volume}
    assert maps
    assert maps <= before
    assert job["serviceAccountName"] == "default"
    assert main_container(job)["args"] == ["check"]


def test_what_is_mounted_and_changes_starts_new_pods() -> None:
    def annotations(base: str, values: dict[str, Any]) -> dict[str, str]:
        return dict(workload(made_of(values, base))["spec"]["template"]["metadata"]["annotations"])

    other = {"contract": {"files": {"segment/other.json": "{}"}}}
    assert annotations("contract-files", {}) != annotations("contract-files", other)
    key = {"secret": {"plain": {"SEGMENT_WRITE_KEY": "wk2"}}}
    assert annotations("trial", {}) != annotations("trial", key)


@pytest.mark.parametrize(
    ("name", "ports"),
    [
        ("locked-down", [443, 9094, 9095, 9092, 9093, 8443]),
        ("gateway", [443, 9092, 8081, 8088]),
        ("msk-iam", [443, 9098, 8081]),
    ],
)
def test_what_the_settings_name_can_be_reached(name: str, ports: list[int]) -> None:
    dns, named, *_ = only(rendered(name), "NetworkPolicy")["spec"]["egress"]
    assert {it["port"] for it in dns["ports"]} == {53}
    assert [it["port"] for it in named["ports"]] == ports


def test_without_a_word_about_it_everything_may_go_out_and_only_http_comes_in() -> None:
    spec = only(rendered("minimal"), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": "http"}]}]


@pytest.mark.parametrize(
    ("values", "of"),
    [
        ({}, ""),
        ({"podMonitor": {"enabled": True}}, ',job="surveys/sprig-sprig-to-segment"'),
        ({"serviceMonitor": {"enabled": True}}, ',job="sprig-sprig-to-segment"'),
    ],
)
def test_the_alerts_are_those_of_the_file_for_this_release(values: dict[str, Any], of: str, tmp_path: Any) -> None:
    rule = only(made_of({"prometheusRule": {"enabled": True, "retentionHours": 72}, **values}), "PrometheusRule")
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rule["spec"]))
    checked("check", "rules", path)
    absent = f'absent(sprig_to_segment_group_member{{namespace="surveys"{of}}})'
    expected = (
        yaml.safe_dump(RULES).replace("absent(sprig_to_segment_group_member)", absent).replace("302400", "129600")
    )
    assert rule["spec"]["groups"] == yaml.safe_load(expected)


def test_the_dashboard_is_the_file() -> None:
    data = only(rendered("monitoring"), "ConfigMap")["data"]
    assert data["sprig-to-segment.json"].strip() == (CHART / "files" / "dashboard.json").read_text().strip()


def test_an_image_is_pinned_by_its_digest() -> None:
    container = main_container(
        workload(made_of({"image": {"digest": "sha256:" + "a" * 64}}))["spec"]["template"]["spec"]
    )
    assert container["image"] == "registry.example/sprig-to-segment:0.1.0@sha256:" + "a" * 64


def test_large_numbers_and_lists_of_options_are_given_as_they_are() -> None:
    env = main_container(workload(rendered("everything"))["spec"]["template"]["spec"])["env"]
    given = {it["name"]: it["value"] for it in env}
    assert given["MAX_BUFFERED_BYTES"] == "67108864"
    assert given["SEGMENT_TIMEOUT_SECONDS"] == "12.5"
    assert given["SEGMENT_ALLOW_HTTP"] == "false"
    assert yaml.safe_load(given["KAFKA_CONFIG"])["fetch.min.bytes"] == 65536


def test_further_objects_know_the_release() -> None:
    made = {it["metadata"]["name"] for it in rendered("everything") if "helm.sh/chart" not in str(it["metadata"])}
    assert made == {"sprig-more", "sprig-text"}


def test_a_kubernetes_that_is_too_old_is_refused() -> None:
    done = attempt({}, "minimal", "--kube-version", "1.27.0")
    assert "requires kubeVersion: >=1.28.0-0" in done.stderr


def test_a_setting_of_another_values_file_can_be_taken_back() -> None:
    env = main_container(workload(made_of({"settings": {"SCHEMA_REGISTRY_URL": None}}))["spec"]["template"]["spec"])[
        "env"
    ]
    assert {it["name"] for it in env} == {"KAFKA_BOOTSTRAP_SERVERS", "SEGMENT_WRITE_KEY_FILE"}
