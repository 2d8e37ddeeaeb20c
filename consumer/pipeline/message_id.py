"""The messageId, by which Segment recognises a repeat: a pure function of the Kafka record and one namespace."""

import hashlib

from consumer.model import Record


def message_id_prefix(namespace: str, topic: str) -> str:
    """16 hex digits that no other source or topic has, because Segment deduplicates across all sources."""
    return hashlib.sha256(f"{namespace}\0{topic}".encode()).hexdigest()[:16]


def message_id(prefix: str, record: Record) -> str:
    """`PREFIX-PARTITION-OFFSET-TIMESTAMP`: the same for the same record, whenever it is sent."""
    return f"{prefix}-{record.partition}-{record.offset}-{record.timestamp}"
