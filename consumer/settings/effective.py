"""The settings in force: of each the value, with secrets masked, and where it comes from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Secret

from consumer.settings.env import is_set
from consumer.settings.settings import Settings

MASK = "****"

# Options whose values are numbers or words of a fixed list, and no secret. All others are masked, by name: a value that
# nobody has thought of is hidden.
HARMLESS_OPTIONS = frozenset(
    {
        "api.version.request.timeout.ms",
        "bearer.auth.credentials.source",
        "broker.address.family",
        "debug",
        "enable.ssl.certificate.verification",
        "fetch.max.bytes",
        "fetch.min.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "group.protocol",
        "heartbeat.interval.ms",
        "log_level",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "max.retries",
        "message.max.bytes",
        "metadata.max.age.ms",
        "queued.max.messages.kbytes",
        "queued.min.messages",
        "receive.message.max.bytes",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.oauthbearer.method",
        "security.protocol",
        "session.timeout.ms",
        "socket.connection.setup.timeout.ms",
        "socket.keepalive.enable",
        "socket.timeout.ms",
        "ssl.endpoint.identification.algorithm",
        "timeout",
    }
)


class EffectiveSetting(NamedTuple):
    """
    One setting. `value` is as JSON can hold it, None if nothing is set, with masks in place of secrets.

    `shown` is a default in words, for a value that is None.
    """

    name: str
    value: Any
    shown: str
    source: str


def effective_settings(
    settings: Settings, environ: Mapping[str, str], from_file: Mapping[str, str], env_file: Path | None
) -> list[EffectiveSetting]:
    """All settings in their order. `settings` are those of `environ` and, where it has none, of `from_file`."""
    effective = []
    for field_name, field in Settings.model_fields.items():
        name, words = field_name.upper(), field.json_schema_extra
        value = _masked(name, _value(settings, field_name))
        source = _source(name, environ, from_file, env_file)
        shown = str(words["shown"]) if value is None and isinstance(words, dict) else ""
        effective.append(EffectiveSetting(name, value, shown, source))
    return effective


def _value(settings: Settings, field_name: str) -> Any:
    """The value that counts: the endpoint is that of the region, and with an endpoint there is no region."""
    match field_name:
        case "segment_endpoint":
            return settings.endpoint
        case "segment_region":
            return settings.region
        case _:
            return getattr(settings, field_name)


def _source(name: str, environ: Mapping[str, str], from_file: Mapping[str, str], env_file: Path | None) -> str:
    for variables, place in ((environ, "environment"), (from_file, str(env_file))):
        if is_set(name, variables):
            return place
        if is_set(f"{name}_FILE", variables):
            return f"{place}, {name}_FILE: {variables[f'{name}_FILE']}"
    return "default"


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, Secret):
        return value
    secret = value.get_secret_value()
    if isinstance(secret, str):
        return MASK if secret else None
    if name == "SEGMENT_WRITE_KEYS":
        return dict.fromkeys(secret, MASK) or None
    return {option: text if option in HARMLESS_OPTIONS else MASK for option, text in secret.items()}
