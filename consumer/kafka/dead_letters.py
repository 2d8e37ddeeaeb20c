"""Letters into the dead-letter topic, and their confirmation."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as RawMessage

from consumer.errors import ServiceError
from consumer.kafka.client_config import is_fatal, made
from consumer.model import Letter, Message

Unwrap = Callable[[Message], Message]

log = logging.getLogger(__name__)

# What the broker says of the record itself, and would say of it for ever.
REFUSALS = {
    KafkaError.MSG_SIZE_TOO_LARGE: "dead_letter_too_large",
    KafkaError.RECORD_LIST_TOO_LARGE: "dead_letter_too_large",
    KafkaError.INVALID_RECORD: "dead_letter_refused",
    KafkaError.INVALID_TIMESTAMP: "dead_letter_refused",
    KafkaError.POLICY_VIOLATION: "dead_letter_refused",
}
TRY_AGAIN_AFTER = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Reports:
    """What became of letters: those that the topic holds, and those that it will never take, with the reason."""

    confirmed: Sequence[Letter] = ()
    refused: Sequence[tuple[Letter, str]] = ()


def as_it_is(message: Message) -> Message:
    """What was read is the record itself."""
    return message


class DeadLetters:
    """A letter that was put in is sent again until the topic holds it, refuses it for good, or it is revoked."""

    def __init__(
        self, config: Mapping[str, Any], topic: str, source_topic: str, version: str, record: Unwrap = as_it_is
    ) -> None:
        """`record` gives the record that a letter's message holds, whose bytes and address are written."""
        self._producer = made(Producer, {**config, "error_cb": _on_error})
        self._topic, self._record = topic, record
        self._origin = (("topic", source_topic), ("version", version))
        self._to_send: deque[Letter] = deque()
        self._confirmed: list[Letter] = []
        self._refused: list[tuple[Letter, str]] = []
        self._not_before = float("-inf")
        self._fatal = ""

    def put(self, letter: Letter) -> None:
        self._to_send.append(letter)

    def advance(self, now: float, wait: float = 0) -> Reports:
        """Send what waits and collect what was reported within `wait` seconds. `now` in monotonic seconds."""
        while self._to_send and now >= self._not_before:
            letter = self._to_send.popleft()
            if not letter.revoked:
                self._send(letter, now)
        self._poll(wait)
        if self._fatal:
            raise ServiceError(f"the producer of dead letters cannot go on: {self._fatal}")
        reports = Reports(self._confirmed, self._refused)
        self._confirmed, self._refused = [], []
        return reports

    def close(self) -> None:
        """Forget what is not confirmed: its records are not committed, so the next owner makes these letters again."""
        self._producer.purge()
        self._producer.close()

    def _poll(self, wait: float) -> None:
        try:
            self._producer.poll(wait)
        except KafkaException as error:
            self._fatal = error.args[0].str()

    def _send(self, letter: Letter, now: float) -> None:
        def reported(error: KafkaError | None, _: RawMessage) -> None:
            self._reported(letter, error, now)

        message = self._record(letter.message)
        try:
            self._producer.produce(
                self._topic,
                message.value,
                message.key,
                headers=self._headers(letter, message),
                timestamp=max(message.timestamp, 0) if letter.dated else 0,  # 0: the producer's own clock
                on_delivery=reported,
            )
        except BufferError:
            self._again(letter, now)
        except KafkaException as error:
            self._reported(letter, error.args[0], now)

    def _reported(self, letter: Letter, error: KafkaError | None, now: float) -> None:
        if error is None:
            self._confirmed.append(letter)
        elif is_fatal(error):  # no letter would ever be written again, however often it is sent
            self._fatal = error.str()
        elif error.code() == KafkaError.INVALID_TIMESTAMP and letter.dated:
            letter.dated = False  # its own time stands in a header as well
            self._again(letter, now)
        elif error.code() in REFUSALS:
            letter.stuck = True
            self._refused.append((letter, REFUSALS[error.code()]))
        else:
            log.warning("dead letter not written, retrying", extra={**_address(letter), "error": error.str()})
            self._again(letter, now)

    def _again(self, letter: Letter, now: float) -> None:
        self._to_send.append(letter)
        self._not_before = now + TRY_AGAIN_AFTER

    def _headers(self, letter: Letter, message: Message) -> list[tuple[str, str | bytes | None]]:
        ours = [
            *self._origin,
            ("partition", message.partition),
            ("offset", message.offset),
            ("timestamp", message.timestamp),
            ("reason", letter.reason),
            ("stage", letter.stage),
            ("detail", letter.detail),
            ("schema", letter.schema),
            ("attempts", letter.attempts),
        ]
        return [*message.headers, *((f"dead-letter-{name}", str(value).encode()) for name, value in ours)]


def _address(letter: Letter) -> dict[str, object]:
    return {"partition": letter.message.partition, "offset": letter.message.offset, "reason": letter.reason}


def _on_error(error: KafkaError) -> None:
    log.warning("Kafka client error for dead letters, retrying", extra={"error": error.str()})
