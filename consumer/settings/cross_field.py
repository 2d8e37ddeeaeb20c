"""The rules that a setting must keep together with the settings above it in `Settings`."""

from collections.abc import Callable, Mapping
from typing import Any

from consumer.avro.registry_options import USE_ID, mistakes
from consumer.avro.registry_types import REGISTRY_OF, has_apicurio_prefix, type_mistakes, url_mistakes
from consumer.http_client.proxies import Proxy
from consumer.settings import bootstrap_servers, kafka_options, urls, validators
from consumer.settings.validators import require

# Seconds. After Segment's last response a drain still waits for the confirmation of dead letters and for a commit.
_AFTER_LAST_RESPONSE = 5

ValidAbove = Mapping[str, Any]
"""The valid settings above. A wrong setting is missing here, so that it causes no second mistake."""


def _check_kafka_config(value: Any, above: ValidAbove) -> None:
    options = value.get_secret_value()
    refused = list(kafka_options.refusals(options))
    require(not refused, "\n".join(refused))
    protocol = str(options.get("security.protocol", "")).strip().lower()
    expected = {protocol} if protocol else {"plaintext", "sasl_ssl"}  # the default, and that of KAFKA_MSK_REGION
    require(
        expected.issuperset(bootstrap_servers.protocols(above.get("kafka_bootstrap_servers", ""))),
        "security.protocol must be the protocol in front of the servers in KAFKA_BOOTSTRAP_SERVERS",
    )


def _check_msk_region(value: str | None, above: ValidAbove) -> None:
    if value and "kafka_config" in above:
        options = above["kafka_config"].get_secret_value()
        has_credentials = any(name.startswith(("sasl.", "security.")) for name in options)
        require(not has_credentials, "KAFKA_CONFIG sets another authentication: set only one of the two")


def _check_registry_type(value: str, above: ValidAbove) -> None:
    registry = above.get("schema_registry_url", "wrong")
    require(value == "confluent" or registry, "needs SCHEMA_REGISTRY_URL: without it the service asks no registry")
    wrong = url_mistakes(value, registry) if registry and registry != "wrong" else []
    require(not wrong, "\n".join(wrong))


def _check_registry_config(value: Any, above: ValidAbove) -> None:
    options = value.get_secret_value()
    registry, url = above.get("schema_registry_type"), above.get("schema_registry_url", "wrong")
    wrong = mistakes(options) or (type_mistakes(options, registry, url or "") if registry and url != "wrong" else [])
    require(not wrong, "\n".join(wrong))
    require(url or not options, "needs SCHEMA_REGISTRY_URL: without it the service asks no registry")


def _check_framing(value: str, above: ValidAbove) -> None:
    registry = above.get("schema_registry_url", "wrong")
    require(
        value in ("raw", "single-object") or registry,
        f"{value} needs SCHEMA_REGISTRY_URL, because records name their schema by id; without a registry only raw and "
        "single-object are possible",
    )
    registry_type = above.get("schema_registry_type")
    needed = REGISTRY_OF.get(value)
    require(
        not (needed and registry_type) or needed == registry_type,
        f"{value} needs SCHEMA_REGISTRY_TYPE={needed}, which is {registry_type}",
    )
    if registry_type and "schema_registry_config" in above and has_apicurio_prefix(value, registry_type):
        require(
            USE_ID in above["schema_registry_config"].get_secret_value(),
            f"{value} needs {USE_ID} in SCHEMA_REGISTRY_CONFIG, because values do not tell the kind of their ids: set "
            "what the producers set, or else contentId for version 3 of Apicurio's library and globalId for version 2",
        )


def _check_write_key(value: Any, _above: ValidAbove) -> None:
    key = value.get_secret_value()
    if key:
        validators.write_key(key)


def _check_write_keys(value: Any, above: ValidAbove) -> None:
    if "segment_write_key" in above:
        has_single_key = bool(above["segment_write_key"].get_secret_value())
        has_keys = bool(value.get_secret_value())
        require(has_single_key or has_keys, "this or SEGMENT_WRITE_KEY is required")
        require(not (has_single_key and has_keys), "SEGMENT_WRITE_KEY is set too: set only one of the two")


def _check_endpoint(value: str | None, above: ValidAbove) -> None:
    if value:
        require(not above.get("segment_region"), "SEGMENT_REGION is set too: set only one of the two")
        urls.endpoint(value, allow_http=above.get("segment_allow_http", True))


def _check_buffered_bytes(value: int, above: ValidAbove) -> None:
    enough = value >= above.get("batch_max_bytes", 0)
    require(enough, "must be at least BATCH_MAX_BYTES: otherwise no batch is ever full")


def _check_dead_letter_topic(value: str, above: ValidAbove) -> None:
    differs = value != above.get("kafka_topic")
    require(differs, "must not be KAFKA_TOPIC: the service would read its dead letters again, without end")


def _check_shutdown_timeout(value: float, above: ValidAbove) -> None:
    attempt_seconds = above.get("segment_timeout_seconds", 0)
    require(
        value >= attempt_seconds + _AFTER_LAST_RESPONSE,
        f"must be at least {_AFTER_LAST_RESPONSE} more than SEGMENT_TIMEOUT_SECONDS: "
        "a drain waits for open requests, and then for dead letters and a commit",
    )


def _check_https_proxy(value: Any, above: ValidAbove) -> None:
    if value.get_secret_value() and above.get("trust_proxy_env"):
        Proxy.parse(value.get_secret_value())


RULES: Mapping[str, Callable[[Any, ValidAbove], None]] = {
    "kafka_config": _check_kafka_config,
    "kafka_msk_region": _check_msk_region,
    "schema_registry_type": _check_registry_type,
    "schema_registry_config": _check_registry_config,
    "avro_framing": _check_framing,
    "segment_write_key": _check_write_key,
    "segment_write_keys": _check_write_keys,
    "segment_endpoint": _check_endpoint,
    "max_buffered_bytes": _check_buffered_bytes,
    "dead_letter_topic": _check_dead_letter_topic,
    "https_proxy": _check_https_proxy,
    "shutdown_timeout_seconds": _check_shutdown_timeout,
}
