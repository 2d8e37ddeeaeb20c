"""
Sets the wall clock of a Python process off by CLOCK_OFF_SECONDS. Python imports this module at its start.

(libfaketime would do the same for the Kafka client as well, but Python's sleeps and waits fail or hang under it.)
"""

import datetime
import os
import time
from typing import Any

_OFF = float(os.environ["CLOCK_OFF_SECONDS"])
_time, _time_ns, _datetime = time.time, time.time_ns, datetime.datetime


class _AnyDatetime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _datetime)


class _ShiftedDatetime(datetime.datetime, metaclass=_AnyDatetime):
    """Stands for `datetime.datetime` and creates instances of that only, because libraries look at the class."""

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        return _datetime(*arguments, **options)

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _datetime.now(tz) + datetime.timedelta(seconds=_OFF)


time.time = lambda: _time() + _OFF
time.time_ns = lambda: _time_ns() + int(_OFF * 1e9)
datetime.datetime = _ShiftedDatetime  # type: ignore[misc]
