"""The broker loses the end of a log, as after a restored volume or an unclean election. The topic is the same."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from statistics import median
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.log_check import LogCheck, LogExtent
from consumer.kafka.mock_broker import records
from consumer.kafka.records import LogPosition
from tests.faults.producer import delivered
from tests.support import KEYS, Flow, Member, metric, wait_until

PARTITION = 0
KEPT, LOST, NEW = 60, 10, 25
RECORDS_EACH = 50  # more than the client fetches before it takes the next partition


class TruncatedLog:
    """One topic of one partition, its member, and each record that the topic ever had, by its messageId's end."""

    def __init__(self, kafka: Any, topic: str, protocol: str, closing: ExitStack) -> None:
        kafka.create_topic(topic, partitions=1)
        kafka.create_topic(f"{topic}.dead-letter", partitions=1)
        self._kafka, self._closing = kafka, closing
        segment = closing.enter_context(SegmentStandIn(KEYS.values()))
        self.flow = Flow(kafka.bootstrap, topic, segment, protocol, partitions=1)
        self._samples = iter(delivered(400, seed=1))
        self.produced: set[str] = set()
        self.member: Member | None = None
        self._files = b""

    def start(self, **settings: str) -> Member:
        self.member = self._closing.enter_context(self.flow.member(**settings))
        return self.member

    def stop(self) -> None:
        assert self.member is not None
        assert self.member.terminate() == 0
        self.member = None

    def produce(self, count: int) -> None:
        producer = self.flow.producer()
        for _ in range(count):
            self.flow.produce_sample(producer, next(self._samples))
        assert producer.flush(30) == 0
        for record in records(self.flow.bootstrap, self.flow.topic):
            self.produced.add(f"{PARTITION}-{record.offset()}-{record.timestamp()[1]}")

    def settle(self, end: int) -> None:
        wait_until(lambda: self.flow.committed() == {PARTITION: end}, f"offset {end} to be committed")

    def copy(self) -> None:
        self._files = self._kafka.copy_log(self.flow.topic, PARTITION)

    def truncate(self) -> None:
        """Call this while the broker is shut down."""
        self._kafka.restore_log(self._files)

    @property
    def delivered(self) -> Counter[str]:
        """How often each record was delivered."""
        message_ids = [str(accepted.event["messageId"]) for accepted in self.flow.segment.accepted]
        dropped = [message_id for reason, message_id in self.flow.segment.dropped if reason == "duplicate"]
        return Counter(message_id.split("-", 1)[1] for message_id in [*message_ids, *dropped])

    def wait_for_loss(self) -> None:
        line = self.wait_for("the broker lost records that were read")
        assert (line["partition"], line["offset"], line["lost"]) == (PARTITION, KEPT + LOST, LOST)

    def check_loss(self) -> None:
        """Everything was delivered once, and the loss is counted."""
        self.settle(KEPT + NEW)
        self.wait_for_loss()
        assert self.member is not None
        assert metric(self.member.url, "records_lost_to_truncation_total") == LOST
        self.stop()
        assert self.delivered == Counter(self.produced)

    def wait_for(self, event: str) -> dict[str, Any]:
        """The one log line with this event."""
        text, lines = f'"event": "{event}"', list[str]()

        def is_logged() -> bool:
            assert self.member is not None
            lines[:] = [line for line in self.member.lines if text in line]
            return bool(lines)

        try:
            wait_until(is_logged, f"the log message {event}")
        except AssertionError as error:
            assert self.member is not None
            raise AssertionError("\n".join([str(error), *self.member.lines[-30:]])) from None
        (line,) = lines
        return dict(json.loads(line))


@pytest.mark.parametrize("protocol", ["consumer", "classic"], indirect=True)
def test_records_that_the_broker_lost_are_counted_and_the_others_are_delivered_once(
    kafka: Any, topic: str, protocol: str
) -> None:
    """
    One member runs all the time, one starts when the log has stepped back, and one when it has new records as well, at
    the offsets of the lost ones. The fourth must not go on by itself.
    """
    with ExitStack() as closing:
        modes = ("running", "stopped", "newer", "blocked")
        running, stopped, newer, blocked = logs = [
            TruncatedLog(kafka, f"{topic}.{mode}", protocol, closing) for mode in modes
        ]
        for log in logs:
            log.produce(KEPT)
        with kafka.shut_down():
            for log in logs:
                log.copy()
        for log in logs:
            log.produce(LOST)
            log.start()
            log.settle(KEPT + LOST)
        for log in (stopped, newer, blocked):
            log.stop()
        truncate(kafka, logs)
        for log in (newer, blocked):
            log.produce(NEW)
        for log in (stopped, newer):
            log.start()
        blocked.start(KAFKA_AUTO_OFFSET_RESET="error")
        for log in (running, stopped):
            log.wait_for_loss()
            log.produce(NEW)
        for log in (running, stopped, newer):
            log.check_loss()
        line = blocked.wait_for("partition blocked: operator action required")
        assert (line["offset"], line["reason"]) == (KEPT + LOST, "log_truncated")
        blocked.stop()
        assert blocked.flow.committed() == {PARTITION: KEPT + LOST}


def test_many_logs_with_a_new_leader_are_compared_at_once(kafka: Any, topic: str) -> None:
    """As in each assignment after a leader has changed. One of the logs has lost records."""
    partitions = 30
    kafka.create_topic(topic, partitions=partitions)
    positions = {partition: LogPosition(1, leader_epoch=0) for partition in range(partitions)}
    positions[3] = LogPosition(RECORDS_EACH + 1, leader_epoch=0)
    produce_to_each(kafka, topic, partitions)
    with kafka.shut_down():
        """Afterwards the leaders have another epoch."""
    produce_to_each(kafka, topic, partitions)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.list_topics(topic, timeout=10)
    log_check = LogCheck({"bootstrap.servers": kafka.bootstrap, "group.id": topic}, admin, topic)
    expected = {**dict.fromkeys(range(partitions), LogExtent(0, 2 * RECORDS_EACH)), 3: LogExtent(0, RECORDS_EACH)}
    durations = []
    for _ in range(5):
        asked_at = time.monotonic()
        assert log_check.extents(positions, seconds=20) == expected
        durations.append(time.monotonic() - asked_at)
    assert median(durations) < 1, durations  # the client can pause for a second after each partition


def produce_to_each(kafka: Any, topic: str, partitions: int) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    for number in range(RECORDS_EACH * partitions):
        producer.produce(topic, b"a record", partition=number % partitions)
    assert producer.flush(30) == 0


def truncate(kafka: Any, logs: Iterable[TruncatedLog]) -> None:
    with kafka.shut_down():
        for log in logs:
            log.truncate()
