"""Request bodies of Segment's batch endpoint, made of events that are serialised already."""

from collections.abc import Sequence
from datetime import UTC, datetime

from isal import isal_zlib

from consumer.jsonio import dumps
from consumer.model import WriteKey

GZIP = 16 + isal_zlib.MAX_WBITS


def encode(bodies: Sequence[bytes], key: WriteKey, sent_at: datetime) -> bytes:
    """
    `{"batch": [...], "sentAt": ..., "writeKey": ...}` in UTF-8, as Segment's own clients send it.

    `sentAt` is the time of the attempt: Segment corrects the time of each event by the difference to its own clock.
    """
    return b'{"batch":[%b],"sentAt":%b,"writeKey":%b}' % (b",".join(bodies), dumps(sent_at), dumps(key.secret))


def overhead(key: WriteKey) -> int:
    """Bytes of a body besides its events and the commas between them."""
    return len(encode([], key, datetime(2000, 1, 1, microsecond=1, tzinfo=UTC)))


def compress(body: bytes) -> bytes:
    """The body as gzip: less than a fifth of its size, in a sixth of zlib's shortest time (docs/performance.md)."""
    return isal_zlib.compress(body, level=1, wbits=GZIP)
