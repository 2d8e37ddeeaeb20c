"""The librdkafka options that KAFKA_CONFIG must not set, each with the guarantee that it would break."""

from collections.abc import Iterator, Mapping

from consumer.settings.validators import Scalar

_COMMITS = "the service commits an offset only after all below it is settled, and only the service knows when that is"
_CONFIRMATION = "a dead letter counts as written only when all in-sync replicas have it, exactly once"
_IMPERSONATION = "credentials and survey responses would go to any host that takes over the broker's address"
_BROKER_SIDE = "with group.protocol=consumer this is set on the broker, and librdkafka refuses to start"
_CALLBACK = "JSON cannot express a callback"

# Names and meanings: librdkafka's CONFIGURATION.md, version 2.16.
REFUSED: Mapping[str, str] = {
    "bootstrap.servers": "set KAFKA_BOOTSTRAP_SERVERS instead",
    "metadata.broker.list": "set KAFKA_BOOTSTRAP_SERVERS instead",
    "group.id": "set KAFKA_GROUP_ID instead",
    "group.instance.id": "set KAFKA_GROUP_INSTANCE_ID instead, because each member needs a different one",
    "auto.offset.reset": "set KAFKA_AUTO_OFFSET_RESET instead",
    "enable.auto.commit": _COMMITS,
    "auto.commit.enable": _COMMITS,
    "auto.commit.interval.ms": _COMMITS,
    "enable.auto.offset.store": _COMMITS,
    "offset.store.method": _COMMITS,
    "offset.store.path": _COMMITS,
    "offset.store.sync.interval.ms": _COMMITS,
    "enable.partition.eof": "the service requires it to pass transaction markers at the end of a partition",
    "isolation.level": "records of an aborted transaction are not valid and must not be sent",
    "partition.assignment.strategy": "the drain of partitions requires the strategy that the service sets",
    "acks": _CONFIRMATION,
    "request.required.acks": _CONFIRMATION,
    "enable.idempotence": _CONFIRMATION,
    "transactional.id": _CONFIRMATION,
    "delivery.report.only.error": _CONFIRMATION,
    "plugin.library.paths": "foreign code in the process could read write keys and survey responses",
    "on_commit": _CALLBACK,
    "on_delivery": _CALLBACK,
    "logger": "the service sets it, see LOG_LEVEL",
    "statistics.interval.ms": "the service sets it, to notice a client that has forgotten all brokers",
}

_REFUSED_VALUES: Mapping[tuple[str, str], str] = {
    ("enable.ssl.certificate.verification", "false"): _IMPERSONATION,
    ("ssl.endpoint.identification.algorithm", "none"): _IMPERSONATION,
    ("enable.sasl.oauthbearer.unsecure.jwt", "true"): "anyone could create such a token",
}

# librdkafka reads booleans like this, in any case (rdkafka_conf.c, rd_kafka_anyconf_set_prop).
_BOOLEANS = {"0": "false", "f": "false", "1": "true", "t": "true"}

_CLASSIC_ONLY = ("session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type", "partition.assignment.strategy")


def refusals(options: Mapping[str, Scalar]) -> Iterator[str]:
    """One line for each refused option, with the reason and without the option's value."""
    is_new_protocol = str(options.get("group.protocol", "classic")).lower() == "consumer"
    for name, value in options.items():
        normalized = str(value).strip().lower()  # the client ignores blanks before a value
        reason = _refusal_reason(name, _BOOLEANS.get(normalized, normalized), is_new_protocol)
        if reason:
            yield f"{name} is refused: {reason}"


def _refusal_reason(name: str, value: str, is_new_protocol: bool) -> str:
    """Why the option is refused; "" if it is allowed."""
    if is_new_protocol and name in _CLASSIC_ONLY:
        return _BROKER_SIDE
    if name.endswith("_cb"):
        return _CALLBACK
    return REFUSED.get(name) or _REFUSED_VALUES.get((name, value), "")
