"""The settings: every name, type, default and meaning that a user can rely on."""

import hashlib
from typing import Any, Literal

from pydantic import DirectoryPath, Field, Secret, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from consumer.model import WriteKey
from consumer.settings import together
from consumer.settings.env import Unreadable
from consumer.settings.types import (
    BatchBytes,
    BatchEvents,
    Count,
    Framing,
    Keys,
    LogLevel,
    Options,
    Port,
    Region,
    RegistryUrl,
    Seconds,
    Topic,
    Treatment,
    setting,
)
from consumer.settings.validators import require

ENDPOINTS = {"us": "https://api.segment.io/v1/batch", "eu": "https://events.eu1.segmentapis.com/v1/batch"}


class Settings(BaseSettings):
    """
    All settings, valid each by itself and together. `None` always says: not given.

    A field has the name of its environment variable, in lower case. What could be a secret is a `Secret`, which shows
    itself nowhere; `get_secret_value()` is the only way in. A field's rule may look at the fields above it.
    """

    model_config = SettingsConfigDict(
        frozen=True, validate_default=True, allow_inf_nan=False, hide_input_in_errors=True, extra="forbid"
    )

    kafka_bootstrap_servers: str = Field(description="`host:port` of one or more brokers, with commas between them")
    kafka_topic: Topic = setting("sprig.responses", "the topic to read")
    kafka_group_id: str = setting("sprig-to-segment", "the consumer group, whose committed offsets are the only state")
    kafka_group_instance_id: str | None = setting(
        None, "a name for this member alone that it keeps through restarts (static membership): nobody takes its place"
    )
    kafka_config: Options = setting(
        "{}",
        "JSON of further librdkafka options (SASL, TLS, ...); those that would break a promise are refused by name",
    )
    kafka_msk_region: Region | None = setting(
        None, "sign in to Amazon MSK by IAM, with the role of the pod or its service account; the cluster's region"
    )
    kafka_auto_offset_reset: Literal["earliest", "error"] = setting(
        "earliest",
        "where a new group begins; when retention deleted the committed offset, `earliest` goes on and `error` blocks",
    )
    schema_registry_url: RegistryUrl | None = setting(
        None, "the schema registry; without one, records are read with the schemas of `SCHEMAS_DIR`"
    )
    schema_registry_config: Options = setting(
        "{}", "JSON of further registry client options (basic, bearer, OAuth, TLS)"
    )
    avro_framing: Framing = setting(
        lambda data: "confluent" if data["schema_registry_url"] else "raw",
        "what says which schema wrote a value: `confluent`, `confluent-header`, `single-object`, `auto` (tells these "
        "three apart, record by record) or `raw`",
        "`confluent` with a registry, else `raw`",
    )
    schemas_dir: DirectoryPath | None = setting(None, "contract files and Avro schemas", "the packaged `schemas/`")
    segment_write_key: Secret[str] = setting(
        "", "the key for everything; it or `SEGMENT_WRITE_KEYS` is required", "none"
    )
    segment_write_keys: Keys = setting(
        "{}",
        "JSON: Sprig environment -> key, in upper or lower case; a record that names no environment, or one without a "
        "key, is set aside as `no_write_key`, never sent elsewhere",
        "none",
    )
    segment_region: Literal["us", "eu"] | None = setting(None, "where the workspace lives: `us` or `eu`", "`us`")
    segment_allow_http: bool = setting(False, "allow a plain http endpoint that is not on loopback")
    segment_endpoint: str | None = setting(
        None, "a compatible gateway, instead of the region's own endpoint", f"`{ENDPOINTS['us']}`"
    )
    segment_accept_any_body: bool = setting(
        False, "take any 2xx for a success: for gateways with an answer of their own"
    )
    segment_timeout_seconds: Seconds = setting(10, "total, per attempt")
    segment_gzip: bool = setting(False, "compress request bodies")
    batch_max_events: BatchEvents = setting(500, "events in a request, at most 2500")
    batch_max_bytes: BatchBytes = setting(475_000, "bytes of a request before compression, 33000 to 500000")
    batch_linger_seconds: Seconds = setting(0.5, "how long the first record of a batch waits for more")
    max_events_per_second: Count | None = setting(None, "per process, for draining a backlog politely")
    max_requests_in_flight: Count = setting(8, "requests under way at a time")
    max_buffered_bytes: Count = setting(33_554_432, "bytes of all that is held in memory, original records included")
    message_id_namespace: str | None = setting(
        None,
        "pin it before a write key is rotated, so that what is sent again keeps its messageId",
        "the write key's fingerprint",
    )
    on_rejected: Treatment = setting(
        "dead-letter", "a record that no call can be made of: `dead-letter`, `block` (that partition only) or `skip`"
    )
    on_unknown_record: Treatment = setting(
        "dead-letter", "a record type without a contract: `dead-letter`, `skip` or `block`"
    )
    dead_letter_topic: Topic = setting(
        lambda data: f"{data['kafka_topic']}.dead-letter",
        "must exist at start where it is used",
        "`<KAFKA_TOPIC>.dead-letter`",
    )
    max_consecutive_dead_letters: Count = setting(
        1000, "unprocessable records in a row after which their partition holds until the next start"
    )
    max_consecutive_refusals: Count = setting(
        20, "single events refused in a row, with no success between, after which a key holds"
    )
    http_host: str = setting("0.0.0.0", "where `/livez`, `/readyz`, `/metrics` and `/` are served")  # noqa: S104 - probes come from outside
    http_port: Port = setting(8080, "its port; 0 picks a free one")
    log_format: Literal["json", "console"] = setting("json", "`json`, or `console` for people")
    log_level: LogLevel = setting("info", "`debug`, `info`, `warning` or `error`")
    shutdown_timeout_seconds: Seconds = setting(
        25, "for a hand-over, at least 5 more than `SEGMENT_TIMEOUT_SECONDS`; give the platform's grace period more"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what `load` hands over: the library's own sources stop at the first mistake, and show values."""
        return (init_settings,)

    @field_validator("*", mode="before")
    @classmethod
    def _was_readable(cls, value: object) -> object:
        require(not isinstance(value, Unreadable), getattr(value, "lesson", ""))
        return value

    @field_validator("*")
    @classmethod
    def _fits_the_others(cls, value: Any, info: ValidationInfo) -> Any:
        if rule := together.RULES.get(info.field_name or ""):
            rule(value, info.data)
        return value

    @property
    def endpoint(self) -> str:
        """Where batches are sent."""
        return self.segment_endpoint or ENDPOINTS[self.segment_region or "us"]

    @property
    def write_keys(self) -> dict[str, WriteKey]:
        """Sprig environment -> key; "" stands for every environment and is then the only one."""
        keys = self.segment_write_keys.get_secret_value() or {"": self.segment_write_key.get_secret_value()}
        return {environment: WriteKey(environment, secret) for environment, secret in keys.items()}

    def namespace(self, key: WriteKey) -> str:
        """What makes the messageIds of this source different from those of all others."""
        return self.message_id_namespace or fingerprint(key.secret)


def fingerprint(secret: str) -> str:
    """A name for a key that does not give it away: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]
