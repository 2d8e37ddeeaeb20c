"""The group is read in the background while somebody looks, and nothing exists while nobody does."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from consumer.observability import group_watch
from consumer.observability.group_watch import WANTED_SECONDS, GroupWatch
from tests.support import wait_until

pytestmark = pytest.mark.timeout(30)  # a thread that spins fails its test

UNREAD = {"read_at": 0, "problems": []}


class FakeClock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeReaders:
    """Opens readers, each of whose reads waits until the test lets it go on, and gives the number of reads so far."""

    def __init__(self) -> None:
        self.opened = self.closed = self.reads = 0
        self.error: Exception | None = None
        self.partitions = [{"partition": 0}]
        self.may_read = threading.Event()
        self.may_read.set()

    def open(self) -> "FakeReaders":
        self.opened += 1
        return self

    def read(self) -> Mapping[str, Any]:
        assert self.may_read.wait(30)
        self.reads += 1
        if self.error:
            raise self.error
        return {"read_at": self.reads, "problems": [], "client_id": "\x1b[31mred", "partitions": self.partitions}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def readers() -> FakeReaders:
    return FakeReaders()


@pytest.fixture
def watch(readers: FakeReaders, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[GroupWatch]:
    monkeypatch.setattr(group_watch, "REFRESH_SECONDS", 0.001)
    watch = GroupWatch(readers.open, UNREAD, clock)
    yield watch
    watch.close()


def test_nothing_is_opened_before_somebody_looks(watch: GroupWatch, readers: FakeReaders) -> None:
    assert readers.opened == 0


def test_a_look_does_not_wait_for_a_read(watch: GroupWatch, readers: FakeReaders) -> None:
    readers.may_read.clear()
    assert watch.latest() == UNREAD
    assert watch.latest() == UNREAD
    readers.may_read.set()
    wait_until(lambda: watch.latest() != UNREAD, "the first read")
    assert readers.opened == 1


def test_the_group_is_read_again_while_somebody_looks(watch: GroupWatch, readers: FakeReaders) -> None:
    wait_until(lambda: watch.latest()["read_at"] > 3, "several reads")
    assert readers.opened == 1


def test_all_is_closed_when_nobody_looks_and_the_next_look_opens_it_again(
    watch: GroupWatch, readers: FakeReaders, clock: FakeClock
) -> None:
    watch.latest()
    clock.now += WANTED_SECONDS
    wait_until(lambda: readers.reads > 3, "reads until the last moment")
    assert readers.closed == 0
    clock.now += 1
    wait_until(lambda: readers.closed == 1, "the reader to be closed")
    wait_until(lambda: not watch._is_running, "the end of the thread")
    reads = readers.reads
    assert watch.latest()["read_at"] == reads  # the last report, with its time
    wait_until(lambda: readers.reads > reads, "a read")
    assert readers.opened == 2


def test_texts_from_outside_are_escaped(watch: GroupWatch) -> None:
    wait_until(lambda: watch.latest()["read_at"], "a read")
    assert watch.latest()["client_id"] == "\\x1b[31mred"


def test_a_defect_is_shown_and_the_next_read_may_succeed(watch: GroupWatch, readers: FakeReaders) -> None:
    readers.error = ValueError("data of a record")
    wait_until(lambda: watch.latest()["problems"], "the defect to be shown")
    (problem,) = watch.latest()["problems"]
    assert problem.startswith("internal error: ValueError")
    assert "data of a record" not in problem
    readers.error = None
    wait_until(lambda: not watch.latest()["problems"] and watch.latest()["read_at"], "a report")
    wait_until(lambda: readers.opened == readers.closed + 1, "one open reader")


def test_a_read_without_an_answer_opens_new_connections(watch: GroupWatch, readers: FakeReaders) -> None:
    """A Kafka client can forget all brokers, and only a new one connects again."""
    readers.partitions = []
    watch.latest()
    wait_until(lambda: readers.opened > 2, "new connections")
    assert readers.opened - readers.closed <= 1


def test_a_closed_watch_reads_no_more(watch: GroupWatch, readers: FakeReaders) -> None:
    watch.latest()
    wait_until(lambda: readers.reads, "a read")
    watch.close()
    wait_until(lambda: readers.closed == readers.opened, "the reader to be closed")
    opened = readers.opened
    watch.latest()
    assert readers.opened == opened
