"""Whether Kafka clients still know a broker."""

import re
from collections.abc import Callable
from typing import Any

from consumer.errors import BrokersForgotten

REPORT_INTERVAL = 5.0  # seconds
FORGOTTEN_REPORTS = 2  # in a row

# A group's coordinator is listed as "logical" as well, but a client asks it for nothing else.
_BROKER = re.compile(r'"source":\s*"(?:configured|learned)"')


class KnownBrokers:
    """
    What the statistics of clients say of the brokers that they know.

    The last broker that stops can answer that the cluster has no brokers. A client (librdkafka 2.10 and later) then
    forgets all brokers, and does not always go back to bootstrap.servers. It reports no error, and never connects
    again; only a new client does (https://github.com/confluentinc/librdkafka/issues/5301).
    """

    def __init__(self) -> None:
        self._reports_without_broker: list[int] = []  # in a row, of each client

    def options(self) -> dict[str, Any]:
        """
        The options with which one client reports to this object, in calls of `poll` and `consume`.

        The reports of a client that is not polled are kept without a bound.
        """
        return {"statistics.interval.ms": int(REPORT_INTERVAL * 1000), "stats_cb": self.listener()}

    def listener(self) -> Callable[[str], None]:
        """Takes the statistics of one client, as JSON: the brokers come first, and each partition follows."""
        client = len(self._reports_without_broker)
        self._reports_without_broker.append(0)

        def note(statistics: str) -> None:
            former = self._reports_without_broker[client]
            self._reports_without_broker[client] = 0 if _BROKER.search(statistics) else former + 1

        return note

    @property
    def are_forgotten(self) -> bool:
        """Whether a client knows no broker. One that goes back to bootstrap.servers knows these brokers at once."""
        return any(reports >= FORGOTTEN_REPORTS for reports in self._reports_without_broker)

    def require(self) -> None:
        """Raises BrokersForgotten if only new clients help."""
        if self.are_forgotten:
            raise BrokersForgotten
