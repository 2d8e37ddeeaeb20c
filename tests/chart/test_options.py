"""The effect of single values on the rendered manifests."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.prometheus import run_promtool
from tests.chart.rendering import (
    CHART,
    main_container,
    member_container,
    only,
    render_with,
    rendered,
    try_render,
    workload,
)

RULES = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]


@pytest.mark.parametrize("value_set", ["keda", "argo-cd", "external-scaler"])
def test_replicas_is_not_set_if_something_else_scales(value_set: str) -> None:
    assert "replicas" not in workload(rendered(value_set))["spec"]


def test_replicas_can_be_zero() -> None:
    assert workload(render_with({"replicas": 0}))["spec"]["replicas"] == 0


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_keda_scales_the_workload_up_to_the_number_of_partitions(kind: str) -> None:
    manifests = render_with({"kind": kind}, "keda")
    spec = only(manifests, "ScaledObject")["spec"]
    assert spec["scaleTargetRef"]["kind"] == kind
    assert spec["scaleTargetRef"]["name"] == workload(manifests)["metadata"]["name"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 24)
    (trigger,) = spec["triggers"]
    assert trigger["authenticationRef"]["name"] == only(manifests, "TriggerAuthentication")["metadata"]["name"]
    expected = {"lagThreshold": "20000", "sasl": "scram_sha512", "topic": "surveys.responses"}
    assert trigger["metadata"].items() >= expected.items()


def test_each_member_of_a_stateful_set_has_a_fixed_instance_id() -> None:
    manifests = rendered("static")
    assert workload(manifests)["spec"]["serviceName"] == only(manifests, "Service")["metadata"]["name"]
    (entry,) = [entry for entry in member_container(manifests)["env"] if "valueFrom" in entry]
    assert entry == {"name": "KAFKA_GROUP_INSTANCE_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


def test_a_check_does_not_use_the_instance_id_of_a_member() -> None:
    job = only(render_with({"check": {"enabled": True}}, "static"), "Job")
    assert "KAFKA_GROUP_INSTANCE_ID" not in str(job)


def test_a_check_needs_no_object_that_the_release_creates_later() -> None:
    manifests = rendered("contract-files")
    job = only(manifests, "Job")["spec"]["template"]["spec"]
    hooks = {manifest["metadata"]["name"] for manifest in manifests if "helm.sh/hook" in str(manifest["metadata"])}
    maps = {volume["configMap"]["name"] for volume in job["volumes"] if "configMap" in volume}
    assert maps
    assert maps <= hooks
    assert job["serviceAccountName"] == "default"
    assert main_container(job)["args"] == ["check"]


def test_a_change_of_mounted_contents_starts_new_pods() -> None:
    def annotations(base: str, values: dict[str, Any]) -> dict[str, str]:
        return dict(workload(render_with(values, base))["spec"]["template"]["metadata"]["annotations"])

    contract = {"contract": {"files": {"segment/other.json": "{}"}}}
    assert annotations("contract-files", {}) != annotations("contract-files", contract)
    key = {"secret": {"plain": {"SEGMENT_WRITE_KEY": "wk2"}}}
    assert annotations("trial", {}) != annotations("trial", key)


@pytest.mark.parametrize(
    ("value_set", "ports"),
    [
        ("locked-down", [443, 9094, 9095, 9092, 9093, 8443]),
        ("gateway", [443, 9092, 8081, 8088]),
        ("msk-iam", [443, 9098, 8081]),
    ],
)
def test_egress_is_allowed_to_the_addresses_in_the_settings(value_set: str, ports: list[int]) -> None:
    dns, services, *_ = only(rendered(value_set), "NetworkPolicy")["spec"]["egress"]
    assert {rule["port"] for rule in dns["ports"]} == {53}
    assert [rule["port"] for rule in services["ports"]] == ports


def test_by_default_all_egress_and_no_ingress_is_allowed() -> None:
    spec = only(rendered("minimal"), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == []


MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
OTHER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}}}


@pytest.mark.parametrize(
    ("values", "sources"),
    [
        ({"podMonitor": {"enabled": True}}, [MONITORING]),
        ({"serviceMonitor": {"enabled": True}}, [MONITORING]),
        ({"serviceMonitor": {"enabled": True}, "networkPolicy": {"from": [OTHER]}}, [OTHER]),
        ({"networkPolicy": {"from": [OTHER]}}, [OTHER]),  # a Prometheus without monitors
    ],
)
def test_ingress_is_allowed_to_http_from_who_scrapes(values: dict[str, Any], sources: list[Any]) -> None:
    (rule,) = only(render_with(values), "NetworkPolicy")["spec"]["ingress"]
    assert rule == {"ports": [{"protocol": "TCP", "port": "http"}], "from": sources}


@pytest.mark.parametrize(
    ("values", "job_matcher"),
    [
        ({}, ""),
        ({"podMonitor": {"enabled": True}}, ',job="surveys/sprig-sprig-to-segment"'),
        ({"serviceMonitor": {"enabled": True}}, ',job="sprig-sprig-to-segment"'),
    ],
)
def test_the_alerts_of_the_file_are_adapted_to_the_release(
    values: dict[str, Any], job_matcher: str, tmp_path: Path
) -> None:
    enabled = {"prometheusRule": {"enabled": True, "retentionHours": 72}, **values}
    rule = only(render_with(enabled), "PrometheusRule")
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rule["spec"]))
    run_promtool("check", "rules", path)
    absent = f'absent(sprig_to_segment_group_member{{namespace="surveys"{job_matcher}}})'
    expected = yaml.safe_dump(RULES).replace("absent(sprig_to_segment_group_member)", absent)
    assert rule["spec"]["groups"] == yaml.safe_load(expected.replace("302400", "129600"))


def test_the_dashboard_is_the_file() -> None:
    data = only(rendered("monitoring"), "ConfigMap")["data"]
    assert data["sprig-to-segment.json"].strip() == (CHART / "files" / "dashboard.json").read_text().strip()


def test_a_digest_pins_the_image() -> None:
    digest = "sha256:" + "a" * 64
    container = member_container(render_with({"image": {"digest": digest}}))
    assert container["image"] == f"registry.example/sprig-to-segment:0.1.0@{digest}"


def test_large_numbers_and_objects_are_rendered_exactly() -> None:
    values = {entry["name"]: entry["value"] for entry in member_container(rendered("everything"))["env"]}
    assert values["MAX_BUFFERED_BYTES"] == "67108864"
    assert values["SEGMENT_TIMEOUT_SECONDS"] == "12.5"
    assert values["SEGMENT_ALLOW_HTTP"] == "false"
    assert yaml.safe_load(values["KAFKA_CONFIG"])["fetch.min.bytes"] == 65536


def test_extra_objects_are_templates_of_the_release() -> None:
    extra = [manifest for manifest in rendered("everything") if "helm.sh/chart" not in str(manifest["metadata"])]
    assert {manifest["metadata"]["name"] for manifest in extra} == {"sprig-more", "sprig-text"}


def test_a_kubernetes_version_that_is_too_old_is_refused() -> None:
    result = try_render({}, "minimal", "--kube-version", "1.27.0")
    assert "requires kubeVersion: >=1.28.0-0" in result.stderr


def test_null_removes_a_setting_of_another_values_file() -> None:
    env = member_container(render_with({"settings": {"SCHEMA_REGISTRY_URL": None}}))["env"]
    assert {entry["name"] for entry in env} == {"KAFKA_BOOTSTRAP_SERVERS", "SEGMENT_WRITE_KEY_FILE"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCH_LINGER_SECONDS", "0.2"),
        ("SEGMENT_TIMEOUT_SECONDS", "10.5"),
        ("LOG_SUMMARY_SECONDS", "0.5"),
        ("SHUTDOWN_TIMEOUT_SECONDS", "7.5"),
    ],
)
def test_helm_accepts_a_decimal_on_the_command_line(name: str, value: str) -> None:
    """Helm reads a decimal of `--set` as a string."""
    result = try_render({}, "minimal", "--set", f"settings.{name}={value}")
    assert result.returncode == 0, result.stderr
    assert {"name": name, "value": value} in member_container(tuple(yaml.safe_load_all(result.stdout)))["env"]


@pytest.mark.parametrize(
    "option", ["BATCH_LINGER_SECONDS=0.0", "BATCH_LINGER_SECONDS=.", "SHUTDOWN_TIMEOUT_SECONDS=5.0"]
)
def test_helm_refuses_a_decimal_that_the_service_would_refuse(option: str) -> None:
    result = try_render({}, "minimal", "--set", f"settings.{option}")
    assert result.returncode
    assert f"/settings/{option.partition('=')[0]}" in result.stderr
