"""Proxies of the tests' own, which give tunnels to any host, or misbehave."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Serve = Callable[[socket.socket], None]


@contextmanager
def proxy(serve: Serve) -> Iterator[int]:
    """The port of a proxy that treats each connection with `serve`."""

    def serve_connection(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve_connection, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def read_head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    return head


class Tunnels:
    """Connects each tunnel to `port` of loopback, whatever the client asks for. `heads` has what it asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heads: list[bytes] = []
        self.bytes_sent = b""

    def serve(self, connection: socket.socket) -> None:
        self.heads.append(read_head(connection))
        with socket.create_connection(("127.0.0.1", self.port)) as server:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=copy, args=(server, connection), daemon=True).start()
            while sent := connection.recv(65536):
                self.bytes_sent += sent
                server.sendall(sent)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copy all bytes, until one of the two ends."""
    with suppress(OSError):
        while received := source.recv(65536):
            target.sendall(received)
