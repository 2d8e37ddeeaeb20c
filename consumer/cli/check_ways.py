"""`check`: the way to each peer that HTTP requests go to, if a proxy is set."""

from collections.abc import Iterator
from contextlib import suppress

from consumer import factories
from consumer.avro.registry_options import ISSUER
from consumer.cli.check_result import CheckResult, note
from consumer.http_client.messages import HttpError
from consumer.kafka import token_errors
from consumer.kafka.token_endpoint import uses_token_endpoint
from consumer.settings import Settings


def check_ways(settings: Settings) -> Iterator[CheckResult]:
    """One note for each peer; none without a proxy, because then everything is reached directly."""
    proxies = factories.proxies(settings)
    if not proxies.proxy:
        return
    peers = [("Segment", settings.endpoint)]
    peers += [("schema registry", url.strip()) for url in (settings.schema_registry_url or "").split(",") if url]
    peers += _token_peers(settings)
    for subject, url in peers:
        with suppress(HttpError):  # the check of the peer itself says that the URL is none
            yield note("proxy", f"{subject}: {url} is reached {proxies.way(url)}")


def _token_peers(settings: Settings) -> Iterator[tuple[str, str]]:
    """Who gives the tokens and credentials with which the service signs in to Kafka and to the schema registry."""
    options = settings.kafka_config.get_secret_value()
    if uses_token_endpoint(options):
        yield "token endpoint", _without_credentials(str(options.get(token_errors.URL, "")))
    options = settings.schema_registry_config.get_secret_value()
    if ISSUER in options:
        yield "issuer of tokens for the schema registry", str(options[ISSUER]).partition("?")[0]
    yield from (("AWS STS", url) for url in factories.sts_urls(settings))


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.rpartition("@")[2]
