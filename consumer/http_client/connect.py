"""New connections: the address, the way through a proxy, and TLS."""

import ssl
import time

import httpx

from consumer.http_client.connection import Connection
from consumer.http_client.messages import HttpError
from consumer.http_client.proxies import Proxies, Proxy
from consumer.http_client.race import connect_first
from consumer.http_client.resolver import Resolver
from consumer.http_client.stream import SocketStream
from consumer.http_client.urls import address

MAX_CONNECTION_SECONDS = 300.0  # Segment's addresses change, so a connection must not live for ever


class Connector:
    """Opens connections, on any thread."""

    def __init__(self, proxies: Proxies, tls: ssl.SSLContext) -> None:
        tls.set_alpn_protocols(["http/1.1"])
        self._proxies = proxies
        self._tls = tls
        self._resolver = Resolver()

    def connection(self, url: httpx.URL, ends_at: float) -> Connection:
        """A connection that is ready for a request. Raises HttpError."""
        proxy = self._proxies.proxy_for(url)
        host, port = address(url)
        stream = self._tunnel(proxy, url, ends_at) if proxy else self._stream(host, port, ends_at)
        if url.scheme == "https":
            self._start_tls(stream, host)
        return Connection(url, stream, time.monotonic() + MAX_CONNECTION_SECONDS)

    def _stream(self, host: str, port: int, ends_at: float) -> SocketStream:
        return SocketStream(connect_first(self._resolver.addresses(host, port, ends_at), ends_at), ends_at)

    def _start_tls(self, stream: SocketStream, host: str) -> None:
        try:
            stream.start_tls(self._tls, host)
        except BaseException:
            stream.close()
            raise

    def _tunnel(self, proxy: Proxy, url: httpx.URL, ends_at: float) -> SocketStream:
        """A stream to the server of the URL through the proxy."""
        try:
            stream = self._stream(proxy.host, proxy.port, ends_at)
        except HttpError as error:
            raise HttpError("proxy_error", f"no connection to the proxy of HTTPS_PROXY: {error}") from error
        try:
            status = Connection(url, stream, ends_at).connect(url, proxy.headers(url))
        except HttpError as error:
            stream.close()
            raise HttpError("proxy_error", f"the proxy of HTTPS_PROXY gives no tunnel: {error}") from error
        except BaseException:
            stream.close()
            raise
        if not 200 <= status < 300:
            stream.close()
            raise HttpError("proxy_refused", f"the proxy of HTTPS_PROXY refuses the tunnel with status {status}")
        return stream
