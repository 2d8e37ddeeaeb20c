"""A part that hangs when it is closed holds nothing up."""

import threading
import time

from consumer.closing import close_in_time


def test_a_part_that_does_not_close_is_waited_for_no_longer_than_allowed() -> None:
    ended = threading.Event()
    began_at = time.monotonic()
    assert not close_in_time(ended.wait, 0.1)
    assert time.monotonic() - began_at < 5
    ended.set()
    assert close_in_time(ended.wait)
