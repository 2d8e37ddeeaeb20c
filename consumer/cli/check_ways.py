"""`check`: the way to each peer that HTTP requests go to, if a proxy is set."""

from collections.abc import Iterator

from consumer import factories
from consumer.cli.check_result import CheckResult, note
from consumer.settings import Settings


def check_ways(settings: Settings) -> Iterator[CheckResult]:
    """One note for each peer; none without a proxy, because then everything is reached directly."""
    proxies = factories.proxies(settings)
    if not proxies.proxy:
        return
    peers = [("Segment", settings.endpoint)]
    peers += [("schema registry", url.strip()) for url in (settings.schema_registry_url or "").split(",") if url]
    for subject, url in peers:
        yield note("proxy", f"{subject}: {url} is reached {proxies.way(url)}")
