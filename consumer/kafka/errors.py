"""Explanations of Kafka's errors for people: what is wrong, and which setting to check."""

from collections.abc import Mapping

from confluent_kafka import KafkaError

_NO_BROKER = "no broker answers: check KAFKA_BOOTSTRAP_SERVERS"
_BAD_CREDENTIALS = "SASL fails: the broker refuses the credentials, check sasl.* in KAFKA_CONFIG"
_BAD_MECHANISM = "SASL fails: the broker does not support the mechanism, check sasl.mechanism"
_UNREACHABLE = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)
_TEXTS: Mapping[int, str] = {
    KafkaError._SSL: "TLS fails: check security.protocol and ssl.* in KAFKA_CONFIG",
    KafkaError._AUTHENTICATION: _BAD_CREDENTIALS,
    KafkaError.SASL_AUTHENTICATION_FAILED: _BAD_CREDENTIALS,
    KafkaError.UNSUPPORTED_SASL_MECHANISM: _BAD_MECHANISM,
    KafkaError._RESOLVE: "the name of a broker cannot be resolved: check KAFKA_BOOTSTRAP_SERVERS",
    **dict.fromkeys(_UNREACHABLE, _NO_BROKER),
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "not permitted: the principal needs a permission for this topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "not permitted: the principal needs a permission for this group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "not permitted: the principal needs a permission for the cluster",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "there is no such topic",
    KafkaError._UNKNOWN_TOPIC: "there is no such topic",
    KafkaError._UNKNOWN_PARTITION: "there is no such partition",
}

# What to do after a fatal error. The client names the cause of such an error in its text only.
_ADVICE: Mapping[int, str] = {
    KafkaError.GROUP_ID_NOT_FOUND: "if members with another group.protocol are in the group, stop all members first",
}

# The errors of a connection that explain all errors after them, the more specific ones first.
_ROOT_CAUSES = (
    KafkaError._SSL,
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError._RESOLVE,
)


def describe(error: KafkaError) -> str:
    """One line: the explanation above if there is one, and the client's own text where that says more."""
    text, client_text = _TEXTS.get(error.code(), ""), error.str()
    if not text:
        return client_text
    return f"{text} ({client_text})" if error.code() in _ROOT_CAUSES else text


def describe_fatal(error: KafkaError) -> str:
    """The client's text, with what to do if there is more to say."""
    text = error.str()
    return ": ".join([text, *(advice for code, advice in _ADVICE.items() if KafkaError(code).str() in text)])


class ConnectionErrors:
    """
    The first error of each code that a client reports of its connections.

    It is the client's `error_cb`, because a call that times out does not say what failed.
    """

    def __init__(self) -> None:
        self._errors: dict[int, KafkaError] = {}

    def __call__(self, error: KafkaError) -> None:
        self._errors.setdefault(error.code(), error)

    def explain(self, error: KafkaError) -> str:
        """The cause of `error`, which a call of this client returned."""
        for code in _ROOT_CAUSES:
            if code in self._errors:
                return describe(self._errors[code])
        transport_error = self._errors.get(KafkaError._TRANSPORT)
        if error.code() not in _UNREACHABLE or transport_error is None:
            return describe(error)
        text = _NO_BROKER
        if "SSL_HANDSHAKE" in transport_error.str():  # the state in which a listener without TLS disconnects
            text = _TEXTS[KafkaError._SSL]
        return f"{text} ({transport_error.str()})"

    @property
    def is_conclusive(self) -> bool:
        """Whether another attempt cannot succeed."""
        return any(code in self._errors for code in _ROOT_CAUSES)

    @property
    def all_down(self) -> bool:
        """Whether each broker that is known was tried without success."""
        return KafkaError._ALL_BROKERS_DOWN in self._errors
