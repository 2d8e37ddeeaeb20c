"""The service accepts the settings that the chart renders for each value set, and the chart accepts each setting."""

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from confluent_kafka import Consumer

from consumer import factories, settings
from consumer.avro.schema_files import known_schemas
from consumer.contract.loader import load_contracts
from consumer.kafka.client_config import consumer_config
from consumer.settings import NAMES, SECRETS, Settings
from tests.chart.mounting import environment_variables
from tests.chart.rendering import (
    CHART,
    VALUE_SETS,
    main_container,
    member_container,
    only,
    pods,
    render_with,
    rendered,
    workload,
)

EACH_VALUE_SET = pytest.mark.parametrize("value_set", VALUE_SETS)
SCHEMA = json.loads((CHART / "values.schema.json").read_text())["properties"]["settings"]["properties"]
SET_BY_THE_CHART = {"KAFKA_GROUP_INSTANCE_ID"}
REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "SEGMENT_WRITE_KEY": "wk"}


def member_settings(value_set: str, folder: Path) -> Settings:
    pod = workload(rendered(value_set))["spec"]["template"]["spec"]
    return settings.load(environ=environment_variables(rendered(value_set), pod, value_set, folder))


@EACH_VALUE_SET
def test_the_service_accepts_the_rendered_settings(value_set: str, tmp_path: Path) -> None:
    for kind, pod in pods(rendered(value_set)):
        environ = environment_variables(rendered(value_set), pod, value_set, tmp_path / kind)
        assert settings.suspicious(environ) == []
        loaded = settings.load(environ=environ)
        assert loaded.write_keys
        if loaded.schemas_dir:
            assert load_contracts(loaded.schemas_dir)
            known_schemas(loaded.avro_framing, loaded.schemas_dir)


@EACH_VALUE_SET
def test_librdkafka_accepts_the_rendered_options(value_set: str, tmp_path: Path) -> None:
    loaded = member_settings(value_set, tmp_path)
    options = consumer_config(loaded.kafka_bootstrap_servers, loaded.kafka_group_id, factories.kafka_options(loaded))
    Consumer({**options, "log_level": 0}).close()


@EACH_VALUE_SET
def test_the_grace_period_of_a_pod_is_long_enough_for_a_drain(value_set: str, tmp_path: Path) -> None:
    pod = workload(rendered(value_set))["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= member_settings(value_set, tmp_path).shutdown_timeout_seconds + 5


@EACH_VALUE_SET
def test_container_and_service_have_the_port_in_the_settings(value_set: str, tmp_path: Path) -> None:
    port = member_settings(value_set, tmp_path).http_port
    assert member_container(rendered(value_set))["ports"][0]["containerPort"] == port
    assert only(rendered(value_set), "Service")["spec"]["ports"][0]["port"] == port


def test_each_setting_is_in_some_value_set() -> None:
    names = {
        entry["name"].removesuffix("_FILE")
        for value_set in VALUE_SETS
        for _, pod in pods(rendered(value_set))
        for entry in main_container(pod)["env"]
    }
    assert set(NAMES) <= names


def test_the_schema_of_the_values_has_exactly_the_settings() -> None:
    only_in_the_secret = {"SEGMENT_WRITE_KEY", "SEGMENT_WRITE_KEYS"}
    assert only_in_the_secret < set(SECRETS)
    assert SCHEMA.keys() == set(NAMES) - only_in_the_secret - SET_BY_THE_CHART


@pytest.mark.parametrize("name", sorted(SCHEMA))
def test_the_schema_has_the_words_of_each_setting(name: str) -> None:
    words = _literal_words(Settings.model_fields[name.lower()].annotation)
    assert set(SCHEMA[name].get("enum", [])) - {None} == words


def _literal_words(annotation: Any) -> set[str]:
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {word for argument in get_args(annotation) for word in _literal_words(argument)}


def test_the_defaults_in_the_chart_are_the_defaults_of_the_service() -> None:
    defaults = settings.load(environ=REQUIRED)
    manifests = render_with({"keda": {"enabled": True, "partitions": 4}})
    (trigger,) = only(manifests, "ScaledObject")["spec"]["triggers"]
    assert trigger["metadata"]["topic"] == defaults.kafka_topic
    assert trigger["metadata"]["consumerGroup"] == defaults.kafka_group_id
    assert member_container(manifests)["ports"][0]["containerPort"] == defaults.http_port


@pytest.mark.parametrize(
    ("name", "bound"),
    [(name, schema[end]) for name, schema in SCHEMA.items() for end in ("minimum", "maximum") if end in schema],
)
def test_the_service_accepts_the_bounds_in_the_schema(name: str, bound: int) -> None:
    environ = {**REQUIRED, "BATCH_MAX_BYTES": "33000", name: str(bound)}
    assert getattr(settings.load(environ=environ), name.lower()) == bound
