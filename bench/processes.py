"""Processes of their own, each pinned to a core, and what the kernel says of their CPU and memory."""

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

CORES = sorted(os.sched_getaffinity(0))
MEASURED, OTHER = CORES[0], CORES[-1]  # the measured process has a core to itself, where there are two
TICK = os.sysconf("SC_CLK_TCK")


class Process:
    """
    A child, from its start to its end; its output is read by lines.

    `cpu` is user and system, in seconds, `cpu_at_start` what its start-up took, up to the line that it says that by.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], core: int = MEASURED) -> None:
        self._child = subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command],
            env={"PATH": os.environ["PATH"], **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.cpu_at_start = 0.0

    def say(self, what: str) -> str:
        """The next line of its output with `what` in it."""
        assert self._child.stdout
        for line in self._child.stdout:
            if what in line:
                self.cpu_at_start = self.cpu
                return line
        raise SystemExit(f"{self._child.args!r} ended before it said {what!r}")

    @property
    def cpu(self) -> float:
        # proc_pid_stat(5): utime and stime are the fields 14 and 15; the name before them may hold spaces.
        user, system = self._proc("stat").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICK

    @property
    def memory(self) -> "Memory":
        told = dict(line.split(":\t", 1) for line in self._proc("status").splitlines() if ":\t" in line)
        return Memory(*(int(told[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")))

    @property
    def cpu_by_thread(self) -> Mapping[str, float]:
        """CPU seconds by the threads' names, which librdkafka gives to its own."""
        seconds: Counter[str] = Counter()
        for task in Path(f"/proc/{self._child.pid}/task").iterdir():
            head, _, tail = (task / "stat").read_text().rpartition(")")
            name = "main" if task.name == str(self._child.pid) else head.partition("(")[2]
            seconds[name] += sum(map(int, tail.split()[11:13])) / TICK  # type: ignore[assignment]
        return seconds

    def end(self, signal: int | None = None) -> float:
        """Let it end, or ask it to by a signal; its CPU seconds after its start-up."""
        assert self._child.stdout
        if signal is not None:
            self._child.send_signal(signal)
        self._child.stdout.read()
        _, status, usage = os.wait4(self._child.pid, 0)
        self._child.returncode = os.waitstatus_to_exitcode(status)
        self._child.stdout.close()
        if self._child.returncode not in (0, -(signal or 0)):
            raise SystemExit(f"{self._child.args!r} ended with {self._child.returncode}")
        return usage.ru_utime + usage.ru_stime - self.cpu_at_start

    def signal(self, number: int) -> None:
        self._child.send_signal(number)

    def kill(self) -> None:
        if self._child.returncode is None:
            self._child.kill()
            self._child.wait()
        if self._child.stdout:
            self._child.stdout.close()

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._child.pid}/{name}").read_text()


class Memory(NamedTuple):
    """Resident, in MiB: now, and the most there has been."""

    now: float
    peak: float


@contextmanager
def process(command: Sequence[str], environment: Mapping[str, str], core: int = MEASURED) -> Iterator[Process]:
    """One that has ended by the end of the block, whatever happens."""
    started = Process(command, environment, core)
    try:
        yield started
    finally:
        started.kill()


class Segment(NamedTuple):
    """A stand-in of Segment; what `bench.segment` says of itself."""

    url: str

    def told(self) -> Mapping[str, Any]:
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            told: Mapping[str, Any] = json.load(answer)
        return told


@contextmanager
def segment(wait: float = 0.0) -> Iterator[Segment]:
    """A new one. `wait` in seconds until each answer."""
    with process([sys.executable, "-m", "bench.segment", str(wait)], {}, OTHER) as started:
        yield Segment(f"http://127.0.0.1:{int(started.say(''))}/v1/batch")
