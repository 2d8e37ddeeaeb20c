"""Which way a URL goes: direct, or through the proxy of HTTPS_PROXY."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from consumer.http_client.messages import HttpError
from consumer.http_client.no_proxy import NoProxy
from consumer.http_client.urls import address, authority, parse

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+")  # a name, or an IPv6 address without its brackets


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that gives tunnels with CONNECT. `authorization` is the value of a header, "" for none."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "Proxy":
        """From the value of HTTPS_PROXY. Raises ValueError with a text that does not repeat the value."""
        parts = _split(url if "://" in url else f"http://{url}")
        if parts.scheme != "http":
            raise ValueError("must begin with http://, because TLS to the proxy itself and SOCKS are not supported")
        port = _port(parts)
        has_more = parts.path not in ("", "/") or parts.query or parts.fragment
        if not port or has_more or not _HOST.fullmatch(parts.hostname or ""):
            raise ValueError(
                "must be http://host:port or http://user:password@host:port, with a port, and with @ : / ? # % in user "
                "and password written as %40 %3A %2F %3F %23 %25"
            )
        return cls(parts.hostname or "", port, _authorization(parts))

    def headers(self, url: httpx.URL) -> list[tuple[str, str]]:
        """The headers of a CONNECT to the server of the URL."""
        headers = [("Host", authority(*address(url)))]
        if self.authorization:
            headers.append(("Proxy-Authorization", self.authorization))
        return headers


@dataclass(frozen=True, slots=True)
class Proxies:
    """The way to each server. Plain http never uses a proxy, because the proxy could read it."""

    proxy: Proxy | None = None
    no_proxy: NoProxy = NoProxy()  # noqa: RUF009 - it is immutable

    @classmethod
    def none(cls) -> "Proxies":
        """Everything goes direct."""
        return cls()

    @classmethod
    def parse(cls, https_proxy: str, no_proxy: str) -> "Proxies":
        """From the values of HTTPS_PROXY and NO_PROXY; "" is not set. Raises ValueError as `Proxy.parse`."""
        return cls(Proxy.parse(https_proxy), NoProxy.parse(no_proxy)) if https_proxy else cls()

    def proxy_for(self, url: httpx.URL) -> Proxy | None:
        """The proxy to the server of the URL; None if it is reached directly."""
        if url.scheme != "https" or self.no_proxy.matches(*address(url)):
            return None
        return self.proxy

    def is_proxied(self, text: str) -> bool:
        """Whether the server of a URL is reached through the proxy."""
        try:
            return self.proxy_for(parse(text)) is not None
        except HttpError:  # whoever asks for this URL reports that it is none
            return False

    def way(self, text: str) -> str:
        """The way to a URL in words, for an operator. Raises HttpError if it is no URL."""
        url = parse(text)
        proxy = self.proxy_for(url)
        if proxy:
            return f"through the proxy {authority(proxy.host, proxy.port)} of HTTPS_PROXY"
        if self.proxy and url.scheme == "http":
            return "directly, because plain http never uses a proxy"
        if self.proxy:
            return "directly, because NO_PROXY names it or it is on loopback"
        return "directly"


def _split(url: str) -> SplitResult:
    """Not with httpx, which does not tell port 80 from a missing one."""
    try:
        return urlsplit(url)
    except ValueError:  # The text of this error repeats the value.
        return SplitResult("http", "", "", "", "")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:  # The text of this error repeats the value.
        return None


def _authorization(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(credentials.encode()).decode()
