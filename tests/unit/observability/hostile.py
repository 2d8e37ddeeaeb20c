"""HTTP clients that are hostile in any way, in a process of their own, so that they do not delay an honest client."""

import contextlib
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from tests.pages import ROOT

CLIENTS = 100  # at the same time, more than the server keeps
BUSY_CLIENTS = 8  # those that send without end, or connect without end

_BLOCK = 65_536
_HEAD = b"GET /livez HTTP/1.1\r\nHost: a\r\n"
_METRICS = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
_BODY = b"POST /livez HTTP/1.1\r\nHost: a\r\n"

Behave = Callable[[socket.socket], object]


def _endless(start: bytes, block: bytes) -> Behave:
    """Sends the start and then blocks without end, and reads nothing."""

    def behave(client: socket.socket) -> None:
        client.sendall(start)
        while True:
            client.sendall(block)

    return behave


def _byte_by_byte(client: socket.socket) -> None:
    client.sendall(_HEAD + b"X-Slow: ")
    while True:
        client.sendall(b"x")
        time.sleep(0.01)  # the pace of a slow client


def _waiting(start: bytes) -> Behave:
    """Sends the start and nothing more, and waits for the end of the connection."""

    def behave(client: socket.socket) -> None:
        client.sendall(start)
        _wait_for_end(client)

    return behave


def _half_closed(start: bytes) -> Behave:
    """Like `_waiting`, and says that nothing more will come."""

    def behave(client: socket.socket) -> None:
        client.sendall(start)
        client.shutdown(socket.SHUT_WR)
        _wait_for_end(client)

    return behave


def _deaf(start: bytes, how: int | None = None) -> Behave:
    """Sends the start and reads nothing. `how` to shut the connection down."""

    def behave(client: socket.socket) -> None:
        client.sendall(start)
        if how is not None:
            client.shutdown(how)
        poll = select.poll()
        poll.register(client, 0)  # a reset, and no data
        poll.poll()

    return behave


def _resetting(start: bytes) -> Behave:
    """Sends the start and then resets the connection."""

    def behave(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(start)

    return behave


def _wait_for_end(client: socket.socket) -> None:
    while client.recv(_BLOCK):
        pass


BUSY = {
    "huge headers": _endless(_HEAD, b"X-Line: " + b"x" * 65_000 + b"\r\n"),
    "a header line without end": _endless(_HEAD + b"X-Line: ", b"x" * _BLOCK),
    "a request line without end": _endless(b"GET /", b"x" * _BLOCK),
    "headers without end": _endless(_HEAD, b"X: y\r\n" * 10_000),
    "a huge body": _endless(_BODY + b"Content-Length: 9999999999\r\n\r\n", b"x" * _BLOCK),
    "a chunked body": _endless(_BODY + b"Transfer-Encoding: chunked\r\n\r\n", b"FFFF\r\n" + b"x" * 65_535 + b"\r\n"),
    "pipelined requests": _endless(b"", _METRICS * 1000),
    "HTTP/0.9": _endless(b"", b"GET /livez\r\n" * 5000),
    "HTTP/2": _endless(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bytes.fromhex("000000040000000000") * 7000),
    "TLS": _endless(bytes.fromhex("16030102000100"), b"\x17\x03\x03\x40\x00" + b"x" * 0x4000),
    "NUL": _endless(b"", bytes(_BLOCK)),
    "line feeds": _endless(b"", b"\n" * _BLOCK),
    "lines that end with a line feed alone": _endless(b"GET /livez HTTP/1.1\nHost: a\n", b"X: y\n" * 10_000),
    "half a request, reset": _resetting(_HEAD),
    "a request, reset": _resetting(_METRICS),
}
IDLE = {
    "byte by byte": _byte_by_byte,
    "silence": _waiting(b""),
    "half a request": _waiting(_HEAD),
    "half a request, half closed": _half_closed(_HEAD),
    "metrics, half closed": _half_closed(_METRICS),
    "metrics that are not read": _deaf(_METRICS),
    "metrics that are not read, half closed": _deaf(_METRICS, socket.SHUT_WR),
    "a page that is not read": _deaf(b"GET /status.json HTTP/1.0\r\n\r\n"),
}


@contextlib.contextmanager
def hostile_clients(kind: str, port: int) -> Iterator[Callable[[], None]]:
    """Clients that connect again whenever their connection ends. The value waits for the end of one connection."""
    command = [sys.executable, "-m", __name__, kind, str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline  # type: ignore[misc]
        finally:
            process.kill()


def _run_client(behave: Behave, port: int) -> None:
    while True:
        with contextlib.suppress(OSError), socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            behave(client)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _kind, _port = sys.argv[1:]
    for _ in range(BUSY_CLIENTS if _kind in BUSY else CLIENTS):
        threading.Thread(target=_run_client, args=((BUSY | IDLE)[_kind], int(_port))).start()
