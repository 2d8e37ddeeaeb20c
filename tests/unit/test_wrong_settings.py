"""Settings that cannot be right: `run` ends at once with code 2 and one exact line for each, and shows no secret."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from consumer.cli.main import main
from consumer.settings import NAMES

# In each value that could be a secret; no output may have it.
HUSH = "hush7391"
REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "SEGMENT_WRITE_KEY": f"wk{HUSH}"}
ONE_ENVIRONMENT = {"SEGMENT_WRITE_KEY": ""}  # with SEGMENT_WRITE_KEYS

QUOTED = "must not be in quotes: docker run --env-file keeps the quotes of a file"
UNRESOLVED = "is a placeholder that was not replaced by a value"
BLANK = "must not begin or end with a blank or a line break"
SERVERS = "must be host:port, with commas between several"
SCHEME = "must be host:port, without https:// or another scheme; security.protocol of KAFKA_CONFIG sets TLS"
HOST = "must be host:port: the host has letters, digits, '.', '-' and '_', or is [an IPv6 address]"
PORT = "must have the port of each broker, such as broker:9092"
PORT_NUMBER = "must have a port from 1 to 65535"
FORM = "must be exactly as Segment shows it: ASCII without blanks, quotes, brackets, commas and colons"
INSTRUCTION = "is a placeholder: set the write key of the source in Segment"
TOPIC = "must be a Kafka topic: up to 249 letters, digits, '.', '_' and '-'"
OBJECT = 'must be a JSON object such as {"name": "value"}'
URL = "must be a URL such as https://host/path"
CREDENTIALS = "must have no user or password in it, because logs show the URL"
NEEDS_REGISTRY = (
    "needs SCHEMA_REGISTRY_URL, because records name their schema by id; without a registry only raw and single-object "
    "are possible"
)
TWICE = "must have each name once: the name at line 1, column 19 is there twice"
ONLY_ONE = "set only one of the two"

# Name, value, and the line after the name.
WRONG_VALUES = [
    ("KAFKA_BOOTSTRAP_SERVERS", "a:1,,b:2", SERVERS),
    ("KAFKA_BOOTSTRAP_SERVERS", " ", SERVERS),
    ("KAFKA_BOOTSTRAP_SERVERS", "https://broker:9092", SCHEME),
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka+ssl://broker:9092", SCHEME),
    ("KAFKA_BOOTSTRAP_SERVERS", "a:9092, http://b:9092", SCHEME),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker", PORT),
    ("KAFKA_BOOTSTRAP_SERVERS", "a:9092,b", PORT),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:kafka", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:0", PORT_NUMBER),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:99999", PORT_NUMBER),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:9092/topic", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", f"user:{HUSH}@broker:9092", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "a:9092;b:9092", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "a:9092 b:9092", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "<broker>:9092", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "['a:9092']", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", 'a:9092,"b:9092"', HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:9092\n", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "::1:9092", HOST),
    ("KAFKA_BOOTSTRAP_SERVERS", "\uff42roker:9092", HOST),
    ("KAFKA_TOPIC", "^sprig.*", TOPIC),
    ("KAFKA_TOPIC", "..", TOPIC),
    ("KAFKA_TOPIC", "sprig.responses # the topic", TOPIC),
    ("KAFKA_TOPIC", "<topic>", UNRESOLVED),
    ("KAFKA_TOPIC", "$(TOPIC)", UNRESOLVED),
    ("KAFKA_GROUP_ID", "sprig ", BLANK),
    ("KAFKA_GROUP_ID", "${GROUP}", UNRESOLVED),
    ("KAFKA_GROUP_ID", "{{ .Values.group }}", UNRESOLVED),
    ("KAFKA_GROUP_INSTANCE_ID", "sprig-0\r", BLANK),
    ("KAFKA_AUTO_OFFSET_RESET", "latest", "must be 'earliest' or 'error'"),
    ("KAFKA_CONFIG", HUSH, OBJECT),
    ("KAFKA_CONFIG", f'["{HUSH}"]', OBJECT),
    ("KAFKA_CONFIG", f'{{"a": "{HUSH}", "a": ""}}', TWICE),
    ("KAFKA_CONFIG", f'\'{{"sasl.password": "{HUSH}"}}\'', QUOTED),
    ("KAFKA_CONFIG", f'{{"sasl.password": "{HUSH}"', OBJECT),
    ("KAFKA_CONFIG", f'{{"a": {{"b": "{HUSH}"}}}}', "each option must be a string, a number, true or false"),
    ("KAFKA_CONFIG", '{"sasl.password": "${PASSWORD}"}', f"sasl.password {UNRESOLVED}"),
    ("KAFKA_CONFIG", f'{{"group.id": "{HUSH}"}}', "group.id is refused: set KAFKA_GROUP_ID instead"),
    ("KAFKA_MSK_REGION", "Ireland", "must be an AWS region such as eu-west-1"),
    ("SCHEMA_REGISTRY_CONFIG", f'{{"basic.auth.user.info": "u:{HUSH}"}}',
     "needs SCHEMA_REGISTRY_URL: without it the service asks no registry"),
    ("SCHEMA_REGISTRY_CONFIG", '{"url": "http://r"}', "url is refused: set SCHEMA_REGISTRY_URL instead"),
    ("SCHEMA_REGISTRY_TYPE", "glue", "needs SCHEMA_REGISTRY_URL: without it the service asks no registry"),
    ("SCHEMA_REGISTRY_TYPE", "gcp", "must be 'confluent', 'apicurio', 'glue' or 'azure'"),
    ("SCHEMA_REGISTRY_URL", "registry:8081", URL),
    ("SCHEMA_REGISTRY_URL", "https://<registry>", URL),
    ("SCHEMA_REGISTRY_URL", "https://[registry]", URL),
    ("SCHEMA_REGISTRY_URL", "https://a b/", URL),
    ("SCHEMA_REGISTRY_URL", f"https://me:{HUSH}@registry", CREDENTIALS),
    ("SCHEMA_REGISTRY_URL", f"https://me:{HUSH}?x@registry", CREDENTIALS),
    ("SCHEMA_REGISTRY_URL", f"https://me:{HUSH}", "must have a number for its port"),
    ("AVRO_FRAMING", "confluent", f"confluent {NEEDS_REGISTRY}"),
    ("AVRO_FRAMING", "auto", f"auto {NEEDS_REGISTRY}"),
    ("SCHEMAS_DIR", "/no/such/place", "must be an existing directory"),
    ("SEGMENT_WRITE_KEY", f'"{HUSH}"', QUOTED),
    ("SEGMENT_WRITE_KEY", f"'{HUSH}'", QUOTED),
    ("SEGMENT_WRITE_KEY", f"\u201c{HUSH}\u201d", QUOTED),
    ("SEGMENT_WRITE_KEY", f"{HUSH} {HUSH}", FORM),
    ("SEGMENT_WRITE_KEY", f"{HUSH}\n", FORM),
    ("SEGMENT_WRITE_KEY", f"{HUSH}:", FORM),
    ("SEGMENT_WRITE_KEY", f'"{HUSH}', FORM),
    ("SEGMENT_WRITE_KEY", f"[{HUSH}]", FORM),
    ("SEGMENT_WRITE_KEY", f"{{{HUSH}}}", FORM),
    ("SEGMENT_WRITE_KEY", f"{HUSH},{HUSH}", FORM),
    ("SEGMENT_WRITE_KEY", f"****{HUSH}", FORM),
    ("SEGMENT_WRITE_KEY", f"<{HUSH}", FORM),
    ("SEGMENT_WRITE_KEY", f"{HUSH}\u00e9", FORM),
    ("SEGMENT_WRITE_KEY", "<your-write-key>", UNRESOLVED),
    ("SEGMENT_WRITE_KEY", "$SEGMENT_WRITE_KEY", UNRESOLVED),
    ("SEGMENT_WRITE_KEY", "%SEGMENT_WRITE_KEY%", UNRESOLVED),
    ("SEGMENT_WRITE_KEY", "YOUR_WRITE_KEY", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "your-production-write-key-here", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "INSERT-KEY-HERE", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "SEGMENT_WRITE_KEY", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "changeme", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "Replace-Me", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "placeholder", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "xxx", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "X" * 32, INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "...", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "TODO", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "null", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", "undefined", INSTRUCTION),
    ("SEGMENT_WRITE_KEY", f"sgp_{HUSH}", "is a token of Segment's Public API, and must be a write key"),
    ("SEGMENT_WRITE_KEYS", f'{{"production": "{HUSH}"}}', f"SEGMENT_WRITE_KEY is set too: {ONLY_ONE}"),
    ("SEGMENT_REGION", "moon", "must be 'us' or 'eu'"),
    ("SEGMENT_REGION", '"us"', QUOTED),
    ("SEGMENT_ENDPOINT", "http://gateway/v1/batch",
     "must be https: plain http would expose the write key and all survey responses to the network "
     "(SEGMENT_ALLOW_HTTP=true allows it)"),
    ("SEGMENT_ENDPOINT", f"https://{HUSH}@gateway/v1/batch", CREDENTIALS),
    ("SEGMENT_ENDPOINT", f"https://gateway/v1/batch?key={HUSH}", "must have no query and no fragment"),
    ("SEGMENT_ENDPOINT", "ftp://gateway", URL),
    ("SEGMENT_ENDPOINT", "https://gateway/v1/batch ", BLANK),
    ("SEGMENT_ENDPOINT", "https://api.segment.io", "must end with /v1/batch at Segment itself"),
    ("SEGMENT_ENDPOINT", "https://events.eu1.segmentapis.com/v1/track", "must end with /v1/batch at Segment itself"),
    ("SEGMENT_TIMEOUT_SECONDS", "0", "must be above 0"),
    ("SEGMENT_TIMEOUT_SECONDS", "inf", "must be a finite number"),
    ("SEGMENT_TIMEOUT_SECONDS", "10s", "must be a number"),
    ("SEGMENT_TIMEOUT_SECONDS", "10000", "must be at most 600: the unit is seconds"),
    ("SEGMENT_GZIP", "perhaps", "must be true or false"),
    ("BATCH_MAX_EVENTS", "0", "must be at least 1"),
    ("BATCH_MAX_EVENTS", "2501", "must be at most 2500: Segment answers 200 to larger batches and drops them"),
    ("BATCH_MAX_EVENTS", f"{HUSH}", "must be a whole number"),
    ("BATCH_MAX_EVENTS", "500 # a batch", "must be a whole number"),
    ("BATCH_MAX_BYTES", "32999", "must be at least 33000: the largest event that Segment accepts must fit"),
    ("BATCH_MAX_BYTES", "500001", "must be at most 500000: Segment refuses larger requests"),
    ("BATCH_LINGER_SECONDS", "-1", "must be above 0"),
    ("BATCH_LINGER_SECONDS", "500", "must be at most 300: the unit is seconds"),
    ("MAX_EVENTS_PER_SECOND", "0", "must be at least 1"),
    ("MAX_REQUESTS_IN_FLIGHT", "0", "must be at least 1"),
    ("MAX_REQUESTS_IN_FLIGHT", "100000", "must be at most 1000: each of them has a thread"),
    ("MAX_BUFFERED_BYTES", "100000", "must be at least BATCH_MAX_BYTES: otherwise no batch is ever full"),
    ("MESSAGE_ID_NAMESPACE", '"pinned"', QUOTED),
    ("ON_REJECTED", "drop", "must be 'dead-letter', 'block' or 'skip'"),
    ("DEAD_LETTER_TOPIC", "sprig.responses",
     "must not be KAFKA_TOPIC: the service would read its dead letters again, without end"),
    ("MAX_CONSECUTIVE_REFUSALS", "1.5", "must be a whole number"),
    ("HTTP_HOST", "0.0.0.0 ", BLANK),
    ("HTTP_PORT", "65536", "must be at most 65535"),
    ("HTTP_PORT", "8080:8080", "must be a whole number"),
    ("LOG_FORMAT", "'json'", QUOTED),
    ("LOG_LEVEL", HUSH, "must be 'debug', 'info', 'warning' or 'error'"),
    ("LOG_SUMMARY_SECONDS", "-1", "must be at least 0"),
    ("LOG_SUMMARY_SECONDS", "86401", "must be at most 86400: the unit is seconds"),
    ("AUDIT_LOG", "audit.jsonl ", BLANK),
    ("SHUTDOWN_TIMEOUT_SECONDS", "14",
     "must be at least 5 more than SEGMENT_TIMEOUT_SECONDS: a drain waits for open requests, and then for dead letters "
     "and a commit"),
    ("SHUTDOWN_TIMEOUT_SECONDS", "25000", "must be at most 3600: the unit is seconds"),
]  # fmt: skip

# Environments, and all lines.
WRONG_ENVIRONMENTS = [
    (
        {"KAFKA_BOOTSTRAP_SERVERS": "", "KAFKA_BOOTSTRAP_SERVER": "broker:9092"},
        [
            "KAFKA_BOOTSTRAP_SERVERS: is required",
            "KAFKA_BOOTSTRAP_SERVER is no setting; did you mean KAFKA_BOOTSTRAP_SERVERS?",
        ],
    ),
    (
        {"SEGMENT_WRITE_KEY": "", "SEGMENT_WRITEKEY": HUSH},
        [
            "SEGMENT_WRITE_KEYS: this or SEGMENT_WRITE_KEY is required",
            "SEGMENT_WRITEKEY is no setting; did you mean SEGMENT_WRITE_KEY?",
        ],
    ),
    (
        {"SEGMENT_WRITE_KEY": "", "segment_write_key": HUSH},
        [
            "SEGMENT_WRITE_KEYS: this or SEGMENT_WRITE_KEY is required",
            "segment_write_key is no setting; did you mean SEGMENT_WRITE_KEY?",
        ],
    ),
    (
        {**ONE_ENVIRONMENT, "SEGMENT_WRITE_KEYS": f'{{"production": "\'{HUSH}\'"}}'},
        [f"SEGMENT_WRITE_KEYS: {FORM}"],
    ),
    (
        {**ONE_ENVIRONMENT, "SEGMENT_WRITE_KEYS": '{"production": "<write-key>"}'},
        [f"SEGMENT_WRITE_KEYS: {UNRESOLVED}"],
    ),
    (
        {**ONE_ENVIRONMENT, "SEGMENT_WRITE_KEYS": '{"production": "changeme"}'},
        [f"SEGMENT_WRITE_KEYS: {INSTRUCTION}"],
    ),
    (
        {**ONE_ENVIRONMENT, "SEGMENT_WRITE_KEYS": f'\'{{"production": "{HUSH}"}}\''},
        [f"SEGMENT_WRITE_KEYS: {QUOTED}"],
    ),
    (
        {"KAFKA_BOOTSTRAP_SERVERS": "SASL_SSL://broker:9092", "KAFKA_CONFIG": '{"security.protocol": "SSL"}'},
        [
            "KAFKA_CONFIG: security.protocol must be the protocol in front of the servers in KAFKA_BOOTSTRAP_SERVERS",
        ],
    ),
    (
        {"SEGMENT_REGION": "eu", "SEGMENT_ENDPOINT": "https://gateway/v1/batch"},
        [f"SEGMENT_ENDPOINT: SEGMENT_REGION is set too: {ONLY_ONE}"],
    ),
    (
        {"SEGMENT_TIMEOUT_SECONDS": "30"},
        [
            "SHUTDOWN_TIMEOUT_SECONDS: must be at least 5 more than SEGMENT_TIMEOUT_SECONDS: a drain waits for open "
            "requests, and then for dead letters and a commit",
        ],
    ),
    (
        {"KAFKA_MSK_REGION": "eu-west-1", "KAFKA_CONFIG": '{"sasl.mechanism": "PLAIN"}'},
        [f"KAFKA_MSK_REGION: KAFKA_CONFIG sets another authentication: {ONLY_ONE}"],
    ),
    (
        {"SEGMENT_WRITE_KEY_FILE": "/no/such/file"},
        [f"SEGMENT_WRITE_KEY: SEGMENT_WRITE_KEY_FILE is set too: {ONLY_ONE}"],
    ),
    (
        {"KAFKA_CONFIG_FILE": "/no/such/file"},
        ["KAFKA_CONFIG: the file of KAFKA_CONFIG_FILE cannot be read: No such file or directory"],
    ),
]


def refused_lines(environ: dict[str, str], *options: str) -> list[str]:
    """What `run` prints before it ends with code 2. The environment of this process has no settings."""
    result = CliRunner().invoke(main, ["run", *options], env=REQUIRED | environ)
    assert result.exit_code == 2, result.output
    assert HUSH not in result.output
    return result.output.splitlines()


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("name", "value", "line"), WRONG_VALUES)
def test_a_wrong_value_is_one_line_that_explains(name: str, value: str, line: str) -> None:
    assert refused_lines({name: value}) == [f"{name}: {line}"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("environ", "lines"), WRONG_ENVIRONMENTS)
def test_settings_that_contradict_each_other_are_refused(environ: dict[str, str], lines: list[str]) -> None:
    assert refused_lines(environ) == lines


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("quote", ["'", '"'])
def test_no_setting_may_be_in_quotes(name: str, quote: str) -> None:
    """`docker run --env-file` keeps the quotes, and a text with them is another group, host or key."""
    required = {"SEGMENT_WRITE_KEY": ""} if name == "SEGMENT_WRITE_KEYS" else {}
    assert refused_lines({**required, name: f"{quote}{HUSH}{quote}"}) == [f"{name}: {QUOTED}"]


def test_a_file_with_a_secret_is_judged_like_the_variable(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f'"{HUSH}"\n')
    assert refused_lines({"SEGMENT_WRITE_KEY": "", "SEGMENT_WRITE_KEY_FILE": str(path)}) == [
        f"SEGMENT_WRITE_KEY: {QUOTED}"
    ]
