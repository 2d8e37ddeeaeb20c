"""The HTTP server of the service: one thread for all connections, with bounds that no client can exhaust."""

import selectors
import socket
import threading
import time
from typing import Self

from consumer.errors import ServiceError
from consumer.observability import listening
from consumer.observability.http_connection import HttpConnection
from consumer.observability.http_exchange import HttpExchange
from consumer.observability.pages import pages
from consumer.observability.status_page import StatusPage

MAX_CONNECTIONS = 64
CONNECTION_SECONDS = 10.0
MAX_UNSENT_BYTES = 1_000_000
_POLL_SECONDS = 0.1


class StatusServer:
    """
    Serves in a thread of its own from its creation until `close`. Connections are few and short.

    A connection older than `CONNECTION_SECONDS` is closed. Beyond `MAX_CONNECTIONS` the oldest is closed. Beyond
    `MAX_UNSENT_BYTES` of responses that clients do not read, the oldest of their connections is closed. An honest
    client gets its response within milliseconds, so its connection is never the oldest.
    """

    def __init__(self, host: str, port: int, status_page: StatusPage) -> None:
        try:
            self._socket = listening.listening_socket(host, port)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be a host name
            reason = getattr(error, "strerror", "not a host name")
            raise ServiceError(f"cannot serve on HTTP_HOST={host} HTTP_PORT={port}: {reason}") from None
        self.pages = pages(status_page)
        self.connections: dict[socket.socket, HttpConnection] = {}  # the oldest first
        self._status_page = status_page
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port on which the server listens."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    @property
    def url(self) -> str:
        """The URL of the status page."""
        return listening.url(self._socket)

    def _serve(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(_POLL_SECONDS):
                if key.data is None:
                    self._accept()
                elif key.data.socket in self.connections:  # not closed in this round
                    self._advance(key.data)
            self._status_page.note()
            self._close_late()

    def _accept(self) -> None:
        try:
            client, _ = self._socket.accept()
        except BlockingIOError:  # the client has given up
            return
        except OSError:  # the process has no descriptor left: the client waits
            time.sleep(_POLL_SECONDS)  # the selector reports this client again at once, and nothing tells of a free one
            return
        connection = HttpConnection(client, HttpExchange(self.pages))
        self.connections[client] = connection
        self._selector.register(client, selectors.EVENT_READ, connection)
        self._advance(connection)  # the request is most often here already

    def _advance(self, connection: HttpConnection) -> None:
        try:
            connection.advance()
        except OSError:  # a client that hangs up does not concern the service
            self._close(connection)
            return
        if connection.is_done:
            self._close(connection)
            return
        self._watch(connection)
        self._close_excess()

    def _watch(self, connection: HttpConnection) -> None:
        if connection.events:
            self._selector.modify(connection.socket, connection.events, connection)
        else:
            self._selector.unregister(connection.socket)

    def _close_excess(self) -> None:
        oldest_first = list(self.connections.values())
        for connection in oldest_first[: max(len(oldest_first) - MAX_CONNECTIONS, 0)]:
            self._close(connection)
        unread = [connection for connection in self.connections.values() if connection.unsent_bytes]
        unsent_bytes = sum(connection.unsent_bytes for connection in unread)
        for connection in unread[:-1]:
            if unsent_bytes > MAX_UNSENT_BYTES:
                unsent_bytes -= connection.unsent_bytes
                self._close(connection)

    def _close_late(self) -> None:
        for connection in list(self.connections.values()):
            if time.monotonic() - connection.opened_at > CONNECTION_SECONDS:
                self._close(connection)

    def _close(self, connection: HttpConnection) -> None:
        del self.connections[connection.socket]
        if connection.socket in self._selector.get_map():
            self._selector.unregister(connection.socket)
        connection.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for connection in list(self.connections.values()):
            self._close(connection)
        self._selector.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
