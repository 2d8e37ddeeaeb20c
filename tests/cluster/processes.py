"""The processes of the nodes' containers: their signals, and what the kernel holds them to."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEMBER = b"sprig-to-segment\0run"
BROKER = b"kafka.Kafka"


def process_ids(command: bytes) -> list[int]:
    """The processes in this PID namespace that have `command` in their command line."""
    process_numbers = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # the process has ended
            if command in path.read_bytes():
                process_numbers.append(int(path.parent.name))
    return sorted(process_numbers)


def process_of(pod_uid: str) -> int:
    """The member's process in a pod."""
    (process_id,) = [number for number in process_ids(MEMBER) if f"pod{pod_uid}" in cgroups(number)]
    return process_id


def cgroups(process_id: int) -> str:
    return Path(f"/proc/{process_id}/cgroup").read_text()


def status(process_id: int) -> dict[str, str]:
    """The fields of /proc/PID/status, of which each has one value or several separated by tabs."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@contextmanager
def frozen_broker() -> Iterator[None]:
    """A block in which the broker keeps its connections and answers nothing."""
    (process_id,) = process_ids(BROKER)
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


def root_mount_options(process_id: int) -> list[str]:
    """The mount options of the root file system of a process's container."""
    lines = [line.split() for line in Path(f"/proc/{process_id}/mounts").read_text().splitlines()]
    (options,) = [options for _, target, _, options, *_ in lines if target == "/"]
    return options.split(",")
