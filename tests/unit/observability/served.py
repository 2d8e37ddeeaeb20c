"""A status server in a process of its own, so that a test can measure what clients do to its memory."""

import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from consumer.observability.http_server import StatusServer
from consumer.observability.snapshot import PartitionState, Snapshot
from consumer.observability.status_page import ServiceInfo, StatusPage
from tests.pages import ROOT

PARTITIONS = 1000  # a member with this many has a page of metrics of 280 kB


@dataclass(frozen=True, slots=True)
class ServedProcess:
    """Listens on 127.0.0.1."""

    pid: int
    port: int

    @property
    def peak_memory(self) -> int:
        """The most resident memory since the start, in bytes."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))

    @property
    def cpu_seconds(self) -> float:
        """User and system time since the start (proc_pid_stat(5), the fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status_of(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response.status


@contextlib.contextmanager
def served() -> Iterator[ServedProcess]:
    """A server that has served each kind of page once."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        with contextlib.closing(process.stdin):  # its end ends the process
            server = ServedProcess(process.pid, int(process.stdout.readline()))
            for path in ("/livez", "/metrics", "/status.json", "/"):
                assert server.status_of(path) == 200
            yield server


def _serve() -> None:
    partitions = {number: PartitionState(lag=10_000_000) for number in range(PARTITIONS)}
    info = ServiceInfo("1.2.3", "answers", "group", "https://api.segment.io/v1/batch")

    def latest() -> Snapshot:
        return Snapshot(loop_ran_at=time.monotonic(), is_group_member=True, partitions=partitions)

    with StatusServer("127.0.0.1", 0, StatusPage(latest, info, list)) as server:
        sys.stdout.write(f"{server.address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _serve()
