"""The librdkafka options that KAFKA_CONFIG may not hold, each with the promise that it would break."""

from collections.abc import Iterator, Mapping

from consumer.settings.validators import Scalar

_COMMIT = "an offset is committed only after all below it is settled, which the service alone knows"
_CONFIRM = "a dead letter counts as kept only when all in-sync replicas have it, once"
_ANYONE = "credentials and answers would go to whoever takes the broker's address"
_BROKER_SIDE = "with group.protocol=consumer this is set on the broker, and librdkafka refuses to start"

# Names and meanings: librdkafka's CONFIGURATION.md, version 2.16.
REFUSED: Mapping[str, str] = {
    "bootstrap.servers": "set KAFKA_BOOTSTRAP_SERVERS instead",
    "metadata.broker.list": "set KAFKA_BOOTSTRAP_SERVERS instead",
    "group.id": "set KAFKA_GROUP_ID instead",
    "group.instance.id": "set KAFKA_GROUP_INSTANCE_ID instead, as each member needs its own",
    "auto.offset.reset": "set KAFKA_AUTO_OFFSET_RESET instead",
    "enable.auto.commit": _COMMIT,
    "auto.commit.enable": _COMMIT,
    "auto.commit.interval.ms": _COMMIT,
    "enable.auto.offset.store": _COMMIT,
    "offset.store.method": _COMMIT,
    "offset.store.path": _COMMIT,
    "offset.store.sync.interval.ms": _COMMIT,
    "enable.partition.eof": "the service relies on it to move over transaction markers at the end of a partition",
    "isolation.level": "answers of a transaction that was aborted never took place and must not be sent",
    "partition.assignment.strategy": "the hand-over of partitions is made for the strategy that the service sets",
    "acks": _CONFIRM,
    "request.required.acks": _CONFIRM,
    "enable.idempotence": _CONFIRM,
    "transactional.id": _CONFIRM,
    "delivery.report.only.error": _CONFIRM,
    "plugin.library.paths": "foreign code in the process could read keys and answers",
    "on_commit": "a callback cannot be given as JSON",
    "on_delivery": "a callback cannot be given as JSON",
    "logger": "the service sets it, see LOG_LEVEL",
}

_REFUSED_VALUES: Mapping[tuple[str, str], str] = {
    ("enable.ssl.certificate.verification", "false"): _ANYONE,
    ("ssl.endpoint.identification.algorithm", "none"): _ANYONE,
    ("enable.sasl.oauthbearer.unsecure.jwt", "true"): "anyone could make such a token",
}

# As librdkafka reads a boolean (rdkafka_conf.c, rd_kafka_anyconf_set_prop), in any case.
_BOOLEANS = {"0": "false", "f": "false", "1": "true", "t": "true"}

_CLASSIC_ONLY = ("session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type", "partition.assignment.strategy")


def refusals(options: Mapping[str, Scalar]) -> Iterator[str]:
    """One line for each option that is refused, with the reason; never the value that was given."""
    new_protocol = str(options.get("group.protocol", "classic")).lower() == "consumer"
    for name, value in options.items():
        read = str(value).strip().lower()  # the client passes over blanks before a value
        if reason := _reason(name, _BOOLEANS.get(read, read), new_protocol):
            yield f"{name} is refused: {reason}"


def _reason(name: str, value: str, new_protocol: bool) -> str:
    if new_protocol and name in _CLASSIC_ONLY:
        return _BROKER_SIDE
    if name.endswith("_cb"):
        return "a callback cannot be given as JSON"
    return REFUSED.get(name) or _REFUSED_VALUES.get((name, value), "")
