"""The parts that deliver events: buffers, the queue, the client of Segment and the audit log."""

import random
from collections.abc import Sequence
from contextlib import ExitStack

from consumer.attempt import ObserveAttempt
from consumer.factories.common import VERSION, proxies
from consumer.observability.audit_file import AuditFile
from consumer.observability.audit_log import AuditLog
from consumer.pipeline.backpressure import BufferLimits
from consumer.pipeline.batch import BatchLimits
from consumer.pipeline.buffers import PartitionBuffers
from consumer.pipeline.rejections import RejectionLimits
from consumer.segment.body import overhead
from consumer.segment.client import Endpoint, SegmentClient
from consumer.segment.send_queue import RequestLimits, SendQueue
from consumer.settings import Settings


def audit_log(settings: Settings, topic: str, closing: ExitStack) -> AuditLog | None:
    """The audit log of the records of this topic; None without AUDIT_LOG. Raises ServiceError."""
    if settings.audit_log is None:
        return None
    audit = AuditLog(AuditFile(settings.audit_log), topic)
    closing.callback(audit.close)
    return audit


def segment_client(settings: Settings, observers: Sequence[ObserveAttempt] = ()) -> SegmentClient:
    return SegmentClient(segment_endpoint(settings), proxies(settings), observers)


def segment_endpoint(settings: Settings) -> Endpoint:
    return Endpoint(
        settings.endpoint,
        settings.segment_timeout_seconds,
        settings.segment_gzip,
        settings.segment_accept_any_body,
        f"sprig-to-segment/{VERSION}",
    )


def send_queue(settings: Settings) -> SendQueue:
    limits = RequestLimits(
        settings.batch_max_events,
        settings.batch_max_bytes,
        settings.max_consecutive_refusals,
        settings.max_events_per_second,
    )
    return SendQueue(list(settings.write_keys.values()), limits, random.Random())  # noqa: S311 - jitter


def rejection_limits(settings: Settings) -> RejectionLimits:
    in_a_row = settings.max_consecutive_dead_letters
    return RejectionLimits(in_a_row, in_a_row, settings.max_rejected_before_success)


def partition_buffers(settings: Settings, rejections: RejectionLimits) -> PartitionBuffers:
    body_bytes = settings.batch_max_bytes - max(map(overhead, settings.write_keys.values()))
    batch = BatchLimits(settings.batch_max_events, body_bytes, rejections)
    return PartitionBuffers(BufferLimits(batch, settings.max_buffered_bytes), settings.batch_linger_seconds)
