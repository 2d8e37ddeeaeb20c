"""The files that browsers get, and the response headers that forbid all other sources."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""For every response: the browser loads only this server's files, sends no referrer and allows no frame around it."""


class Asset(NamedTuple):
    """A file as it is sent."""

    content_type: str
    text: bytes


def asset(name: str) -> Asset:
    """A file of this folder."""
    path = _FOLDER / name
    return Asset(f"{_TYPES[path.suffix]}; charset=utf-8", path.read_bytes())
