"""The audit log: a line for each delivered messageId, on the disk before the attempt ends, and none is lost."""

import errno
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from consumer.attempt import Attempt
from consumer.errors import ServiceError
from consumer.model import Accepted, BatchRequest, Chunk, Outcome, Record, Refused, Retry, TrackEvent, WriteKey
from consumer.observability import audit_log
from consumer.observability.audit_file import AuditFile
from consumer.observability.audit_log import AuditLog
from tests.support import wait_until

KEY = WriteKey("production", "s3cr3t-write-key")
ENDED_NS = 1_767_225_600_123_000_000


def chunk(partition: int, *offsets: int, name: str = "m") -> Chunk:
    events = tuple(
        TrackEvent(
            Record(partition, offset, 0, None, b"", ()), KEY, json.dumps({"messageId": f"{name}-{offset}"}).encode()
        )
        for offset in offsets
    )
    return Chunk.of(partition, KEY, events)


def attempt(*chunks: Chunk, outcome: Outcome | None = None) -> Attempt:
    return Attempt(BatchRequest(KEY, chunks, 0.0), outcome or Accepted(), 200, 10, ENDED_NS - 1, ENDED_NS)


def lines(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def message_ids(path: Path) -> list[str]:
    return [line["messageId"] for line in lines(path)]


class FakeDisk:
    """A file on a disk that is full until the test frees space. `tried` counts the failed attempts to write."""

    def __init__(self) -> None:
        self.is_full, self.content, self.tried = True, b"", 0

    def append(self, lines: bytes) -> None:
        if self.is_full:
            self.tried += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.content += lines

    def close(self) -> None:
        pass


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "RETRY_SECONDS", 0.01)


