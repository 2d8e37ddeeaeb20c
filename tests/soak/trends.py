"""Owns the trends of a soak: samples of a member while it runs, how they grow, and how much they may grow."""

import itertools
import statistics
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

SAMPLE_INTERVAL = 1.0  # seconds
WARM_UP = 0.25  # the share of the samples that count for nothing
MAX_POINTS = 200  # of which each pair is compared


class Bound(NamedTuple):
    unit: str
    growth: float


# How much each of them may grow from the warm-up to the end, however long the soak is.
BOUNDS: Mapping[str, Bound] = {
    "memory": Bound("MiB", 8),
    "descriptors": Bound("", 2),
    "threads": Bound("", 1),
    "lag": Bound("records", 300),
}


class Trend(NamedTuple):
    """`level` is the median after the warm-up. `growth` is from the warm-up to the end, along the slope."""

    name: str
    level: float
    growth: float

    @property
    def is_kept(self) -> bool:
        return self.growth <= BOUNDS[self.name].growth


def trend(name: str, samples: Sequence[float]) -> Trend:
    """The slope is the median of the slopes of all pairs (Theil-Sen), so that a spike of a fault does not count."""
    settled = samples[int(len(samples) * WARM_UP) :]
    points = list(enumerate(settled))[:: len(settled) // MAX_POINTS + 1]
    slopes = [(later - earlier) / (end - start) for (start, earlier), (end, later) in itertools.combinations(points, 2)]
    return Trend(name, statistics.median(settled), statistics.median(slopes) * len(settled))


def table(trends: Sequence[Trend]) -> str:
    """One line for each trend."""
    lines = [f"{'':12}  {'level':>10}  {'growth':>10}  {'at most':>10}"]
    for name, level, growth in trends:
        unit, bound = BOUNDS[name]
        too_much = "" if growth <= bound else "  TOO MUCH"
        lines.append(f"{name:12}  {level:10.1f}  {growth:+10.1f}  {bound:+10.1f}  {unit}{too_much}".rstrip())
    return "\n".join(lines)


class Sampler:
    """Takes samples in a thread of its own. `samples` has one list for each trend."""

    def __init__(self, pid: int, lag: Callable[[], int]) -> None:
        self._process, self._lag = Path(f"/proc/{pid}"), lag
        self._stop_requested = threading.Event()
        self.samples: dict[str, list[float]] = {name: [] for name in BOUNDS}

    @contextmanager
    def running(self) -> Iterator["Sampler"]:
        thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop_requested.set()
            thread.join(10)

    def trends(self) -> list[Trend]:
        return [trend(name, samples) for name, samples in self.samples.items()]

    def _run(self) -> None:
        while not self._stop_requested.wait(SAMPLE_INTERVAL):
            for name, value in self._sample().items():
                self.samples[name].append(value)

    def _sample(self) -> Mapping[str, float]:
        pages = int((self._process / "statm").read_text().split()[1])
        return {
            "memory": pages * 4096 / 2**20,
            "descriptors": len(list((self._process / "fd").iterdir())),
            "threads": len(list((self._process / "task").iterdir())),
            "lag": self._lag(),
        }
