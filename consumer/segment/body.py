"""Request bodies of Segment's batch endpoint, made of calls that are serialised already."""

from collections.abc import Sequence
from datetime import UTC, datetime

from isal import isal_zlib

from consumer.jsonio import dumps
from consumer.model import WriteKey

GZIP = 16 + isal_zlib.MAX_WBITS


def encode(bodies: Sequence[bytes], key: WriteKey, sent_at: datetime) -> bytes:
    """
    `{"batch": [...], "sentAt": ..., "writeKey": ...}` in UTF-8, as Segment's own clients send it.

    `sentAt` belongs to the attempt: Segment corrects each event's time by the difference to its own clock.
    """
    return b'{"batch":[%b],"sentAt":%b,"writeKey":%b}' % (b",".join(bodies), dumps(sent_at), dumps(key.secret))


def overhead(key: WriteKey) -> int:
    """Bytes of a body besides its calls and the commas between them."""
    return len(encode([], key, datetime(2000, 1, 1, microsecond=1, tzinfo=UTC)))


def compress(body: bytes) -> bytes:
    """The body in gzip's format: less than a fifth of it, in a sixth of zlib's shortest time (docs/performance.md)."""
    return isal_zlib.compress(body, level=1, wbits=GZIP)
