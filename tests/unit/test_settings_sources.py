"""The sources of settings: variables, env files, files with secrets. No output shows a secret."""

import errno
import json
import os
import traceback
from pathlib import Path

import pytest

from consumer.errors import SettingsError
from consumer.settings import Settings, env_file, load, suspicious

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
    settings = load(environ={"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY_FILE": str(path)})
    assert settings.write_keys[""].secret == "wk77"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("KAFKA_CONFIG", {"sasl.password": "p", "retries": 3}),
        ("SCHEMA_REGISTRY_CONFIG", {"basic.auth.user.info": "u:p", "timeout": 3}),
    ],
)
def test_options_are_secrets_too(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    path = write_file(tmp_path, json.dumps(options))
    settings = load(environ=REQUIRED | {"SCHEMA_REGISTRY_URL": "http://registry:8081", f"{name}_FILE": str(path)})
    assert getattr(settings, name.lower()).get_secret_value() == options


def test_a_secret_that_is_set_twice_is_one_mistake(tmp_path: Path) -> None:
    lines = refused(REQUIRED | {"SEGMENT_WRITE_KEY_FILE": str(write_file(tmp_path, "wk"))})
    assert lines == ["SEGMENT_WRITE_KEY: SEGMENT_WRITE_KEY_FILE is set too: set only one of the two"]


def test_a_file_with_the_proxy_goes_before_a_variable_in_lower_case(tmp_path: Path) -> None:
    """A platform may set the variable in each pod."""
    path = write_file(tmp_path, "http://proxy:3128")
    settings = load(environ=REQUIRED | {"https_proxy": "http://other:1", "HTTPS_PROXY_FILE": str(path)})
    assert settings.https_proxy.get_secret_value() == "http://proxy:3128"


def test_an_unreadable_secret_is_one_mistake(tmp_path: Path) -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY_FILE": str(tmp_path / "none")}
    (line,) = refused(environ)
    assert line == "SEGMENT_WRITE_KEY: the file of SEGMENT_WRITE_KEY_FILE cannot be read: No such file or directory"
    assert "is empty" in refused(environ | {"SEGMENT_WRITE_KEY_FILE": str(write_file(tmp_path, "\n"))})[0]


LINES = [
    ("KAFKA_TOPIC=a", "a"),
    ("KAFKA_TOPIC = a ", "a"),
    ("  export KAFKA_TOPIC=a", "a"),
    ("KAFKA_TOPIC=a\r", "a"),
    ("KAFKA_TOPIC=a # a comment", "a"),
    ("KAFKA_TOPIC=a\t# a 'comment'", "a"),
    ("KAFKA_TOPIC=a#b", "a#b"),
    ("KAFKA_TOPIC='a #b'", "a #b"),
    ('KAFKA_TOPIC="a" # it has "quotes"', "a"),
    ("KAFKA_TOPIC='a'   # it's a comment", "a"),
    ("KAFKA_TOPIC=a=b", "a=b"),
    (r'KAFKA_TOPIC="{\"a\": \"b\\c\"}"', r'{"a": "b\c"}'),
    ('KAFKA_TOPIC="{"a": "b\\\\c"}"', '{"a": "b\\\\c"}'),
    ("""KAFKA_TOPIC='{"a": "b"}' # JSON""", '{"a": "b"}'),
    ('KAFKA_TOPIC={"a": "b #c"}', '{"a": "b #c"}'),
    ('KAFKA_TOPIC={"a": "b #c"} # {JSON}', '{"a": "b #c"}'),
    ('KAFKA_TOPIC={"a": "b" # no JSON', '{"a": "b" # no JSON'),
    ("KAFKA_TOPIC=", ""),
    ("KAFKA_TOPIC= # a comment", ""),
    ("KAFKA_TOPIC=''", ""),
]


@pytest.mark.parametrize(("line", "value"), LINES)
def test_a_line_of_an_env_file_has_this_value(tmp_path: Path, line: str, value: str) -> None:
    path = write_file(tmp_path, f"\ufeff# a comment\n\n \t\n{line}\n#KAFKA_TOPIC=b\n")
    assert env_file.read(path, ["KAFKA_TOPIC"]) == {"KAFKA_TOPIC": value}


WRONG_LINES = [
    (SECRET, "must be NAME=value"),
    (f"KAFKA_TOPIC: {SECRET}", "must be NAME=value"),
    (f"- KAFKA_TOPIC={SECRET}", "must be NAME=value"),
    (f"KAFKA_TOPICS={SECRET}", "KAFKA_TOPICS is no setting; did you mean KAFKA_TOPIC?"),
    (f"KAFKA_TOPIC_FILE={SECRET}", "KAFKA_TOPIC_FILE is no setting; did you mean KAFKA_TOPIC?"),
    (f"kafka_topic={SECRET}", "kafka_topic is no setting; did you mean KAFKA_TOPIC?"),
    (f"export Kafka_Topic={SECRET}", "Kafka_Topic is no setting; did you mean KAFKA_TOPIC?"),
    (f"SPRIG_ENVIRONMENT={SECRET}", "SPRIG_ENVIRONMENT is no setting"),
    ("aHVzaC03Mzkx=", "must be NAME=value, with the name of a setting"),  # base64 of the secret
    ("NB2XG2BNG4ZTSMI=", "must be NAME=value, with the name of a setting"),  # base32
    (f"LOG_FORMAT='{SECRET}", "LOG_FORMAT must be closed by the quote that opens it, with at most a comment behind it"),
    (
        f'LOG_FORMAT="{SECRET}" x',
        "LOG_FORMAT must be closed by the quote that opens it, with at most a comment behind it",
    ),
    (f"KAFKA_GROUP_ID={SECRET}", "KAFKA_GROUP_ID is set in line 1 already"),
]


@pytest.mark.parametrize(("line", "expected"), WRONG_LINES)
def test_a_wrong_line_of_an_env_file_is_a_mistake_that_does_not_repeat_it(
    tmp_path: Path, line: str, expected: str
) -> None:
    path = write_file(tmp_path, f"KAFKA_GROUP_ID=g\n{line}\n")
    assert refused(REQUIRED, path) == [f"{path}:2: {expected}"]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write_file(tmp_path, "KAFKA_TOPIC=file\nKAFKA_GROUP_ID=file\n")
    settings = load(path, REQUIRED | {"KAFKA_TOPIC": "environment"})
    assert (settings.kafka_topic, settings.kafka_group_id) == ("environment", "file")


def test_an_empty_variable_leaves_the_value_of_the_file(tmp_path: Path) -> None:
    path = write_file(tmp_path, "KAFKA_TOPIC=file\n")
    assert load(path, REQUIRED | {"KAFKA_TOPIC": ""}).kafka_topic == "file"


def test_all_wrong_lines_of_an_env_file_are_reported(tmp_path: Path) -> None:
    path = write_file(tmp_path, f"{SECRET}\nKAFKA_TOPICS=x\n\n{SECRET}==\n")
    assert [line.removeprefix(f"{path}:").partition(":")[0] for line in refused(REQUIRED, path)] == ["1", "2", "4"]


def test_a_file_that_this_user_may_not_read_names_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image runs as 65532, and a key that is mounted from a machine often has the mode 600 of its owner."""

    def read_text(self: Path, encoding: str) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(os, "geteuid", lambda: 65532)
    expected = "cannot be read: Permission denied for user 65532, as which this process runs"
    assert refused({"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY_FILE": "key"}) == [
        f"SEGMENT_WRITE_KEY: the file of SEGMENT_WRITE_KEY_FILE {expected}"
    ]
    assert refused(REQUIRED, tmp_path) == [f"{tmp_path}: {expected}"]


def test_an_env_file_must_exist(tmp_path: Path) -> None:
    assert refused(REQUIRED, tmp_path / "none") == [f"{tmp_path / 'none'}: cannot be read: No such file or directory"]


def test_near_misses_in_the_environment_are_suspicious() -> None:
    environ = REQUIRED | {
        "SEGMENT_WRITEKEY": SECRET,
        "KAFKA_TOPICS": "x",
        "kafka_group_id": "x",
        "PATH": "/bin",
        "KAFKA_PORT": "tcp://1.2.3.4",
    }
    assert load(environ=environ)
    assert suspicious(environ) == [
        "KAFKA_TOPICS is no setting; did you mean KAFKA_TOPIC?",
        "SEGMENT_WRITEKEY is no setting; did you mean SEGMENT_WRITE_KEY?",
        "kafka_group_id is no setting; did you mean KAFKA_GROUP_ID?",
    ]
    assert suspicious(REQUIRED | {"SEGMENT_WRITE_KEY_FILE": "f"}) == []


def with_secrets() -> Settings:
    keys = f'{{"production": "{SECRET}"}}'
    return load(
        environ={
            "KAFKA_BOOTSTRAP_SERVERS": "b:1",
            "SEGMENT_WRITE_KEYS": keys,
            "KAFKA_CONFIG": f'{{"sasl.password": "{SECRET}"}}',
            "SCHEMA_REGISTRY_URL": "http://registry:8081",
            "SCHEMA_REGISTRY_CONFIG": f'{{"basic.auth.user.info": "u:{SECRET}"}}',
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
