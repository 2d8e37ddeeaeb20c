"""What the chart renders the product accepts, for each value set; and each of the product's settings can be given."""

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from confluent_kafka import Consumer

from consumer import app, settings
from consumer.avro.schema_files import known_schemas
from consumer.contract.loader import load_contracts
from consumer.kafka.client_config import consumer_config
from consumer.settings import NAMES, SECRETS, Settings
from tests.chart.mounting import environment
from tests.chart.rendering import CHART, SETS, made_of, main_container, only, pods, rendered, workload

EACH = pytest.mark.parametrize("name", SETS)
SCHEMA = json.loads((CHART / "values.schema.json").read_text())["properties"]["settings"]["properties"]
FROM_THE_POD = {"KAFKA_GROUP_INSTANCE_ID"}


@EACH
def test_the_product_accepts_what_is_rendered(name: str, tmp_path: Path) -> None:
    for kind, pod in pods(rendered(name)):
        environ = environment(rendered(name), pod, name, tmp_path / kind)
        assert settings.suspicious(environ) == []
        made = settings.load(environ=environ)
        assert made.write_keys
        if made.schemas_dir:
            assert load_contracts(made.schemas_dir)
            known_schemas(made.avro_framing, made.schemas_dir)


@EACH
def test_librdkafka_accepts_what_the_product_makes_of_it(name: str, tmp_path: Path) -> None:
    pod = workload(rendered(name))["spec"]["template"]["spec"]
    made = settings.load(environ=environment(rendered(name), pod, name, tmp_path))
    options = consumer_config(made.kafka_bootstrap_servers, made.kafka_group_id, app.kafka_options(made))
    Consumer({**options, "log_level": 0}).close()


@EACH
def test_a_pod_has_the_time_that_a_hand_over_takes(name: str, tmp_path: Path) -> None:
    pod = workload(rendered(name))["spec"]["template"]["spec"]
    made = settings.load(environ=environment(rendered(name), pod, name, tmp_path))
    assert pod["terminationGracePeriodSeconds"] >= made.shutdown_timeout_seconds + 5
    assert main_container(pod)["ports"][0]["containerPort"] == made.http_port
    assert only(rendered(name), "Service")["spec"]["ports"][0]["port"] == made.http_port


def test_each_setting_is_given_by_some_value_set() -> None:
    given = {
        entry["name"].removesuffix("_FILE")
        for name in SETS
        for _, pod in pods(rendered(name))
        for entry in main_container(pod)["env"]
    }
    assert set(NAMES) <= given


def test_the_schema_of_the_values_has_each_setting_and_no_other() -> None:
    keys_alone = {"SEGMENT_WRITE_KEY", "SEGMENT_WRITE_KEYS"}
    assert keys_alone < set(SECRETS)
    assert SCHEMA.keys() == set(NAMES) - keys_alone - FROM_THE_POD


@pytest.mark.parametrize("name", sorted(SCHEMA))
def test_the_schema_knows_the_words_that_a_setting_takes(name: str) -> None:
    words = _words(Settings.model_fields[name.lower()].annotation)
    assert set(SCHEMA[name].get("enum", [])) - {None} == words


def _words(annotation: Any) -> set[str]:
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {word for inner in get_args(annotation) for word in _words(inner)}


def test_what_the_chart_takes_for_defaults_are_the_product_s() -> None:
    made = settings.load(environ={"KAFKA_BOOTSTRAP_SERVERS": "b", "SEGMENT_WRITE_KEY": "wk"})
    manifests = made_of({"keda": {"enabled": True, "partitions": 4}})
    (trigger,) = only(manifests, "ScaledObject")["spec"]["triggers"]
    assert trigger["metadata"]["topic"] == made.kafka_topic
    assert trigger["metadata"]["consumerGroup"] == made.kafka_group_id
    assert (
        main_container(workload(manifests)["spec"]["template"]["spec"])["ports"][0]["containerPort"] == made.http_port
    )


@pytest.mark.parametrize(
    ("name", "bound"),
    [(name, it[end]) for name, it in SCHEMA.items() for end in ("minimum", "maximum") if end in it],
)
def test_the_product_takes_what_the_schema_just_takes(name: str, bound: int) -> None:
    needed = {"KAFKA_BOOTSTRAP_SERVERS": "b", "SEGMENT_WRITE_KEY": "wk", "BATCH_MAX_BYTES": "33000"}
    assert getattr(settings.load(environ={**needed, name: str(bound)}), name.lower()) == bound
