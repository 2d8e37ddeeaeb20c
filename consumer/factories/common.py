"""What all parts share: the version, and the way of HTTP requests."""

from importlib.metadata import version

from consumer.http_client.proxies import Proxies
from consumer.settings import Settings

VERSION = version("sprig-to-segment")


def proxies(settings: Settings) -> Proxies:
    """The way of every HTTP request of the product."""
    if not settings.trust_proxy_env:
        return Proxies.none()
    return Proxies.parse(settings.https_proxy.get_secret_value(), settings.no_proxy)
