"""Settings that are valid, and that together do what nobody wants: each is a warning of `run` and of `check`."""

import re
from collections.abc import Iterator, Mapping

from consumer.http_client.no_proxy import NoProxy
from consumer.settings.settings import Settings
from consumer.settings.validators import Scalar

# The form of Segment's keys, as those on public web pages have it: 32 letters and digits, in old workspaces 10.
_SEGMENT_KEY = re.compile(r"[A-Za-z0-9]{32}|[a-z0-9]{10}")
_MAX_PAUSE = 60  # seconds between two batches of MAX_EVENTS_PER_SECOND

_POLL_INTERVAL, _DEFAULT_POLL_INTERVAL = "max.poll.interval.ms", 300_000  # milliseconds (librdkafka, CONFIGURATION.md)


def risks(settings: Settings) -> list[str]:
    """One line for each, without a value that could be a secret."""
    return [
        *_short_poll_interval(settings),
        *_unused_credentials(settings),
        *_unused_registry(settings),
        *_long_pauses(settings),
        *_unchecked_answers(settings),
        *_unusual_keys(settings),
        *_useless_exceptions(settings),
    ]


def _short_poll_interval(settings: Settings) -> Iterator[str]:
    """The group can remove a member in the middle of a drain. Heartbeats go on in a drain, so no other option can."""
    milliseconds = str(_options(settings).get(_POLL_INTERVAL, _DEFAULT_POLL_INTERVAL)).strip()
    if milliseconds.isdecimal() and int(milliseconds) < 1000 * settings.shutdown_timeout_seconds:
        yield (
            f"{_POLL_INTERVAL} of KAFKA_CONFIG is shorter than SHUTDOWN_TIMEOUT_SECONDS: the group can remove a member "
            "that drains"
        )


def _unused_credentials(settings: Settings) -> Iterator[str]:
    options = _options(settings)
    protocol = str(options.get("security.protocol", "plaintext")).strip().lower()
    for prefix, protocols in (("sasl.", ("sasl_plaintext", "sasl_ssl")), ("ssl.", ("ssl", "sasl_ssl"))):
        unused = sorted(name for name in options if name.startswith(prefix))
        if unused and protocol not in protocols and not settings.kafka_msk_region:
            needed = " or ".join(map(str.upper, protocols))
            yield f"{unused[0]} of KAFKA_CONFIG is not used: it needs security.protocol {needed}"


def _unused_registry(settings: Settings) -> Iterator[str]:
    if settings.schema_registry_url and settings.avro_framing == "raw":
        yield "SCHEMA_REGISTRY_URL is not used: with AVRO_FRAMING=raw no record names a schema"


def _long_pauses(settings: Settings) -> Iterator[str]:
    rate = settings.max_events_per_second
    if rate and settings.batch_max_events > rate * _MAX_PAUSE:
        seconds = settings.batch_max_events // rate
        yield f"with BATCH_MAX_EVENTS and MAX_EVENTS_PER_SECOND nothing is sent for {seconds} seconds after a batch"


def _unchecked_answers(settings: Settings) -> Iterator[str]:
    if settings.segment_accept_any_body and not settings.segment_endpoint:
        yield "SEGMENT_ACCEPT_ANY_BODY is for gateways: without SEGMENT_ENDPOINT a proxy's page counts as a success"


def _unusual_keys(settings: Settings) -> Iterator[str]:
    keys = settings.write_keys.values()
    if not settings.segment_endpoint and not all(_SEGMENT_KEY.fullmatch(key.secret) for key in keys):
        yield "a write key does not have the form of Segment's keys, 32 letters and digits: compare it with the source"


def _useless_exceptions(settings: Settings) -> Iterator[str]:
    if settings.trust_proxy_env and settings.https_proxy.get_secret_value():
        for number in NoProxy.parse(settings.no_proxy).mistakes:
            yield f"entry {number} of NO_PROXY matches no host: it is no domain, IP address or CIDR block, and no *"


def _options(settings: Settings) -> Mapping[str, Scalar]:
    options: Mapping[str, Scalar] = settings.kafka_config.get_secret_value()
    return options
