"""What people read of Kafka's errors."""

from confluent_kafka import KafkaError

from consumer.kafka.errors import describe_fatal


def test_a_fatal_error_of_a_group_with_another_protocol_says_what_to_do() -> None:
    """The client's error has the code of all fatal errors, and the broker's error in its text."""
    text = f"ConsumerGroupHeartbeat fatal error: {KafkaError(KafkaError.GROUP_ID_NOT_FOUND).str()}"
    assert describe_fatal(KafkaError(KafkaError._FATAL, text)) == (
        f"{text}: if members with another group.protocol are in the group, stop all members first"
    )


def test_a_fatal_error_of_a_member_without_a_right_says_which() -> None:
    text = f"ConsumerGroupHeartbeat fatal error: {KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED).str()}"
    assert describe_fatal(KafkaError(KafkaError._FATAL, text)) == f"{text}: the principal needs READ for this group"


def test_any_other_fatal_error_is_described_by_the_client() -> None:
    assert describe_fatal(KafkaError(KafkaError.FENCED_INSTANCE_ID, "taken")) == "taken"
