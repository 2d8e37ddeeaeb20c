"""What Kafka's errors say to people: what is wrong, and which setting to look at."""

from collections.abc import Mapping

from confluent_kafka import KafkaError

_NOBODY = "no broker answers: look at KAFKA_BOOTSTRAP_SERVERS"
_AWAY = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)
_TEXTS: Mapping[int, str] = {
    KafkaError._SSL: "TLS fails: look at security.protocol and ssl.* in KAFKA_CONFIG",
    KafkaError._AUTHENTICATION: "SASL: the broker refuses the credentials: look at sasl.* in KAFKA_CONFIG",
    KafkaError.SASL_AUTHENTICATION_FAILED: "SASL: the broker refuses the credentials: look at sasl.* in KAFKA_CONFIG",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "SASL: the broker does not know the mechanism: look at sasl.mechanism",
    KafkaError._RESOLVE: "a broker's name is unknown: look at KAFKA_BOOTSTRAP_SERVERS",
    **dict.fromkeys(_AWAY, _NOBODY),
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "not permitted: the principal needs a right to this topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "not permitted: the principal needs a right to this group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "not permitted: the principal needs a right to the cluster",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "there is no such topic",
    KafkaError._UNKNOWN_TOPIC: "there is no such topic",
    KafkaError._UNKNOWN_PARTITION: "there is no such partition",
}

# What a client reports of its connections, the more telling first: all that follows it is its consequence.
_TELLING = (
    KafkaError._SSL,
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError._RESOLVE,
)


def told(error: KafkaError) -> str:
    """One line: ours where we know the error, with the client's own words behind it."""
    ours, theirs = _TEXTS.get(error.code(), ""), error.str()
    return f"{ours} ({theirs})" if ours and error.code() in _TELLING else ours or theirs


class Troubles:
    """What a client reports of its connections, as its `error_cb`; a call that waits in vain knows nothing of it."""

    def __init__(self) -> None:
        self._met: dict[int, KafkaError] = {}

    def __call__(self, error: KafkaError) -> None:
        self._met.setdefault(error.code(), error)

    def why(self, error: KafkaError) -> str:
        """What is behind `error`, which a call of this client came back with."""
        for code in _TELLING:
            if code in self._met:
                return told(self._met[code])
        seen = self._met.get(KafkaError._TRANSPORT) if error.code() in _AWAY else None
        if seen and "SSL_HANDSHAKE" in seen.str():  # the state in which a listener without TLS hangs up
            return f"{_TEXTS[KafkaError._SSL]} ({seen.str()})"
        return f"{_NOBODY} ({seen.str()})" if seen else told(error)

    @property
    def decided(self) -> bool:
        """Whether trying on is of no use."""
        return any(code in self._met for code in _TELLING)

    @property
    def all_down(self) -> bool:
        """Whether each broker that is known was tried, in vain."""
        return KafkaError._ALL_BROKERS_DOWN in self._met
