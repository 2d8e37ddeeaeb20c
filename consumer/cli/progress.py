"""Progress of long work: a bar on the standard error of a terminal, nothing elsewhere."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")


def bar(total: int, unit: str) -> Any:
    """A bar with `update(n)`, as a context manager."""
    from tqdm import tqdm  # only where there is long work

    tqdm.monitor_interval = 0  # no thread of its own
    shown = sys.stderr.isatty()
    return tqdm(
        total=total, unit=f" {unit}", disable=not shown, leave=False, unit_scale=total > 10_000, mininterval=0.2
    )


def followed(things: Iterable[_T], total: int, unit: str) -> Iterator[_T]:
    """The same things, while a bar of `total` shows how many have passed."""
    with bar(total, unit) as shown:
        for thing in things:
            yield thing
            shown.update(1)
