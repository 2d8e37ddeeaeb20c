"""Settings: the values that a user may set, the values that are refused, and the error texts."""

import json
import random
import string
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from consumer.errors import SettingsError
from consumer.model import WriteKey
from consumer.settings import Settings, fingerprint, load, settings_table, validators

REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "SEGMENT_WRITE_KEY": "wk0123456789"}


def loaded(**changes: str) -> Settings:
    return load(environ=REQUIRED | changes)


def mistakes(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ=environ)
    return list(caught.value.lines)


def mistake(**changes: str) -> str:
    (line,) = mistakes(REQUIRED | changes)
    return line


def test_two_variables_are_enough() -> None:
    settings = loaded()
    assert settings.kafka_topic == "sprig.responses"
    assert settings.kafka_group_id == "sprig-to-segment"
    assert settings.kafka_config.get_secret_value() == {}
    assert settings.avro_framing == "raw"
    assert settings.dead_letter_topic == "sprig.responses.dead-letter"
    assert settings.endpoint == "https://api.segment.io/v1/batch"
    assert (settings.batch_max_events, settings.batch_max_bytes, settings.batch_linger_seconds) == (500, 475_000, 0.5)
    assert (settings.max_events_per_second, settings.schemas_dir, settings.schema_registry_url) == (None, None, None)
    assert settings.write_keys == {"": WriteKey("", "wk0123456789")}
    assert settings.write_keys[""].secret == "wk0123456789"


def test_defaults_follow_other_settings() -> None:
    settings = loaded(KAFKA_TOPIC="answers", SCHEMA_REGISTRY_URL="https://registry:8081", SEGMENT_REGION="eu")
    assert settings.dead_letter_topic == "answers.dead-letter"
    assert settings.avro_framing == "confluent"
    assert settings.endpoint == "https://events.eu1.segmentapis.com/v1/batch"
    assert loaded(SCHEMA_REGISTRY_URL="http://r", AVRO_FRAMING="raw").avro_framing == "raw"
    assert loaded(AVRO_FRAMING="single-object").avro_framing == "single-object"
    glue = loaded(SCHEMA_REGISTRY_URL="https://glue.eu-west-1.amazonaws.com", SCHEMA_REGISTRY_TYPE="glue")
    assert glue.avro_framing == "glue"


def test_an_empty_variable_is_not_set() -> None:
    assert loaded(KAFKA_TOPIC="", SEGMENT_WRITE_KEYS="", MAX_EVENTS_PER_SECOND="").kafka_topic == "sprig.responses"
    assert mistake(KAFKA_BOOTSTRAP_SERVERS="") == "KAFKA_BOOTSTRAP_SERVERS: is required"


def test_each_environment_has_its_key_and_its_namespace() -> None:
    keys = {"production": "wkp", "development": "wkd"}
    settings = load(environ={"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEYS": json.dumps(keys)})
    assert {name: key.secret for name, key in settings.write_keys.items()} == keys
    production, development = settings.write_keys.values()
    assert settings.namespace(production) == "4d96840365be32d9"  # printf wkp | sha256sum | cut -c1-16
    assert settings.namespace(development) == fingerprint("wkd")


def test_a_pinned_namespace_outlives_the_key() -> None:
    settings = loaded(MESSAGE_ID_NAMESPACE="pinned")
    assert settings.namespace(settings.write_keys[""]) == "pinned"


@pytest.mark.parametrize(
    "key",
    [
        "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF",  # Segment
        "f3t0abcd4q",  # an old workspace of Segment
        "2aBcDeFgHiJkLmNoPqRsTuVwXyZ",  # RudderStack
        "123e4567-e89b-12d3-a456-426614174000",  # a gateway with UUIDs
        "dGhpcyBpcyBhIGtleQ==",
        "test-production-key",
        "demo-development-key",
        "wk#1",
        "my-key",
        "secret",
        "dummy",
        "k",
    ],
)
def test_keys_of_segment_of_gateways_and_of_stand_ins_are_accepted(key: str) -> None:
    assert loaded(SEGMENT_WRITE_KEY=key).write_keys[""].secret == key


