"""Child processes, each pinned to a core, with their CPU time and memory as the kernel reports them."""

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
    A child from its start to its end; its output is read line by line.

    `cpu` is user and system time in seconds. `cpu_at_start` is `cpu` at the last line that was waited for. `whole_cpu`
    is the time of the whole process, which is known at its end.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], core: int = MEASURED) -> None:
        self._child = subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command],
            env={"PATH": os.environ["PATH"], **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.cpu_at_start = self.whole_cpu = 0.0

    def wait_for_line(self, text: str) -> str:
        """The next line of the output that contains `text`."""
        assert self._child.stdout
        for line in self._child.stdout:
            if text in line:
                self.cpu_at_start = self.cpu
                return line
        raise SystemExit(f"{self._child.args!r} ended before it printed {text!r}")

    @property
    def cpu(self) -> float:
        # proc_pid_stat(5): utime and stime are the fields 14 and 15; the name before them may hold spaces.
        user, system = self._proc("stat").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICK

    @property
    def memory(self) -> "Memory":
        status = dict(line.split(":\t", 1) for line in self._proc("status").splitlines() if ":\t" in line)
        return Memory(*(int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")))

    @property
    def cpu_by_thread(self) -> Mapping[str, float]:
        """CPU seconds by the names of the threads; librdkafka names its threads."""
        seconds: Counter[str] = Counter()
        for task in Path(f"/proc/{self._child.pid}/task").iterdir():
            head, _, tail = (task / "stat").read_text().rpartition(")")
            name = "main" if task.name == str(self._child.pid) else head.partition("(")[2]
            seconds[name] += sum(map(int, tail.split()[11:13])) / TICK  # type: ignore[assignment]
        return seconds

    def end(self, signal: int | None = None) -> float:
        """Wait for the end, after a signal if one is given; the CPU seconds since `cpu_at_start`."""
        assert self._child.stdout
        if signal is not None:
            self._child.send_signal(signal)
        self._child.stdout.read()
        _, status, usage = os.wait4(self._child.pid, 0)
        self._child.returncode = os.waitstatus_to_exitcode(status)
        self._child.stdout.close()
        if self._child.returncode not in (0, -(signal or 0)):
            raise SystemExit(f"{self._child.args!r} ended with {self._child.returncode}")
        self.whole_cpu = usage.ru_utime + usage.ru_stime
        return self.whole_cpu - self.cpu_at_start

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
    """Resident memory in MiB: now, and the peak."""

    now: float
    peak: float


@contextmanager
def process(command: Sequence[str], environment: Mapping[str, str], core: int = MEASURED) -> Iterator[Process]:
    """A new process, which is killed at the end of the block if it still runs."""
    child = Process(command, environment, core)
    try:
        yield child
    finally:
        child.kill()


class StandIn(NamedTuple):
    """A stand-in for Segment, which runs as `bench.segment`."""

    url: str

    def counts(self) -> Mapping[str, Any]:
        """What the stand-in received so far, as `bench.segment.Received.as_json`."""
        with urllib.request.urlopen(self.url, timeout=10) as response:
            counts: Mapping[str, Any] = json.load(response)
        return counts


@contextmanager
def segment(wait: float = 0.0) -> Iterator[StandIn]:
    """A new stand-in for Segment, which answers each request after `wait` seconds."""
    with process([sys.executable, "-m", "bench.segment", str(wait)], {}, OTHER) as child:
        yield StandIn(f"http://127.0.0.1:{int(child.wait_for_line(''))}/v1/batch")
