"""Where a URL leads: the origin to connect to, and the target to ask it for."""

from typing import NamedTuple
from urllib.parse import quote, urlsplit

from consumer.http_client.messages import HttpError

_PORTS = {"http": 80, "https": 443}
_KEPT_IN_TARGETS = "/?%:@!$&'()*+,;=~-._"


class HttpOrigin(NamedTuple):
    """A server. `host` is a name or an IP address, without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """`host:port`, as a proxy is asked for it."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def host_header(self) -> str:
        return _bracketed(self.host) if self.port == _PORTS[self.scheme] else self.authority


def split(url: str) -> tuple[HttpOrigin, str]:
    """The origin of a URL, and its path with its query. Raises HttpError, which does not repeat the URL."""
    try:
        parts = urlsplit(url)
        origin = HttpOrigin(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
    except (ValueError, KeyError):
        origin = HttpOrigin("", "", 0)
    if not (origin.host and origin.host.isascii()):
        raise HttpError("invalid_request", "the URL must be http or https, with a host in ASCII")
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    return origin, quote(target, safe=_KEPT_IN_TARGETS)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
