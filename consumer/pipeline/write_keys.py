"""Which write key an event is sent with: the one for the Sprig environment that its record names."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from consumer.errors import MappingError
from consumer.model import WriteKey, fold_environment
from consumer.pipeline.message_id import message_id_prefix
from consumer.reasons import Reason

# Neither text shows the name of the environment: it is the sender's data, like all fields of a record.
UNKNOWN_ENVIRONMENT = "SEGMENT_WRITE_KEYS has no key for the environment that the record names"
NO_ENVIRONMENT = "SEGMENT_WRITE_KEYS is by environment, and the record names no environment"


class Sender(NamedTuple):
    """A write key, and the beginning of the messageIds that are sent with it."""

    key: WriteKey
    message_id_prefix: str


class WriteKeys:
    """
    The write keys by Sprig environment; the environment "" stands for all and is then the only one.

    `namespace` gives the text that makes the messageIds of a key's source different from those of all other sources.
    """

    def __init__(self, keys: Mapping[str, WriteKey], namespace: Callable[[WriteKey], str], topic: str) -> None:
        self._senders = {
            fold_environment(environment): Sender(key, message_id_prefix(namespace(key), topic))
            for environment, key in keys.items()
        }
        self.only_sender = self._senders.get("")

    def sender(self, environment: str) -> Sender | None:
        """The sender for the environment; None if there is none."""
        return self.only_sender or self._senders.get(fold_environment(environment))


def missing_key(environment: str) -> MappingError:
    """The error of a record that there is no write key for."""
    named = bool(fold_environment(environment))
    return MappingError(Reason.NO_WRITE_KEY, UNKNOWN_ENVIRONMENT if named else NO_ENVIRONMENT)
