"""All that knows where a partition is read from."""

from typing import NamedTuple

from consumer.kafka.client_positions import ClientPositions
from consumer.kafka.commits import OffsetCommits
from consumer.kafka.kept_progress import KeptProgress
from consumer.kafka.log_check import LogCheck
from consumer.kafka.partition_topics import PartitionTopics


class PositionSources(NamedTuple):
    """All that knows of positions: the client, the brokers, and this member from before it lost its partitions."""

    client: ClientPositions
    topics: PartitionTopics
    commits: OffsetCommits
    log_check: LogCheck
    kept_progress: KeptProgress
