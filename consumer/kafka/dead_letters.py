"""Dead letters into the dead-letter topic, and their confirmation."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as ClientMessage

from consumer.closing import close_in_time
from consumer.errors import BrokersForgotten, ServiceError
from consumer.kafka.client_config import create_client, is_fatal
from consumer.kafka.connection_reports import ConnectionReports
from consumer.kafka.dead_letter_headers import Origin, headers_of
from consumer.kafka.errors import client_text, describe
from consumer.kafka.known_brokers import KnownBrokers
from consumer.model import DeadLetter, Record, RecordAddress
from consumer.reasons import BlockReason
from consumer.waits import Wait, WaitKind

UnwrapRecord = Callable[[Record], Record]

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 1.0

# These errors are about the record itself, so the broker would return them at each attempt.
REFUSALS = {
    KafkaError.MSG_SIZE_TOO_LARGE: BlockReason.DEAD_LETTER_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE: BlockReason.DEAD_LETTER_TOO_LARGE,
    KafkaError.INVALID_RECORD: BlockReason.DEAD_LETTER_REFUSED,
    KafkaError.POLICY_VIOLATION: BlockReason.DEAD_LETTER_REFUSED,
}


@dataclass(frozen=True, slots=True)
class DeliveryReports:
    """The dead letters that the topic holds, and those that it will never accept, with the reason."""

    confirmed: Sequence[DeadLetter] = ()
    refused: Sequence[tuple[DeadLetter, str]] = ()


@dataclass(slots=True)
class _Sending:
    """A dead letter that the producer holds. It cannot be taken back, even if its partition is lost."""

    dead_letter: DeadLetter


def record_itself(record: Record) -> Record:
    """The record that was read is itself the rejected record."""
    return record


class DeadLetterWriter:
    """
    Sends each dead letter again until the topic holds it, refuses it for good, or its partition is forgotten.

    All of its state belongs to the thread that calls it: the producer's callbacks run inside `advance`.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        topic: str,
        source_topic: str,
        version: str,
        unwrap: UnwrapRecord = record_itself,
    ) -> None:
        """`unwrap` gives the record to write, with its address, if the record that was read only holds a copy of it."""
        self._reports = ConnectionReports(config)
        self._reports.is_quiet = True  # nobody waits for this client before the first dead letter
        self._config = {**config, **self._reports.options, "error_cb": self._reports.warn}
        self._connect()
        self._topic, self._unwrap = topic, unwrap
        self._origin = Origin(source_topic, version)
        self._open: set[DeadLetter] = set()
        self._sending: dict[RecordAddress, _Sending] = {}
        self._to_send: deque[DeadLetter] = deque()
        self._confirmed: list[DeadLetter] = []
        self._refused: list[tuple[DeadLetter, str]] = []
        self._next_send_at = float("-inf")
        self._failure: Wait | None = None  # None: the topic confirmed the last one
        self._fatal = ""

    def _connect(self) -> None:
        self._known_brokers = KnownBrokers()
        self._producer = create_client(Producer, {**self._config, **self._known_brokers.options()})

    def put(self, dead_letter: DeadLetter) -> None:
        """
        Send a dead letter.

        It is not sent twice if its partition was lost and came back, and the producer still holds it from before.
        """
        self._reports.is_quiet = False
        self._open.add(dead_letter)
        sending = self._sending.get(dead_letter.record.address)
        if sending is not None and _content(sending.dead_letter) == _content(dead_letter):
            sending.dead_letter = dead_letter
        else:
            self._to_send.append(dead_letter)

    def forget(self, partitions: Set[int]) -> None:
        """Send no dead letter of these partitions again, and report none."""
        self._open = {dead_letter for dead_letter in self._open if dead_letter.record.partition not in partitions}

    def advance(self, now: float, wait: float = 0) -> DeliveryReports:
        """Send what is due and collect the reports of `wait` seconds at most. `now` is in monotonic seconds."""
        while self._to_send and now >= self._next_send_at:
            dead_letter = self._to_send.popleft()
            if dead_letter in self._open:
                self._send(dead_letter, now)
        self._poll(wait)
        if self._known_brokers.are_forgotten:
            log.warning("writing dead letters with a new Kafka client", extra={"error": str(BrokersForgotten())})
            self._producer.purge()
            self._poll(0)  # what the client held is sent again
            close_in_time(self._producer.close, 0)
            self._connect()
        if self._fatal:
            raise ServiceError(f"the producer of dead letters cannot continue: {self._fatal}")
        reports = DeliveryReports(self._confirmed, self._refused)
        self._confirmed, self._refused = [], []
        return reports

    @property
    def waits(self) -> Sequence[Wait]:
        """The topic, while it does not confirm what is sent again."""
        if self._failure is None or not self._open:
            return ()
        return [self._failure._replace(next_try_at=self._next_send_at)]

    def close(self) -> None:
        """Drop what is not confirmed. The next owner writes it again, because its records are not committed."""
        self._producer.purge()
        self._producer.close()

    def _poll(self, wait: float) -> None:
        try:
            self._producer.poll(wait)
        except KafkaException as error:
            self._fatal = client_text(error.args[0])

    def _send(self, dead_letter: DeadLetter, now: float) -> None:
        sending, address = _Sending(dead_letter), dead_letter.record.address

        def on_delivery(error: KafkaError | None, _: ClientMessage) -> None:
            if self._sending.get(address) is sending:
                del self._sending[address]
            self._report(sending.dead_letter, error, now)

        record = self._unwrap(dead_letter.record)
        headers = headers_of(dead_letter, record, self._origin)
        try:
            # Without a timestamp the client takes the present time. The retention of the topic counts from it: with the
            # timestamp of an old record the topic would delete the dead letter at once.
            self._producer.produce(self._topic, record.value, record.key, headers=headers, on_delivery=on_delivery)
            self._sending[address] = sending
        except BufferError:
            self._retry(dead_letter, now)
        except KafkaException as error:
            self._report(dead_letter, error.args[0], now)

    def _report(self, dead_letter: DeadLetter, error: KafkaError | None, now: float) -> None:
        if error is not None and is_fatal(error):  # this producer cannot write any dead letter from now on
            self._fatal = client_text(error)
        elif dead_letter not in self._open:
            return
        elif error is None:
            self._failure = None
            self._open.remove(dead_letter)
            self._confirmed.append(dead_letter)
        elif error.code() in REFUSALS:
            self._open.remove(dead_letter)
            self._refused.append((dead_letter, REFUSALS[error.code()]))
        else:
            log.warning(
                "dead letter not written, retrying", extra={**_log_fields(dead_letter), "error": describe(error)}
            )
            since = self._failure.since if self._failure else now
            self._failure = Wait(WaitKind.DEAD_LETTER, str(dead_letter.record.address), since, describe(error))
            self._retry(dead_letter, now)

    def _retry(self, dead_letter: DeadLetter, now: float) -> None:
        self._to_send.append(dead_letter)
        self._next_send_at = now + RETRY_AFTER_SECONDS


def _content(dead_letter: DeadLetter) -> tuple[object, ...]:
    """What tells records apart: a recreated topic has another one at the same address."""
    return dead_letter.record.timestamp, dead_letter.record.key, dead_letter.record.value


def _log_fields(dead_letter: DeadLetter) -> dict[str, object]:
    record = dead_letter.record
    return {"partition": record.partition, "offset": record.offset, "reason": dead_letter.rejected.reason}
