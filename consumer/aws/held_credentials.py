"""The credentials of a role, kept between requests until shortly before they expire."""

import time
from collections.abc import Callable

from consumer.aws.credentials import Credentials, CredentialsDelayed, CredentialSources

RENEW_SECONDS = 300.0
"""How long before their end credentials are asked for again: so an outage of STS of a few minutes is not felt."""


class HeldCredentials:
    """
    At most one set of credentials at a time. Those without an end are asked for each time.

    AWS limits how often a role may be assumed, and each request to STS is one more that can fail.
    """

    def __init__(self, sources: CredentialSources, clock: Callable[[], float] = time.time) -> None:
        """`clock`: seconds since the epoch."""
        self._sources, self._clock = sources, clock
        self._held: tuple[Credentials, ...] = ()

    def credentials(self) -> Credentials:
        """Credentials that have not expired. Raises as CredentialSources.credentials."""
        if held := self._valid_for(RENEW_SECONDS):
            return held[0]
        try:
            credentials = self._sources.credentials()
        except CredentialsDelayed:
            if held := self._valid_for(0.0):
                return held[0]
            raise
        self._held = (credentials,)
        return credentials

    def forget(self) -> None:
        """AWS refused the credentials, which may have been revoked."""
        self._held = ()

    def _valid_for(self, seconds: float) -> tuple[Credentials, ...]:
        """What is held, if it is good for so long."""
        ends_after = self._clock() + seconds
        return tuple(held for held in self._held if held.expires_at is not None and held.expires_at > ends_after)
