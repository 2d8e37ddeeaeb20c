"""Where settings come from: variables, env files, files of secrets. And that secrets stay there."""

import traceback
from pathlib import Path

import pytest

from consumer.errors import SettingsError
from consumer.settings import Settings, load, suspicious

NEEDED = {"KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "SEGMENT_WRITE_KEY": "wk0123456789"}
HUSH = "hush-7391"


def written(folder: Path, text: str) -> Path:
    path = folder / "file"
    path.write_text(text)
    return path


def refused(environ: dict[str, str], env_file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(env_file, environ)
    return list(caught.value.lines)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_may_stand_in_a_file(tmp_path: Path, end: str) -> None:
    path = written(tmp_path, "wk77" + end)
    made = load(environ={"KAFKA_BOOTSTRAP_SERVERS": "b", "SEGMENT_WRITE_KEY_FILE": str(path)})
    assert made.write_keys[""].secret == "wk77"


@pytest.mark.parametrize("name", ["KAFKA_CONFIG", "SCHEMA_REGISTRY_CONFIG"])
def test_options_are_secrets_too(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, '{"sasl.password": "p", "retries": 3}\n')
    made = load(environ=NEEDED | {f"{name}_FILE": str(path)})
    assert getattr(made, name.lower()).get_secret_value() == {"sasl.password": "p", "retries": 3}


def test_a_secret_given_twice_is_one_mistake(tmp_path: Path) -> None:
    told = refused(NEEDED | {"SEGMENT_WRITE_KEY_FILE": str(written(tmp_path, "wk"))})
    assert told == ["SEGMENT_WRITE_KEY: SEGMENT_WRITE_KEY_FILE is given as well: give one of the two"]


def test_an_unreadable_secret_is_one_mistake(tmp_path: Path) -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "b", "SEGMENT_WRITE_KEY_FILE": str(tmp_path / "none")}
    (line,) = refused(environ)
    assert line == "SEGMENT_WRITE_KEY: the file of SEGMENT_WRITE_KEY_FILE cannot be read: No such file or directory"
    assert "is empty" in refused(environ | {"SEGMENT_WRITE_KEY_FILE": str(written(tmp_path, "\n"))})[0]


def test_an_env_file_is_read_as_containers_read_it(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "# a comment\n\nKAFKA_BOOTSTRAP_SERVERS = broker:9092\nSEGMENT_WRITE_KEY='wk#1'\n"
        'KAFKA_CONFIG={"client.id": "a b"}\nLOG_FORMAT=\n',
    )
    made = load(path, {})
    assert (made.kafka_bootstrap_servers, made.write_keys[""].secret, made.log_format) == (
        "broker:9092",
        "wk#1",
        "json",
    )
    assert made.kafka_config.get_secret_value() == {"client.id": "a b"}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "KAFKA_TOPIC=file\nKAFKA_GROUP_ID=file\n")
    made = load(path, NEEDED | {"KAFKA_TOPIC": "environment"})
    assert (made.kafka_topic, made.kafka_group_id) == ("environment", "file")


def test_an_unknown_name_in_an_env_file_is_a_mistake(tmp_path: Path) -> None:
    path = written(tmp_path, f"KAFKA_TOPICS=x\nKAFKA_TOPIC_FILE=x\n{HUSH}\n{HUSH}==\n")
    assert refused(NEEDED, path) == [
        f"{path}:1: KAFKA_TOPICS is no setting; did you mean KAFKA_TOPIC?",
        f"{path}:2: KAFKA_TOPIC_FILE is no setting; did you mean KAFKA_TOPIC?",
        f"{path}:3: must be NAME=value",
        f"{path}:4: must be NAME=value",
    ]


def test_an_env_file_must_be_there(tmp_path: Path) -> None:
    assert refused(NEEDED, tmp_path / "none") == [f"{tmp_path / 'none'}: cannot be read: No such file or directory"]


def test_near_misses_in_the_environment_are_suspicious() -> None:
    environ = NEEDED | {"SEGMENT_WRITEKEY": HUSH, "KAFKA_TOPICS": "x", "PATH": "/bin", "KAFKA_PORT": "tcp://1.2.3.4"}
    assert load(environ=environ)
    assert suspicious(environ) == [
        "KAFKA_TOPICS is no setting; did you mean KAFKA_TOPIC?",
        "SEGMENT_WRITEKEY is no setting; did you mean SEGMENT_WRITE_KEY?",
    ]
    assert suspicious(NEEDED | {"SEGMENT_WRITE_KEY_FILE": "f"}) == []


def with_secrets() -> Settings:
    options = f'{{"sasl.password": "{HUSH}"}}'
    keys = f'{{"production": "{HUSH}"}}'
    return load(
        environ={
            "KAFKA_BOOTSTRAP_SERVERS": "b",
            "SEGMENT_WRITE_KEYS": keys,
            "KAFKA_CONFIG": options,
            "SCHEMA_REGISTRY_CONFIG": options,
        }
    )


def test_settings_show_no_secret() -> None:
    made = with_secrets()
    shown = [repr(made), str(made), repr(vars(made)), repr(made.model_dump()), made.model_dump_json(), f"{made}"]
    assert not [text for text in shown if HUSH in text]
    assert HUSH not in repr(made.write_keys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEGMENT_WRITE_KEY", f"{HUSH} {HUSH}"),
        ("SEGMENT_WRITE_KEYS", f'{{"production": {HUSH}}}'),
        ("SEGMENT_WRITE_KEYS", f'{{"production": ["{HUSH}"]}}'),
        ("KAFKA_CONFIG", f'{{"sasl.password": "{HUSH}"'),
        ("KAFKA_CONFIG", f'{{"sasl.password": ["{HUSH}"]}}'),
        ("SCHEMA_REGISTRY_CONFIG", f'["{HUSH}"]'),
        ("SCHEMA_REGISTRY_URL", f"https://me:{HUSH}@registry"),
        ("SEGMENT_ENDPOINT", f"https://gateway/?key={HUSH}"),
        ("BATCH_MAX_EVENTS", HUSH),
        ("KAFKA_TOPIC", f"{HUSH} "),
        ("LOG_LEVEL", HUSH),
        ("AVRO_FRAMING", HUSH),
        ("SCHEMAS_DIR", f"/{HUSH}"),
    ],
)
def test_an_error_shows_no_value_and_holds_none(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environ=NEEDED | {name: value})
    error = caught.value
    assert HUSH not in "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert error.__cause__ is None
    assert error.__context__ is None
