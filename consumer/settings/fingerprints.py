"""Names for secrets that do not reveal them."""

import hashlib


def fingerprint(secret: str) -> str:
    """A name for a key that does not reveal it: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]
