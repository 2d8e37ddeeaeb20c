"""Questions about where logs begin and end, for a caller that asks again and again and waits a bounded time."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, OffsetSpec

from consumer.kafka.log_offsets import EARLIEST, LATEST, ask_for_offsets, offset_answer


class OffsetAnswers(NamedTuple):
    """
    The first offsets of the logs and their ends, by partition.

    A leader did not answer for the `unanswered` partitions, and refused the questions of `errors`.
    """

    begins: Mapping[int, int]
    ends: Mapping[int, int]
    unanswered: frozenset[int]
    errors: Sequence[KafkaException]


class OffsetQuestions:
    """
    A question without an answer stays open, and is not asked again before it ends.

    Otherwise a leader that hangs would collect a question for each read. `admin` must ask for the topic now and then,
    as for `ask_for_offsets`.
    """

    def __init__(self, admin: AdminClient, topic: str) -> None:
        self._admin, self._topic = admin, topic
        self._begins: dict[int, Future[Any]] = {}
        self._ends: dict[int, Future[Any]] = {}

    def ask(self, partitions: Iterable[int]) -> Sequence[Future[Any]]:
        """Ask where each log begins and ends; it never waits. The open questions, for `wait`."""
        asked = list(partitions)
        self._begins = self._asked(self._begins, asked, EARLIEST)
        self._ends = self._asked(self._ends, asked, LATEST)
        return [*self._begins.values(), *self._ends.values()]

    def answers(self) -> OffsetAnswers:
        """What the leaders have answered since `ask`, without waiting."""
        futures = [*self._begins.values(), *self._ends.values()]
        errors = [error for error in map(_error, futures) if error is not None]
        begins, ends = _offsets(self._begins), _offsets(self._ends)
        silent = [*_silent(self._begins, begins), *_silent(self._ends, ends)]
        return OffsetAnswers(begins, ends, frozenset(silent), errors)

    def _asked(
        self, former: Mapping[int, Future[Any]], partitions: Sequence[int], spec: OffsetSpec
    ) -> dict[int, Future[Any]]:
        """The questions that are still open, and new ones for the other partitions."""
        still_open = {partition: answer for partition, answer in former.items() if not answer.done()}
        missing = [partition for partition in partitions if partition not in still_open]
        return {**still_open, **ask_for_offsets(self._admin, self._topic, missing, spec)}


def _offsets(questions: Mapping[int, Future[Any]]) -> dict[int, int]:
    answers = {partition: offset_answer(future) for partition, future in questions.items()}
    return {partition: answer.offset for partition, answer in answers.items() if answer is not None}


def _error(answer: Future[Any]) -> KafkaException | None:
    error = answer.exception() if answer.done() else None
    return error if isinstance(error, KafkaException) else None


def _silent(questions: Mapping[int, Future[Any]], answered: Mapping[int, int]) -> Sequence[int]:
    return [
        partition for partition, answer in questions.items() if partition not in answered and _error(answer) is None
    ]
