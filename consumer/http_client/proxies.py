"""Which way a URL goes: direct, or through the proxy of the environment."""

from dataclasses import dataclass

from consumer.http_client.urls import Origin


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that tunnels with CONNECT."""

    host: str
    port: int

    def headers(self, origin: Origin) -> list[tuple[str, str]]:
        return [("Host", origin.authority)]


@dataclass(frozen=True, slots=True)
class Proxies:
    """The way to each origin."""

    proxy: Proxy | None

    @classmethod
    def none(cls) -> "Proxies":
        """Everything goes direct."""
        return cls(None)

    def proxy_for(self, origin: Origin) -> Proxy | None:
        """The proxy to the origin; None if the origin is reached directly."""
        return self.proxy if origin.scheme == "https" else None
