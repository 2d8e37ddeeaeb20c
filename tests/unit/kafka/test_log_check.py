"""The check of a log whose client hangs when it is closed, as one can whose brokers have stopped."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from consumer.kafka import log_check
from consumer.kafka.log_check import CLOSE_SECONDS, LogCheck
from consumer.kafka.records import LogPosition


def test_a_client_that_does_not_close_holds_up_the_loop_for_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    message = SimpleNamespace(error=lambda: None, partition=lambda: 0, offset=lambda: 40)
    client = SimpleNamespace(assign=lambda _: None, poll=lambda _: message, close=ended.wait)
    monkeypatch.setattr(log_check, "Consumer", lambda _: client)
    admin: Any = None
    check = LogCheck({"bootstrap.servers": "127.0.0.1:9", "group.id": "answers"}, admin, "answers")
    began_at = time.monotonic()
    assert check._probe({0: LogPosition(42, leader_epoch=1)}, time.monotonic() + 5) == {0: 40}
    assert CLOSE_SECONDS <= time.monotonic() - began_at < CLOSE_SECONDS + 4
    ended.set()