def test_no_random_key_is_a_placeholder() -> None:
    generator, characters = random.Random(1), string.ascii_letters + string.digits
    for length in (10, 32):
        for _ in range(20_000):
            key = "".join(generator.choices(characters, k=length))
            assert validators.write_key(key) == key


@pytest.mark.parametrize(
    "servers",
    [
        "broker:9092",
        "a:9092,b.example:9093, c_1:65535",
        "10.0.0.1:9092",
        "[::1]:9092,[2001:db8::1]:9093",
        "SASL_SSL://a:9092,sasl_ssl://b:9092",
    ],
)
def test_servers_in_each_form_of_the_client_are_accepted(servers: str) -> None:
    settings = loaded(KAFKA_BOOTSTRAP_SERVERS=servers, KAFKA_CONFIG='{"security.protocol": "sasl_ssl"}')
    assert settings.kafka_bootstrap_servers == servers


@pytest.mark.parametrize(("name", "value"), [("BATCH_MAX_EVENTS", "2500"), ("BATCH_MAX_BYTES", "33000")])
def test_limits_are_inclusive(name: str, value: str) -> None:
    assert getattr(loaded(**{name: value}), name.lower()) == int(value)


def test_the_limit_of_the_shutdown_timeout_is_inclusive() -> None:
    assert loaded(SHUTDOWN_TIMEOUT_SECONDS="15").shutdown_timeout_seconds == 15


def test_the_log_level_may_be_in_upper_case() -> None:
    assert loaded(LOG_LEVEL="WARNING").log_level == "warning"


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "[::1]:8080"])
def test_plain_http_stays_on_loopback(host: str) -> None:
    assert loaded(SEGMENT_ENDPOINT=f"http://{host}/v1/batch").endpoint == f"http://{host}/v1/batch"


def test_plain_http_elsewhere_must_be_allowed() -> None:
    url = "http://gateway.internal/v1/batch"
    assert loaded(SEGMENT_ENDPOINT=url, SEGMENT_ALLOW_HTTP="true").endpoint == url


def test_an_endpoint_and_a_region_contradict_each_other() -> None:
    line = mistake(SEGMENT_ENDPOINT="https://gateway/v1/batch", SEGMENT_REGION="us")
    assert line == "SEGMENT_ENDPOINT: SEGMENT_REGION is set too: set only one of the two"


def test_a_key_is_required() -> None:
    assert mistakes({"KAFKA_BOOTSTRAP_SERVERS": "b:1"}) == ["SEGMENT_WRITE_KEYS: this or SEGMENT_WRITE_KEY is required"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"": "wk"}, "an environment must have a name"),
        ({" ": "wk"}, "an environment must have a name"),
        ({"Production": "wk1", "production": "wk2"}, "two environments are the same, because upper and lower case"),
        ({"production": 7}, "each key must be a string"),
        ({"production": ""}, "must be exactly as Segment shows it"),
        ({"production": "wk", "development": "wk"}, "two environments have the same key"),
    ],
)
def test_keys_of_environments_are_checked(keys: dict[str, object], expected: str) -> None:
    (line,) = mistakes({"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEYS": json.dumps(keys)})
    assert line.startswith(f"SEGMENT_WRITE_KEYS: {expected}")


def test_all_mistakes_are_reported_together() -> None:
    wrong = {"KAFKA_TOPIC": "a b", "BATCH_MAX_EVENTS": "x", "SEGMENT_TIMEOUT_SECONDS": "-1", "LOG_FORMAT": "xml"}
    wrong |= {"DEAD_LETTER_TOPIC": "?", "KAFKA_CONFIG": '{"group.id": "x", "enable.auto.commit": true}'}
    names = [line.partition(":")[0] for line in mistakes(wrong)]
    assert names == [
        "KAFKA_BOOTSTRAP_SERVERS",
        "KAFKA_TOPIC",
        "KAFKA_CONFIG",
        "KAFKA_CONFIG",
        "SEGMENT_WRITE_KEYS",
        "SEGMENT_TIMEOUT_SECONDS",
        "BATCH_MAX_EVENTS",
        "DEAD_LETTER_TOPIC",
        "LOG_FORMAT",
    ]


