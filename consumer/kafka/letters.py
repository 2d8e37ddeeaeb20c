"""Dead letters as they are read back: the record as it was, and why it is there."""

from typing import NamedTuple

from consumer.model import Message

_OURS = "dead-letter-"
_FIRST = "dead-letter-topic"


class Kept(NamedTuple):
    """
    A dead letter. `at` is the message in the dead-letter topic, `record` the one that was set aside, as it was read.

    `topic`: the one that the record was read from. The rest as in `Letter`; `version` is that of the service.
    """

    at: Message
    record: Message
    topic: str
    reason: str
    stage: str
    detail: str
    schema: str
    attempts: int
    version: str


def opened(message: Message) -> Kept | None:
    """The letter in a message of the dead-letter topic; None for a message that is no letter of the service."""
    # The service adds its headers behind those of the record, which may have any name.
    begin = max((place for place, (name, _) in enumerate(message.headers) if name == _FIRST), default=-1)
    if begin < 0:
        return None
    said = {
        name.removeprefix(_OURS): (value or b"").decode("utf-8", "replace") for name, value in message.headers[begin:]
    }
    try:
        partition, offset, timestamp = (int(said[name]) for name in ("partition", "offset", "timestamp"))
        record = message._replace(
            partition=partition, offset=offset, timestamp=timestamp, headers=tuple(message.headers[:begin])
        )
        attempts = int(said["attempts"])
        texts = (said[name] for name in ("topic", "reason", "stage", "detail", "schema"))
        topic, reason, stage, detail, schema = texts
        return Kept(message, record, topic, reason, stage, detail, schema, attempts, said["version"])
    except (KeyError, ValueError):
        return None


def record(message: Message) -> Message:
    """The record that a letter holds, for whoever was given letters only."""
    letter = opened(message)
    assert letter, "a letter was read as one before"
    return letter.record
