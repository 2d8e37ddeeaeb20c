"""Where the client reads the partitions of the topic, as positions."""

from confluent_kafka import Consumer, TopicPartition

from consumer.kafka.records import LogPosition


class ClientPositions:
    """The assigned partitions of one topic, which the client reads on from where they were moved to."""

    def __init__(self, consumer: Consumer, topic: str) -> None:
        self._consumer, self._topic = consumer, topic

    def position(self, partition: int) -> LogPosition | None:
        """The position behind the last record that the client returned; None if it returned none."""
        (position,) = self._consumer.position([TopicPartition(self._topic, partition)])
        if position.offset < 0:
            return None
        epoch = -1 if position.leader_epoch is None else position.leader_epoch
        return LogPosition(position.offset, epoch)

    def topic_partition(self, partition: int, position: LogPosition) -> TopicPartition:
        """The partition in the form of the client, to be read from the position."""
        return TopicPartition(self._topic, partition, position.offset, "", position.leader_epoch)

    def move(self, partition: int, position: LogPosition) -> None:
        """Let the client read the partition from here. What it had fetched is dropped."""
        self._consumer.incremental_unassign([TopicPartition(self._topic, partition)])
        self._consumer.incremental_assign([self.topic_partition(partition, position)])
