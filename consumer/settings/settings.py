"""The settings: the name, type, default and meaning of each, on which a user can rely."""

from typing import Any, Literal

from pydantic import DirectoryPath, Field, Secret, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from consumer.model import WriteKey
from consumer.segment_limits import MAX_REQUEST_BYTES, MAX_REQUEST_EVENTS
from consumer.settings import cross_field, validators
from consumer.settings.env import UnreadableValue
from consumer.settings.field_types import (
    MIN_REQUEST_BYTES,
    AttemptSeconds,
    BatchBytes,
    BatchEvents,
    Count,
    FramingName,
    Keys,
    LingerSeconds,
    LogLevel,
    Options,
    Port,
    Region,
    RegistryType,
    RegistryUrl,
    RejectAction,
    Servers,
    ShutdownSeconds,
    SummarySeconds,
    Text,
    ThreadCount,
    Topic,
    setting,
)
from consumer.settings.fingerprints import fingerprint

ENDPOINTS = {"us": "https://api.segment.io/v1/batch", "eu": "https://events.eu1.segmentapis.com/v1/batch"}


class Settings(BaseSettings):
    """
    All settings, each valid by itself and all valid together. `None` always means: not set.

    A field has the name of its environment variable, in lower case. No output shows a `Secret`; `get_secret_value()` is
    the only access. A field's rule may read the fields above it.
    """

    model_config = SettingsConfigDict(
        frozen=True, validate_default=True, allow_inf_nan=False, hide_input_in_errors=True, extra="forbid"
    )

    kafka_bootstrap_servers: Servers = Field(description="`host:port` of one or more brokers, separated by commas")
    kafka_topic: Topic = setting("sprig.responses", "the topic to read")
    kafka_group_id: Text = setting("sprig-to-segment", "the consumer group; its committed offsets are the only state")
    kafka_group_instance_id: Text | None = setting(
        None,
        "a name for this member alone, kept through restarts (static membership): no other member takes its place",
    )
    kafka_config: Options = setting(
        "{}", "JSON of further librdkafka options (SASL, TLS, ...); options that would break a guarantee are refused"
    )
    kafka_msk_region: Region | None = setting(
        None, "the region of an Amazon MSK cluster: sign in with IAM, by the role of the pod or its service account"
    )
    kafka_auto_offset_reset: Literal["earliest", "error"] = setting(
        "earliest",
        "where a new group begins; if retention deleted the committed offset, `earliest` continues with the oldest "
        "record and `error` blocks the partition",
    )
    schema_registry_url: RegistryUrl | None = setting(
        None, "the schema registry; without a registry, records are read with the schemas of `SCHEMAS_DIR`"
    )
    schema_registry_type: RegistryType = setting(
        "confluent", "the registry's API: `confluent` (also Karapace and Redpanda), `apicurio`, `glue` (AWS) or `azure`"
    )
    schema_registry_config: Options = setting("{}", "JSON of further registry options (basic, bearer, OAuth, TLS, ...)")
    avro_framing: FramingName = setting(
        lambda data: data["schema_registry_type"] if data["schema_registry_url"] else "raw",
        "how a value names its schema: `confluent`, `confluent-header`, `single-object`, `glue`, `apicurio`, "
        "`apicurio-header`, `azure`, `auto` (all of the registry's type and `single-object`) or `raw`",
        "that of the registry's type with a registry, else `raw`",
    )
    schemas_dir: DirectoryPath | None = setting(None, "contract files and Avro schemas", "the packaged `schemas/`")
    segment_write_key: Secret[str] = setting(
        "", "one write key for all records; either this or `SEGMENT_WRITE_KEYS` is required", "none"
    )
    segment_write_keys: Keys = setting(
        "{}",
        "JSON: Sprig environment -> write key, in upper or lower case; a record that names no environment, or one "
        "without a key, is rejected as `no_write_key`, never sent elsewhere",
        "none",
    )
    segment_region: Literal["us", "eu"] | None = setting(None, "the region of the workspace: `us` or `eu`", "`us`")
    segment_allow_http: bool = setting(False, "allow a plain http endpoint that is not on loopback")
    segment_endpoint: Text | None = setting(
        None, "a compatible gateway, instead of the region's own endpoint", f"`{ENDPOINTS['us']}`"
    )
    segment_accept_any_body: bool = setting(
        False, "count any 2xx response as a success: for gateways with a response body of their own"
    )
    segment_timeout_seconds: AttemptSeconds = setting(10, "total seconds for each attempt")
    segment_gzip: bool = setting(False, "compress request bodies")
    batch_max_events: BatchEvents = setting(500, f"events in a request, at most {MAX_REQUEST_EVENTS}")
    batch_max_bytes: BatchBytes = setting(
        475_000, f"bytes of a request before compression, {MIN_REQUEST_BYTES} to {MAX_REQUEST_BYTES}"
    )
    batch_linger_seconds: LingerSeconds = setting(0.5, "least seconds between requests with less than a full batch")
    max_events_per_second: Count | None = setting(None, "limit for each process, to send a backlog slowly")
    max_requests_in_flight: ThreadCount = setting(8, "requests in flight at the same time")
    max_buffered_bytes: Count = setting(
        33_554_432, "memory in bytes for all buffered records and events, original records included"
    )
    message_id_namespace: Text | None = setting(
        None,
        "set it before a write key is rotated, so that events that are sent again keep their messageId",
        "the write key's fingerprint",
    )
    on_rejected: RejectAction = setting(
        "dead-letter",
        "a record that no track event can be made of, or that Segment refuses: `dead-letter`, `block` (that partition "
        "only) or `skip`",
    )
    on_unknown_record: RejectAction = setting(
        "dead-letter", "a record type without a contract: `dead-letter`, `skip` or `block`"
    )
    dead_letter_topic: Topic = setting(
        lambda data: f"{data['kafka_topic']}.dead-letter",
        "must exist at start where it is used",
        "`<KAFKA_TOPIC>.dead-letter`",
    )
    max_rejected_before_success: Count = setting(50, "rejections before a member's first success; then it blocks")
    max_consecutive_dead_letters: Count = setting(
        1000, "rejected records in a row, in a partition or in the whole member, after which a partition is blocked"
    )
    max_consecutive_refusals: Count = setting(
        20, "single events refused in a row, with no success between, after which the key is blocked"
    )
    trust_proxy_env: bool = setting(True, "use `HTTPS_PROXY` and `NO_PROXY`; `false` ignores both")
    https_proxy: Secret[str] = setting(
        "", "the proxy for https, `http://user:password@host:port`; plain http never uses a proxy", "none"
    )
    no_proxy: str = setting("", "hosts to reach directly: domains, IP addresses, CIDR blocks, `*`", "none")
    http_host: Text = setting(
        "::", "the address that serves `/livez`, `/readyz`, `/metrics` and `/`; `::`: IPv6 and IPv4, all addresses"
    )
    http_port: Port = setting(8080, "the port of `HTTP_HOST`; 0 chooses a free port")
    log_format: Literal["json", "console"] = setting("json", "`json`, or `console` for people")
    log_level: LogLevel = setting("info", "`debug`, `info`, `warning` or `error`")
    log_summary_seconds: SummarySeconds = setting(60, "the interval of a log line with counts; 0 for none")
    audit_log: Text | None = setting(
        None,
        "a file, or `-` for standard output: one JSON line for each delivered messageId, written before its offset is "
        "committed",
    )
    shutdown_timeout_seconds: ShutdownSeconds = setting(
        25,
        "for the drain at a shutdown or a revocation, at least 5 more than `SEGMENT_TIMEOUT_SECONDS`; give the "
        "platform's grace period more",
    )

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the values from `load`, because the library's own sources stop at the first mistake and show values."""
        return (sources["init_settings"],)

    @field_validator("*", mode="before")
    @classmethod
    def _check_source(cls, value: object) -> object:
        if isinstance(value, UnreadableValue):
            raise ValueError(value.mistake)  # noqa: TRY004 - pydantic reports no other error
        return validators.finished(value)

    @field_validator("*")
    @classmethod
    def _check_cross_field(cls, value: Any, info: ValidationInfo) -> Any:
        rule = cross_field.RULES.get(info.field_name or "")
        if rule:
            rule(value, info.data)
        return value

    @property
    def region(self) -> str | None:
        """The region of Segment; None for another endpoint."""
        return None if self.segment_endpoint else self.segment_region or "us"

    @property
    def endpoint(self) -> str:
        """The URL that batches are sent to."""
        return self.segment_endpoint or ENDPOINTS[self.segment_region or "us"]

    @property
    def write_keys(self) -> dict[str, WriteKey]:
        """Sprig environment -> write key. The environment "" means every environment, and is then the only one."""
        keys = self.segment_write_keys.get_secret_value() or {"": self.segment_write_key.get_secret_value()}
        return {environment: WriteKey(environment, secret) for environment, secret in keys.items()}

    def namespace(self, key: WriteKey) -> str:
        """The text that makes the messageIds of this source different from those of all other sources."""
        return self.message_id_namespace or fingerprint(key.secret)
