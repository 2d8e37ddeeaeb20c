"""Settings: the values that a user may set, the values that are refused, and the error texts."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from consumer.errors import SettingsError
from consumer.model import WriteKey
from consumer.settings import Settings, fingerprint, load, settings_table

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


def test_an_empty_variable_is_not_set() -> None:
    assert loaded(KAFKA_TOPIC="", SEGMENT_WRITE_KEYS="", MAX_EVENTS_PER_SECOND="").kafka_topic == "sprig.responses"
    assert mistake(KAFKA_BOOTSTRAP_SERVERS="") == "KAFKA_BOOTSTRAP_SERVERS: is required"


def test_each_environment_has_its_key_and_its_namespace() -> None:
    keys = {"production": "wkp", "development": "wkd"}
    settings = load(environ={"KAFKA_BOOTSTRAP_SERVERS": "b", "SEGMENT_WRITE_KEYS": json.dumps(keys)})
    assert {name: key.secret for name, key in settings.write_keys.items()} == keys
    production, development = settings.write_keys.values()
    assert settings.namespace(production) == "4d96840365be32d9"  # printf wkp | sha256sum | cut -c1-16
    assert settings.namespace(development) == fingerprint("wkd")


def test_a_pinned_namespace_outlives_the_key() -> None:
    settings = loaded(MESSAGE_ID_NAMESPACE="pinned")
    assert settings.namespace(settings.write_keys[""]) == "pinned"


RULES = [
    ("KAFKA_BOOTSTRAP_SERVERS", "a:1,,b:2", "must be host:port, with commas"),
    ("KAFKA_TOPIC", "^sprig.*", "must be a Kafka topic"),
    ("KAFKA_TOPIC", "..", "must be a Kafka topic"),
    ("KAFKA_AUTO_OFFSET_RESET", "latest", "must be 'earliest' or 'error'"),
    ("KAFKA_CONFIG", "not json", "must be a JSON object"),
    ("KAFKA_CONFIG", '["a"]', "must be a JSON object"),
    ("KAFKA_CONFIG", '{"client.id": "a", "client.id": "b"}', "the name at line 1, column 20 is there twice"),
    ("SEGMENT_WRITE_KEYS", '{"live": "a", "live": "b"}', "the name at line 1, column 15 is there twice"),
    ("KAFKA_CONFIG", '{"a": {"b": 1}}', "each option must be a string, a number, true or false"),
    ("SCHEMA_REGISTRY_CONFIG", '{"url": "http://r"}', "url is refused: set SCHEMA_REGISTRY_URL"),
    ("SCHEMA_REGISTRY_URL", "registry:8081", "must be a URL"),
    ("SCHEMA_REGISTRY_URL", "https://me:secret@registry", "must have no user or password"),
    ("SCHEMA_REGISTRY_URL", "https://me:se?cret@registry", "must have no user or password"),
    ("SCHEMA_REGISTRY_URL", "https://me:secret", "must have a number for its port"),
    ("AVRO_FRAMING", "confluent", "confluent needs SCHEMA_REGISTRY_URL"),
    ("AVRO_FRAMING", "confluent-header", "confluent-header needs SCHEMA_REGISTRY_URL"),
    ("AVRO_FRAMING", "auto", "without a registry only raw and single-object are possible"),
    ("AVRO_FRAMING", "json", "must be 'confluent', 'confluent-header', 'single-object', 'auto' or 'raw'"),
    ("SCHEMAS_DIR", "/no/such/place", "must be an existing directory"),
    ("SEGMENT_WRITE_KEY", "wk 1", "must be printable ASCII"),
    ("SEGMENT_WRITE_KEY", "wk1\n", "must be printable ASCII"),
    ("SEGMENT_WRITE_KEYS", '{"production": "wk"}', "SEGMENT_WRITE_KEY is set too"),
    ("SEGMENT_REGION", "moon", "must be 'us' or 'eu'"),
    ("SEGMENT_ENDPOINT", "http://gateway/v1/batch", "must be https"),
    ("SEGMENT_ENDPOINT", "https://me@gateway/v1/batch", "must have no user or password"),
    ("SEGMENT_ENDPOINT", "https://gateway/v1/batch?key=1", "must have no query"),
    ("SEGMENT_ENDPOINT", "ftp://gateway", "must be a URL"),
    ("SEGMENT_TIMEOUT_SECONDS", "0", "must be above 0"),
    ("SEGMENT_TIMEOUT_SECONDS", "inf", "must be a finite number"),
    ("SEGMENT_GZIP", "perhaps", "must be true or false"),
    ("BATCH_MAX_EVENTS", "0", "must be at least 1"),
    ("BATCH_MAX_EVENTS", "many", "must be a whole number"),
    ("BATCH_MAX_BYTES", "32999", "must be at least 33000"),
    ("BATCH_MAX_BYTES", "500001", "must be at most 500000"),
    ("BATCH_LINGER_SECONDS", "-1", "must be above 0"),
    ("MAX_EVENTS_PER_SECOND", "0", "must be at least 1"),
    ("MAX_REQUESTS_IN_FLIGHT", "0", "must be at least 1"),
    ("MAX_BUFFERED_BYTES", "100000", "must be at least BATCH_MAX_BYTES"),
    ("ON_REJECTED", "drop", "must be 'dead-letter', 'block' or 'skip'"),
    ("ON_UNKNOWN_RECORD", "drop", "must be 'dead-letter', 'block' or 'skip'"),
    ("DEAD_LETTER_TOPIC", "sprig.responses", "must not be KAFKA_TOPIC"),
    ("MAX_CONSECUTIVE_DEAD_LETTERS", "0", "must be at least 1"),
    ("MAX_CONSECUTIVE_REFUSALS", "1.5", "must be a whole number"),
    ("HTTP_PORT", "65536", "must be at most 65535"),
    ("LOG_FORMAT", "xml", "must be 'json' or 'console'"),
    ("LOG_LEVEL", "loud", "must be 'debug', 'info', 'warning' or 'error'"),
    ("SHUTDOWN_TIMEOUT_SECONDS", "14", "must be at least 5 more than SEGMENT_TIMEOUT_SECONDS: a drain waits"),
]


@pytest.mark.parametrize(("name", "value", "expected"), RULES)
def test_a_wrong_value_is_one_line_that_explains(name: str, value: str, expected: str) -> None:
    line = mistake(**{name: value})
    assert line.startswith(f"{name}: ")
    assert expected in line


def test_the_limit_of_a_batch_has_its_reason() -> None:
    line = mistake(BATCH_MAX_EVENTS="2501")
    assert line == "BATCH_MAX_EVENTS: must be at most 2500: Segment answers 200 to larger batches and drops them"


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
    assert mistakes({"KAFKA_BOOTSTRAP_SERVERS": "b"}) == ["SEGMENT_WRITE_KEYS: this or SEGMENT_WRITE_KEY is required"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"": "wk"}, "an environment must have a name"),
        ({" ": "wk"}, "an environment must have a name"),
        ({"Production": "wk1", "production": "wk2"}, "two environments are the same, because upper and lower case"),
        ({"production": 7}, "each key must be a string"),
        ({"production": ""}, "must be printable ASCII"),
        ({"production": "wk", "development": "wk"}, "two environments have the same key"),
    ],
)
def test_keys_of_environments_are_checked(keys: dict[str, object], expected: str) -> None:
    (line,) = mistakes({"KAFKA_BOOTSTRAP_SERVERS": "b", "SEGMENT_WRITE_KEYS": json.dumps(keys)})
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
