"""Where a URL leads: what the client accepts as URL, and the address of its server."""

import functools

import httpx

from consumer.http_client.messages import HttpError

_PORTS = {"http": 80, "https": 443}


@functools.lru_cache(maxsize=256)  # without it most requests parse the same URL again
def parse(text: str) -> httpx.URL:
    """An absolute URL. Raises HttpError, which does not repeat the text."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL()
    has_ascii_host = url.raw_host.decode() in text.lower()  # httpx would ask for another name in IDNA
    if not (url.scheme in _PORTS and url.raw_host and has_ascii_host):
        raise HttpError("invalid_request", "the URL must be http or https, with a host in ASCII")
    return url


def address(url: httpx.URL) -> tuple[str, int]:
    """The host, a name or an IP address without brackets, and the port."""
    return url.raw_host.decode(), url.port or _PORTS[url.scheme]


def authority(host: str, port: int) -> str:
    """`host:port`, the target of a CONNECT request."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
