"""Whether a broker answers the group's member: since when not, and why."""

from collections.abc import Callable, Sequence

from consumer.waits import Wait, WaitKind

SILENT_SECONDS = 10.0
"""How long nothing has to be heard: a connection that the broker closed is open again long before."""


class BrokerSilence:
    """
    The brokers are silent since their last answer, if something after it shows that.

    The client reports that none can be reached, or two questions in a row get no answer. The client reports the former
    once, and perhaps before the last records that it had fetched are read. It does not say when a broker can be reached
    again, so the answers to questions and the records show it.
    Times are in monotonic seconds.
    """

    def __init__(self, cause: Callable[[], str], now: float) -> None:
        """`cause` gives the reason that the client reported last, for people."""
        self._cause, self._answered_at, self._is_silent = cause, now, False

    def note(self, answered_at: float, silent_at: float, now: float) -> None:
        """When a broker answered last, and the last moment from which on nothing could be heard. Call this often."""
        self._answered_at = max(self._answered_at, answered_at)
        is_long = now - self._answered_at >= SILENT_SECONDS
        self._is_silent = is_long and silent_at > self._answered_at

    @property
    def waits(self) -> Sequence[Wait]:
        """The brokers, while they are silent."""
        return [Wait(WaitKind.KAFKA, "", self._answered_at, self._cause())] if self._is_silent else ()
