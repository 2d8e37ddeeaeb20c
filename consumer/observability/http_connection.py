"""One connection of the HTTP server: its first request is answered, and what follows the request is ignored."""

import selectors
import socket
import struct
import time

from consumer.observability import listening
from consumer.observability.http_exchange import HttpExchange

MAX_IGNORED_BYTES = 65_536
"""Behind the request. A client that still sends more does not read."""

_RECEIVE_BYTES = 8192


class HttpConnection:
    """
    Nothing waits: each method does what is possible at present.

    The client closes the connection when it has the response. So the kernel holds no response for a client that the
    server does not count any more.
    """

    def __init__(self, client: socket.socket, exchange: HttpExchange) -> None:
        client.setblocking(False)
        self.socket = client
        self.opened_at = time.monotonic()
        self._exchange = exchange
        self._unsent = memoryview(b"")
        self._is_answered = self._is_at_end = False
        self._ignored_bytes = 0

    @property
    def unsent_bytes(self) -> int:
        return len(self._unsent)

    @property
    def events(self) -> int:
        """What the connection waits for, as a mask of selectors; 0: only for the confirmation of its response."""
        wanted = 0 if self._is_at_end else selectors.EVENT_READ
        return wanted | (selectors.EVENT_WRITE if self._unsent else 0)

    @property
    def is_done(self) -> bool:
        """Whether to close it. A client may end its requests first and read the response later."""
        is_deaf = self._ignored_bytes > MAX_IGNORED_BYTES
        return is_deaf or (self._is_at_end and not self._unsent and listening.is_acknowledged(self.socket))

    def advance(self) -> None:
        """Receive and send. Raises OSError: the client has reset the connection."""
        # First, because the kernel still gives what such a client sent, and a response costs time.
        if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ConnectionResetError
        try:
            if not self._is_at_end:
                self._receive()
        except BlockingIOError:
            pass  # nothing has arrived
        try:
            if self._unsent:
                self._send()
        except BlockingIOError:
            pass  # the client does not read

    def _receive(self) -> None:
        data = self.socket.recv(_RECEIVE_BYTES)
        if not data:
            self._is_at_end = True
        elif self._is_answered:
            self._ignored_bytes += len(data)
        elif response := self._exchange.receive(data):
            self._is_answered = True
            self._unsent = memoryview(response)

    def _send(self) -> None:
        self._unsent = self._unsent[self.socket.send(self._unsent) :]
        if not self._unsent:
            self._unsent = memoryview(b"")
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Drops what the client has not read, also in the kernel."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
