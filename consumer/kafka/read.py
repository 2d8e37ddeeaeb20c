"""What one look at the group's records brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consumer.kafka.start_offsets import Reset
from consumer.model import Message


@dataclass(frozen=True, slots=True)
class Read:
    """
    What one read brought: records by partition, ends of partitions that were reached, resets.

    What it brought of `remade` partitions is of a topic that is no more; from now on they bring the new one's records.
    Of `unreadable` ones the next batch cannot be unpacked; the client asks for it again and again.
    """

    messages: Mapping[int, list[Message]] = field(default_factory=dict)
    ends: Mapping[int, int] = field(default_factory=dict)
    resets: Sequence[Reset] = ()
    remade: Sequence[int] = ()
    unreadable: Sequence[int] = ()
