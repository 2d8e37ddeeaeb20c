"""The rules for URLs: that of Segment or a gateway, and those of schema registries. No error repeats a URL."""

import re
from urllib.parse import SplitResult, urlsplit

from consumer.settings.validators import require

LOOPBACK = ("127.0.0.1", "::1", "localhost")

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+")  # a name, or an IPv6 address without its brackets
_SEGMENT_HOST = re.compile(r"(?:.*\.)?(?:segment\.io|segmentapis\.com)")
_BATCH_PATHS = ("/v1/batch", "/v1/import")  # both take batches (segment-docs, http-api)


def endpoint(value: str, allow_http: bool) -> str:
    """A URL that may receive a write key and survey responses."""
    url = _url(value)
    require(not url.query and not url.fragment, "must have no query and no fragment")
    require(
        url.scheme == "https" or allow_http or url.hostname in LOOPBACK,
        "must be https: plain http would expose the write key and all survey responses to the network "
        "(SEGMENT_ALLOW_HTTP=true allows it)",
    )
    is_segment = _SEGMENT_HOST.fullmatch(url.hostname or "")
    require(not is_segment or url.path in _BATCH_PATHS, "must end with /v1/batch at Segment itself")
    return value


def registry(value: str) -> str:
    """One or more registry URLs, separated by commas. Logs show them, so they must have no credentials."""
    for url in value.split(","):
        _url(url.strip())
    return value


def _url(value: str) -> SplitResult:
    # This also finds a password that is not quoted as URLs require, with a "?" or a "/" in it.
    require("@" not in value, "must have no user or password in it, because logs show the URL")
    url = _split(value)
    is_complete = url.scheme in ("http", "https") and _HOST.fullmatch(url.hostname or "")
    require(is_complete and not re.search(r"\s", value), "must be a URL such as https://host/path")
    require(_has_valid_port(url), "must have a number for its port")
    return url


def _split(value: str) -> SplitResult:
    """The parts of the URL, all empty if it has none: the text of Python's own error repeats the value."""
    try:
        return urlsplit(value)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _has_valid_port(url: SplitResult) -> bool:
    try:
        return url.port != 0
    except ValueError:  # The text of this error repeats the value.
        return False