def test_a_line_has_what_an_auditor_asks_for_and_nothing_secret(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    AuditLog(AuditFile(str(path)), "sprig.responses").observe(attempt(chunk(3, 1042, 1043), chunk(7, 9)))
    first, *others = lines(path)
    assert first == {
        "time": "2026-01-01T00:00:00.123+00:00",
        "messageId": "m-1042",
        "topic": "sprig.responses",
        "partition": 3,
        "offset": 1042,
        "environment": "production",
        "status": 200,
    }
    assert [(line["partition"], line["offset"]) for line in others] == [(3, 1043), (7, 9)]
    assert KEY.secret not in path.read_text()


@pytest.mark.parametrize("outcome", [Retry("http_503"), Refused("http_400")])
def test_only_what_segment_accepted_has_lines(outcome: Outcome, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = AuditLog(AuditFile(str(path)), "t")
    audit.observe(attempt(chunk(0, 1), outcome=outcome))
    audit.observe(attempt())  # the request without events that asks if a key is denied
    assert not path.read_text()


def test_a_message_id_that_comes_from_a_record_keeps_its_value_and_moves_no_terminal(tmp_path: Path) -> None:
    path, hostile = tmp_path / "audit.jsonl", "a\n\x1b]0;x\x07\u202e\u2028"
    AuditLog(AuditFile(str(path)), "t").observe(attempt(chunk(0, 1, name=hostile)))
    assert message_ids(path) == [f"{hostile}-1"]
    assert path.read_text().count("\n") == 1
    assert path.read_text().strip().isprintable()


def test_a_file_that_exists_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for offset in (1, 2):
        audit = AuditLog(AuditFile(str(path)), "t")
        audit.observe(attempt(chunk(0, offset)))
        audit.close()
    assert message_ids(path) == ["m-1", "m-2"]


def test_a_file_that_is_rotated_is_opened_anew(tmp_path: Path) -> None:
    path, rotated = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    audit = AuditLog(AuditFile(str(path)), "t")
    audit.observe(attempt(chunk(0, 1)))
    path.rename(rotated)
    audit.observe(attempt(chunk(0, 2)))
    path.unlink()
    audit.observe(attempt(chunk(0, 3)))
    rotated_again = path.with_suffix(".2")
    path.rename(rotated_again)
    path.touch()  # logrotate's `create`
    audit.observe(attempt(chunk(0, 4)))
    assert (message_ids(rotated), message_ids(rotated_again), message_ids(path)) == (["m-1"], ["m-3"], ["m-4"])


def test_a_file_that_is_copied_and_cut_is_continued_at_its_new_end(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = AuditLog(AuditFile(str(path)), "t")
    audit.observe(attempt(chunk(0, 1)))
    os.truncate(path, 0)
    audit.observe(attempt(chunk(0, 2)))
    assert message_ids(path) == ["m-2"]


@pytest.mark.parametrize("kind", ["folder", "missing", "pipe"])
def test_a_path_that_is_no_file_ends_the_start(kind: str, tmp_path: Path) -> None:
    path = {"folder": tmp_path, "missing": tmp_path / "nowhere" / "audit", "pipe": tmp_path / "pipe"}[kind]
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(ServiceError, match=r"^AUDIT_LOG: the file cannot be opened: \w"):
        AuditFile(str(path))


@pytest.mark.usefixtures("quick")
def test_an_attempt_ends_when_its_lines_are_written_and_not_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    disk = FakeDisk()
    audit = AuditLog(disk, "t")  # type: ignore[arg-type]
    threads = [threading.Thread(target=audit.observe, args=[attempt(chunk(0, offset))]) for offset in (1, 2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: disk.tried > 1, "a second try")
    assert all(thread.is_alive() for thread in threads)
    ((target, reason, since, *_),) = audit.blocks()
    assert (target, reason) == ("audit log", "audit_log_not_written")
    assert since > ENDED_NS / 1e9 - 86_400 * 365
    disk.is_full = False
    for thread in threads:
        thread.join()
    assert sorted(json.loads(line)["messageId"] for line in disk.content.splitlines()) == ["m-1", "m-2"]
    assert not audit.blocks()
    first, *_, last = [(record.levelname, record.msg, getattr(record, "error", "")) for record in caplog.records]
    assert first == ("ERROR", "audit log not written, delivery blocked", "No space left on device")
    assert last == ("INFO", "audit log written again, delivery resumed", "")


@pytest.mark.usefixtures("quick")
def test_the_threads_that_wait_end_with_the_log(tmp_path: Path) -> None:
    disk = FakeDisk()
    audit = AuditLog(disk, "t")  # type: ignore[arg-type]
    threads = [threading.Thread(target=audit.observe, args=[attempt(chunk(0, offset))]) for offset in (1, 2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: disk.tried, "a try")
    audit.close()
    for thread in threads:
        thread.join()
    audit.observe(attempt(chunk(0, 3)))  # an attempt that ends later waits for nothing
    assert not disk.content


WRITE_TOO_MUCH = """
import os, resource, sys
from consumer.observability.audit_file import AuditFile
path, others = sys.argv[1:]
file = AuditFile(path)
file.append(b"first\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
try:
    file.append(b"second and too long\\n")
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if others:
    AuditFile(path).append(others.encode())
file.append(b"third\\n")
file.append(b"fourth\\n")
"""


@pytest.mark.parametrize("others", ["", "another process\n"], ids=["alone", "with another process"])
def test_a_write_that_fails_in_the_middle_spoils_no_other_line(tmp_path: Path, others: str) -> None:
    """The file is never cut, because what another process wrote behind the half line would be lost."""
    path = tmp_path / "audit.jsonl"
    command = [sys.executable, "-c", WRITE_TOO_MUCH, str(path), others]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "File too large\n"
    assert path.read_text() == f"first\nseco\n{others}third\nfourth\n"


@pytest.mark.parametrize("torn", ['{"time":"2026', "x"])
def test_the_first_line_after_a_crash_is_a_line_of_its_own(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text(f'{{"messageId":"m-1"}}\n{torn}')
    audit = AuditLog(AuditFile(str(path)), "t")
    audit.observe(attempt(chunk(0, 2)))
    audit.observe(attempt(chunk(0, 3)))
    first, half, *others = path.read_text().splitlines()
    assert (json.loads(first)["messageId"], half) == ("m-1", torn)
    assert [json.loads(line)["messageId"] for line in others] == ["m-2", "m-3"]


def test_a_half_line_in_a_pipe_ends_before_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of the standard output gets each later line whole."""
    outputs = [b""]

    def write(_descriptor: int, content: memoryview) -> int:
        if len(outputs) == 2:
            outputs.append(b"")
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        outputs.append(bytes(content[:4] if len(outputs) == 1 else content))
        return len(outputs[-1])

    file = AuditFile("-")
    with monkeypatch.context() as patches:
        patches.setattr(os, "write", write)
        with pytest.raises(OSError, match="temporarily unavailable"):
            file.append(b"second\n")
        file.append(b"second\n")
        file.append(b"third\n")
    assert b"".join(outputs) == b"seco\nsecond\nthird\n"


def test_lines_are_on_the_disk_when_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    file = AuditFile(str(tmp_path / "audit.jsonl"))
    file.append(b"first\n")
    file.append(b"second\n")
    assert synced == [6, 13]


def test_standard_output_has_the_lines_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    audit = AuditLog(AuditFile("-"), "t")
    audit.observe(attempt(chunk(0, 1, 2)))
    audit.close()
    os.write(1, b"")  # the standard output is still open
    assert [json.loads(line)["messageId"] for line in capfd.readouterr().out.splitlines()] == ["m-1", "m-2"]
