"""`settings`: value and source of each setting, with every secret masked; mistakes in place of settings."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from consumer.cli.main import main
from consumer.settings import NAMES

SECRET = "hush7391"
REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "SEGMENT_WRITE_KEY": f"{SECRET}0123456789abcdefghijklmn"}
OPTIONS = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "PLAIN",
    "sasl.username": SECRET,
    "sasl.password": SECRET,
    "session.timeout.ms": 30000,
}


def invoke(*options: str, **environ: str) -> Result:
    result = CliRunner().invoke(main, ["settings", *options], env={**REQUIRED, **environ})
    assert SECRET not in result.output
    return result


def settings_of(*options: str, **environ: str) -> dict[str, Any]:
    result = invoke("--json", *options, **environ)
    assert result.exit_code == 0, result.output
    (line,) = result.output.splitlines()
    settings: dict[str, Any] = json.loads(line)["settings"]
    return settings


def test_each_setting_has_its_value_and_its_source(tmp_path: Path) -> None:
    env_file, secret_file = tmp_path / "test.env", tmp_path / "options.json"
    secret_file.write_text(json.dumps(OPTIONS))
    env_file.write_text(f"KAFKA_TOPIC=answers\nKAFKA_CONFIG_FILE={secret_file}\nLOG_LEVEL=debug\n")
    settings = settings_of("--env-file", str(env_file), LOG_LEVEL="warning", BATCH_LINGER_SECONDS="2")
    assert list(settings) == list(NAMES)
    assert settings["KAFKA_TOPIC"] == {"value": "answers", "source": str(env_file)}
    assert settings["DEAD_LETTER_TOPIC"] == {"value": "answers.dead-letter", "source": "default"}
    assert settings["LOG_LEVEL"] == {"value": "warning", "source": "environment"}
    assert settings["BATCH_LINGER_SECONDS"] == {"value": 2, "source": "environment"}
    assert settings["SEGMENT_WRITE_KEY"] == {"value": "****", "source": "environment"}
    assert settings["SEGMENT_WRITE_KEYS"] == {"value": None, "source": "default"}
    assert settings["KAFKA_CONFIG"] == {
        "value": {**OPTIONS, "sasl.username": "****", "sasl.password": "****"},
        "source": f"{env_file}, KAFKA_CONFIG_FILE: {secret_file}",
    }


def test_a_setting_without_a_value_is_none_in_the_table() -> None:
    (line,) = (line for line in invoke().output.splitlines() if line.startswith("NO_PROXY"))
    assert line.split()[-1] == "none"


@pytest.mark.parametrize(
    ("environ", "region", "endpoint"),
    [
        ({}, "us", "https://api.segment.io/v1/batch"),
        ({"SEGMENT_REGION": "eu"}, "eu", "https://events.eu1.segmentapis.com/v1/batch"),
        ({"SEGMENT_ENDPOINT": "https://gateway/v1/batch"}, None, "https://gateway/v1/batch"),
    ],
)
def test_region_and_endpoint_are_those_that_count(environ: dict[str, str], region: str | None, endpoint: str) -> None:
    settings = settings_of(**environ)
    assert (settings["SEGMENT_REGION"]["value"], settings["SEGMENT_ENDPOINT"]["value"]) == (region, endpoint)


def test_environments_are_shown_and_their_keys_are_not() -> None:
    keys = json.dumps({"production": SECRET, "development": f"{SECRET}2"})
    settings = settings_of(SEGMENT_WRITE_KEY="", SEGMENT_WRITE_KEYS=keys)
    assert settings["SEGMENT_WRITE_KEYS"]["value"] == {"production": "****", "development": "****"}


def test_an_option_is_masked_unless_it_is_known_to_be_harmless() -> None:
    """A password can be under any name, and a number."""
    config = {"client.id": SECRET, "ssl.key.pem": SECRET, "sasl.oauthbearer.config": SECRET, "client.rack": 73910}
    assert set(settings_of(KAFKA_CONFIG=json.dumps(config))["KAFKA_CONFIG"]["value"].values()) == {"****"}


def test_the_table_has_a_row_for_each_setting_and_the_risks() -> None:
    result = invoke(KAFKA_TOPICS="x", SEGMENT_ACCEPT_ANY_BODY="true")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    names = [line.split()[0] for line in lines if line]
    assert names[2 : 2 + len(NAMES)] == list(NAMES)
    assert "MESSAGE_ID_NAMESPACE          default      the write key's fingerprint" in lines
    assert "SEGMENT_GZIP                  default      false" in lines
    assert "warning: KAFKA_TOPICS is no setting; did you mean KAFKA_TOPIC?" in lines
    assert any(line.startswith("warning: SEGMENT_ACCEPT_ANY_BODY is for gateways") for line in lines)


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"KAFKA_TOPIC": "a b"}, "KAFKA_TOPIC: must be a Kafka topic"),
        ({"KAFKA_CONFIG": '{"no.such.option": 1}'}, 'KAFKA_CONFIG: No such configuration property: "no.such.option"'),
    ],
)
def test_wrong_settings_are_reported_in_place_of_the_table(environ: dict[str, str], line: str) -> None:
    result = invoke(**environ)
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert result.output.startswith(line)
