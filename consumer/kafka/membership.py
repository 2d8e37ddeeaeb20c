"""Whether the client is a member of its group, and how it leaves the group without holding it up."""

import time
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

MAX_WAIT_SECONDS = 4.0  # for the end of a rebalance
ANSWER_TIMEOUT = 1.0  # seconds
POLL_TIMEOUT = 0.1  # seconds
CALM_ANSWERS = 2
_REBALANCING = (ConsumerGroupState.PREPARING_REBALANCING, ConsumerGroupState.COMPLETING_REBALANCING)
_METADATA_PREFIX = b"CGMDv2:"
_GENERATION_BYTES = 4


class GroupMembership:
    """
    The client's membership, as the client and the group's coordinator see it.

    In the classic protocol the broker reads nothing more of a member whose JoinGroup it has not answered, and a client
    that is closed does not wait for the answer. So a member that ends meanwhile leaves without a word, and the whole
    group waits for its session timeout.
    """

    def __init__(self, consumer: Consumer, admin: AdminClient, group: str, is_classic: bool) -> None:
        self._consumer, self._admin, self._group, self._is_classic = consumer, admin, group, is_classic
        self.was_assigned = False
        """Whether the client was told its partitions, or that it has none."""
        self.is_leaving = False

    @property
    def is_member(self) -> bool:
        """
        Whether the group has accepted the client, and has assigned partitions to it, or none.

        In the new protocol the client does not report an assignment of no partitions, and the coordinator decides with
        the same answer by which it accepts the member.
        """
        is_assigned = self.was_assigned or not self._is_classic
        return is_assigned and _generation(self._consumer.consumer_group_metadata()) >= 0

    def leave(self) -> None:
        """Leave the group once it does not rebalance, or after `MAX_WAIT_SECONDS`, and close the consumer."""
        self.is_leaving = True
        if self._is_classic:
            self._finish_rebalance(time.monotonic() + MAX_WAIT_SECONDS)
        self._consumer.close()

    def _finish_rebalance(self, ends_at: float) -> None:
        """
        Take part in the rebalance until the group was calm twice, or nobody answers.

        Between the two the client reports the assignment that ended the rebalance: a client that is closed before does
        not leave. And a second rebalance, in which partitions change their owner, begins.
        """
        calm_answers = 0
        while calm_answers < CALM_ANSWERS and time.monotonic() < ends_at:
            state = self._group_state()
            if state is None:
                return
            calm_answers = 0 if state in _REBALANCING else calm_answers + 1
            self._consumer.poll(POLL_TIMEOUT)

    def _group_state(self) -> ConsumerGroupState | None:
        """None without an answer."""
        answer = self._admin.describe_consumer_groups([self._group], request_timeout=ANSWER_TIMEOUT)[self._group]
        try:
            state: ConsumerGroupState = answer.result(ANSWER_TIMEOUT).state
        except (KafkaException, TimeoutError):
            return None
        return state


def _generation(metadata: Any) -> int:
    """
    The generation or epoch of the member, -1 if the group has not accepted it or has removed it.

    The client's `memberid` says less: in the new protocol the client makes it up before it has found a broker. The
    metadata are bytes: a prefix, and the generation as the machine writes an integer (librdkafka,
    rd_kafka_consumer_group_metadata_write).
    """
    text = bytes(metadata)
    assert text.startswith(_METADATA_PREFIX), "the Kafka client has changed its format"
    begin = len(_METADATA_PREFIX)
    return int.from_bytes(text[begin : begin + _GENERATION_BYTES], "little", signed=True)
