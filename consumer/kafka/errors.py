"""Explanations of Kafka's errors for people: what is wrong, and which setting to check."""

from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError

from consumer.kafka import connection_causes
from consumer.kafka.token_errors import without_answer
from consumer.outside_text import outside_text

NO_BROKER = "no broker answers: check KAFKA_BOOTSTRAP_SERVERS"
UNREACHABLE = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)
_NO_TOPIC = "there is no such topic"
NOT_PERMITTED = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)
MISSING_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)

_TEXTS: Mapping[int, str] = {
    KafkaError._SSL: "TLS fails: check security.protocol and ssl.* in KAFKA_CONFIG",
    KafkaError._AUTHENTICATION: "SASL fails: check sasl.* in KAFKA_CONFIG",
    KafkaError.SASL_AUTHENTICATION_FAILED: "SASL fails: check sasl.* in KAFKA_CONFIG",
    **dict.fromkeys(UNREACHABLE, NO_BROKER),
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "not permitted: the principal needs a right to this topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "not permitted: the principal needs READ for this group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "not permitted: the principal needs a right to the cluster",
    **dict.fromkeys(MISSING_TOPIC, _NO_TOPIC),
    KafkaError._UNKNOWN_PARTITION: "there is no such partition",
}

# What to do after a fatal error. The client names the cause of such an error in its text only.
_ADVICE: Mapping[int, str] = {
    KafkaError.GROUP_ID_NOT_FOUND: "if members with another group.protocol are in the group, stop all members first",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "the principal needs READ for this group",
}
MAX_EVIDENCE = 3  # for a cause; a cluster can have many brokers


def describe(error: KafkaError) -> str:
    """One line: the cause if it is known, and the client's own text where that says more."""
    text = error.str()
    if cause := connection_causes.explain(text):
        return with_evidence(cause, [evidence(text)])
    return _TEXTS.get(error.code(), client_text(error))


def with_evidence(cause: str, texts: Sequence[str]) -> str:
    shown = ", ".join(filter(None, texts[:MAX_EVIDENCE]))
    return f"{cause} ({shown})" if shown else cause


def describe_fatal(error: KafkaError) -> str:
    """The client's text, with what to do if there is more to say."""
    text = client_text(error)
    return ": ".join([text, *(advice for code, advice in _ADVICE.items() if KafkaError(code).str() in text)])


def client_text(error: KafkaError) -> str:
    """What the client says, and the name of the error if the client says only where it happened."""
    text = outside_text(without_answer(error.str().strip()))
    if not text or text.endswith(":"):
        return f"{text} {error.name()}".strip()
    return text


def evidence(text: str) -> str:
    """The part of the client's text that shows its cause, such as an address; "" if there is none."""
    return outside_text(connection_causes.evidence(text))
