"""How users say where and when on the command line: `partition:offset`, ISO-8601 times, where to begin."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import click


class Address(NamedTuple):
    """A record of the topic, as logs and messageIds name it."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class AddressType(click.ParamType[Any]):
    """`PARTITION:OFFSET`."""

    name = "PARTITION:OFFSET"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, Address):
            return value
        partition, colon, offset = str(value).partition(":")
        if not (colon and partition.isdecimal() and offset.isdecimal()):
            self.fail(f"{value!r} must be PARTITION:OFFSET, such as 3:1042", param, ctx)
        return Address(int(partition), int(offset))


class TimeType(click.ParamType[Any]):
    """A date or a time in ISO-8601, in UTC unless it says otherwise; gives milliseconds since 1970."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} must be a date or a time, such as 2026-03-02 or 2026-03-02T09:00:00Z", param, ctx)
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


BEGINNING, END = "beginning", "end"
Start = str | int | Address


class StartType(click.ParamType[Any]):
    """`beginning`, `end`, a time, or an address."""

    name = "PLACE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Start:
        if value in (BEGINNING, END):
            return str(value)
        partition, _, offset = str(value).partition(":")
        try:
            kind = ADDRESS if partition.isdecimal() and offset.isdecimal() else TIME
            return kind.convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} must be beginning, end, a time such as 2026-03-02, or PARTITION:OFFSET", param, ctx)


ADDRESS, TIME, START = AddressType(), TimeType(), StartType()
