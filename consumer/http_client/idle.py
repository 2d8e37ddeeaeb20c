"""The connections that are kept between two requests, and for how long."""

import threading
import time

import httpx

from consumer.http_client.connection import Connection

MAX_IDLE_SECONDS = 4.0
"""Firewalls and NATs forget a quiet connection without a word, and many servers close one after 5 seconds."""

_FRESH_SECONDS = 0.25
_ACKNOWLEDGEMENT_MILLISECONDS = 1000


class IdleConnections:
    """No connection is given to two callers at the same time. All methods may be called on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: list[Connection] = []
        self._is_closed = False

    def take(self, url: httpx.URL) -> Connection | None:
        """The connection to the server of `url` that was used last, if it can be used again."""
        now = time.monotonic()
        with self._lock:
            self._close_expired(now)
            for connection in reversed(self._connections):
                if connection.leads_to(url):
                    break
            else:
                return None
            self._connections.remove(connection)
        # A peer that is gone confirms nothing, and after a pause the path to it may be gone. Within a stream of
        # requests there is no limit, because a slow peer that does not read for a second would break it as well.
        is_fresh = now - connection.idle_since < _FRESH_SECONDS
        connection.stream.limit_acknowledgement(0 if is_fresh else _ACKNOWLEDGEMENT_MILLISECONDS)
        return connection

    def put(self, connection: Connection) -> None:
        """Keep the connection for the next request, or close it."""
        connection.idle_since = time.monotonic()
        with self._lock:
            if not self._is_closed and connection.is_reusable:
                self._connections.append(connection)
                return
        connection.close()

    def clear(self) -> None:
        """Close what is kept."""
        with self._lock:
            while self._connections:
                self._connections.pop().close()

    def close(self) -> None:
        """Close what is kept, and keep nothing from now on."""
        self._is_closed = True
        self.clear()

    def _close_expired(self, now: float) -> None:
        """Close those that are too old, idle for too long, or ended by the peer."""
        usable = []
        for connection in self._connections:
            is_young = now < min(connection.expires_at, connection.idle_since + MAX_IDLE_SECONDS)
            if is_young and not connection.has_ended():
                usable.append(connection)
            else:
                connection.close()
        self._connections = usable