@pytest.mark.parametrize(
    ("changed", "name", "mistake"),
    [
        ({"AVRO_FRAMING": "glue"}, "AVRO_FRAMING", "glue needs SCHEMA_REGISTRY_TYPE=glue, which is confluent"),
        (
            {"SCHEMA_REGISTRY_TYPE": "apicurio", "AVRO_FRAMING": "confluent"},
            "AVRO_FRAMING",
            "confluent needs SCHEMA_REGISTRY_TYPE=confluent, which is apicurio",
        ),
        ({"SCHEMA_REGISTRY_TYPE": "glue"}, "SCHEMA_REGISTRY_CONFIG", "region is required, because the host"),
        (
            {"SCHEMA_REGISTRY_TYPE": "azure"},
            "SCHEMA_REGISTRY_CONFIG",
            "bearer.auth.credentials.source is required by SCHEMA_REGISTRY_TYPE=azure",
        ),
        (
            {"SCHEMA_REGISTRY_TYPE": "apicurio"},
            "AVRO_FRAMING",
            "apicurio needs apicurio.registry.use-id in SCHEMA_REGISTRY_CONFIG",
        ),
        (
            {"SCHEMA_REGISTRY_TYPE": "apicurio", "AVRO_FRAMING": "auto"},
            "AVRO_FRAMING",
            "auto needs apicurio.registry.use-id in SCHEMA_REGISTRY_CONFIG",
        ),
        (
            {"SCHEMA_REGISTRY_URL": "https://glue.eu-west-1.amazonaws.com"},
            "SCHEMA_REGISTRY_TYPE",
            "SCHEMA_REGISTRY_URL has a host of AWS Glue: set SCHEMA_REGISTRY_TYPE=glue",
        ),
        (
            {"SCHEMA_REGISTRY_CONFIG": '{"region": "eu-west-1"}'},
            "SCHEMA_REGISTRY_CONFIG",
            "region is refused: SCHEMA_REGISTRY_TYPE=confluent has no such option",
        ),
    ],
)
def test_the_type_of_the_registry_fits_the_framing_and_the_options(
    changed: dict[str, str], name: str, mistake: str
) -> None:
    (line,) = mistakes(REQUIRED | {"SCHEMA_REGISTRY_URL": "https://registry"} | changed)
    assert line.startswith(f"{name}: {mistake}")


def test_one_mistake_causes_no_second_one() -> None:
    assert len(mistakes(REQUIRED | {"KAFKA_TOPIC": "a b"})) == 1
    assert len(mistakes(REQUIRED | {"SCHEMA_REGISTRY_URL": "nowhere", "AVRO_FRAMING": "confluent"})) == 1
    assert len(mistakes(REQUIRED | {"SEGMENT_ALLOW_HTTP": "?", "SEGMENT_ENDPOINT": "http://gateway"})) == 1
    assert len(mistakes(REQUIRED | {"SEGMENT_WRITE_KEY": "wk 1"})) == 1


def test_the_table_names_every_setting() -> None:
    rows = settings_table().splitlines()
    assert [row.split("`")[1].lower() for row in rows] == list(Settings.model_fields)
    assert "| `BATCH_MAX_EVENTS` | `500` | events in a request, at most 2500 |" in rows
    assert "| `DEAD_LETTER_TOPIC` | `<KAFKA_TOPIC>.dead-letter` | must exist at start where it is used |" in rows
    assert all(row.count(" | ") == 2 for row in rows)


def test_loading_is_quick() -> None:
    """Heavy optional dependencies are not imported; a time is not measured, because machines differ."""
    code = "import sys, consumer.settings; print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(process.stdout.split())
    assert not modules & {"email_validator", "confluent_kafka", "structlog"}


def test_the_directory_of_schemas_is_a_path(tmp_path: Path) -> None:
    assert loaded(SCHEMAS_DIR=str(tmp_path)).schemas_dir == tmp_path
