"""The sources of settings: variables, env files, files with secrets. No output shows a secret."""

import traceback
from pathlib import Path

import pytest

from consumer.errors import SettingsError
from consumer.settings import Settings, load, suspicious

REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "SEGMENT_WRITE_KEY": "wk0123456789"}
SECRET = "hush-7391"


def write_file(folder: Path, text: str) -> Path:
    path = folder / "file"
    path.write_text(text)
    return path


def refused(environ: dict[str, str], env_file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(env_file, environ)
    return list(caught.value.lines)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_may_be_in_a_file(tmp_path: Path, end: str) -> None:
    path = write_file(tmp_path, "wk77" + end)
    settings = load(environ={"KAFKA_BOOTSTRAP_SERVERS": "b", "SEGMENT_WRITE_KEY_FILE": str(path)})
    assert settings.write_keys[""].secret == "wk77"


@pytest.mark.parametrize("name", ["KAFKA_CONFIG", "SCHEMA_REGISTRY_CONFIG"])
def test_options_are_secrets_too(tmp_path: Path, name: str) -> None:
    path = write_file(tmp_path, '{"sasl.password": "p", "retries": 3}\n')
    settings = load(environ=REQUIRED | {f"{name}_FILE": str(path)})
    assert getattr(settings, name.lower()).get_secret_value() == {"sasl.password": "p", "retries": 3}


def test_a_secret_that_is_set_twice_is_one_mistake(tmp_path: Path) -> None:
    lines = refused(REQUIRED | {"SEGMENT_WRITE_KEY_FILE": str(write_file(tmp_path, "wk"))})
    assert lines == ["SEGMENT_WRITE_KEY: SEGMENT_WRITE_KEY_FILE is set too: set only one of the two"]


def test_an_unreadable_secret_is_one_mistake(tmp_path: Path) -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "b", "SEGMENT_WRITE_KEY_FILE": str(tmp_path / "none")}
    (line,) = refused(environ)
    assert line == "SEGMENT_WRITE_KEY: the file of SEGMENT_WRITE_KEY_FILE cannot be read: No such file or directory"
    assert "is empty" in refused(environ | {"SEGMENT_WRITE_KEY_FILE": str(write_file(tmp_path, "\n"))})[0]


def test_an_env_file_is_read_like_container_tools_read_it(tmp_path: Path) -> None:
    path = write_file(
        tmp_path,
        "# a comment\n\nKAFKA_BOOTSTRAP_SERVERS = broker:9092\nSEGMENT_WRITE_KEY='wk#1'\n"
        'KAFKA_CONFIG={"client.id": "a b"}\nLOG_FORMAT=\n',
    )
    settings = load(path, {})
    assert (settings.kafka_bootstrap_servers, settings.write_keys[""].secret, settings.log_format) == (
        "broker:9092",
        "wk#1",
        "json",
    )
    assert settings.kafka_config.get_secret_value() == {"client.id": "a b"}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write_file(tmp_path, "KAFKA_TOPIC=file\nKAFKA_GROUP_ID=file\n")
    settings = load(path, REQUIRED | {"KAFKA_TOPIC": "environment"})
    assert (settings.kafka_topic, settings.kafka_group_id) == ("environment", "file")


def test_an_unknown_name_in_an_env_file_is_a_mistake(tmp_path: Path) -> None:
    path = write_file(tmp_path, f"KAFKA_TOPICS=x\nKAFKA_TOPIC_FILE=x\n{SECRET}\n{SECRET}==\n")
    assert refused(REQUIRED, path) == [
        f"{path}:1: KAFKA_TOPICS is no setting; did you mean KAFKA_TOPIC?",
        f"{path}:2: KAFKA_TOPIC_FILE is no setting; did you mean KAFKA_TOPIC?",
        f"{path}:3: must be NAME=value",
        f"{path}:4: must be NAME=value",
    ]


def test_an_env_file_must_exist(tmp_path: Path) -> None:
    assert refused(REQUIRED, tmp_path / "none") == [f"{tmp_path / 'none'}: cannot be read: No such file or directory"]


def test_near_misses_in_the_environment_are_suspicious() -> None:
    environ = REQUIRED | {
        "SEGMENT_WRITEKEY": SECRET,
        "KAFKA_TOPICS": "x",
        "PATH": "/bin",
        "KAFKA_PORT": "tcp://1.2.3.4",
    }
    assert load(environ=environ)
    assert suspicious(environ) == [
        "KAFKA_TOPICS is no setting; did you mean KAFKA_TOPIC?",
        "SEGMENT_WRITEKEY is no setting; did you mean SEGMENT_WRITE_KEY?",
    ]
    assert suspicious(REQUIRED | {"SEGMENT_WRITE_KEY_FILE": "f"}) == []


def with_secrets() -> Settings:
    options = f'{{"sasl.password": "{SECRET}"}}'
    keys = f'{{"production": "{SECRET}"}}'
    return load(
        environ={
            "KAFKA_BOOTSTRAP_SERVERS": "b",
            "SEGMENT_WRITE_KEYS": keys,
            "KAFKA_CONFIG": options,
            "SCHEMA_REGISTRY_CONFIG": options,
        }
    )


def test_settings_show_no_secret() -> None:
    settings = with_secrets()
    shown = [
        repr(settings),
        str(settings),
        repr(vars(settings)),
        repr(settings.model_dump()),
        settings.model_dump_json(),
        f"{settings}",
    ]
    assert not [text for text in shown if SECRET in text]
    assert SECRET not in repr(settings.write_keys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEGMENT_WRITE_KEY", f"{SECRET} {SECRET}"),
        ("SEGMENT_WRITE_KEYS", f'{{"production": {SECRET}}}'),
        ("SEGMENT_WRITE_KEYS", f'{{"production": ["{SECRET}"]}}'),
        ("KAFKA_CONFIG", f'{{"sasl.password": "{SECRET}"'),
        ("KAFKA_CONFIG", f'{{"sasl.password": ["{SECRET}"]}}'),
        ("SCHEMA_REGISTRY_CONFIG", f'["{SECRET}"]'),
        ("SCHEMA_REGISTRY_URL", f"https://me:{SECRET}@registry"),
        ("SEGMENT_ENDPOINT", f"https://gateway/?key={SECRET}"),
        ("BATCH_MAX_EVENTS", SECRET),
        ("KAFKA_TOPIC", f"{SECRET} "),
        ("LOG_LEVEL", SECRET),
        ("AVRO_FRAMING", SECRET),
        ("SCHEMAS_DIR", f"/{SECRET}"),
    ],
)
def test_an_error_shows_no_value_and_holds_none(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environ=REQUIRED | {name: value})
    error = caught.value
    assert SECRET not in "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert error.__cause__ is None
    assert error.__context__ is None
