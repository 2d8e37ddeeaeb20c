"""The values that travel through the service, in the order in which they are made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Headers = Sequence[tuple[str, bytes | None]]


class Message(NamedTuple):
    """
    One Kafka record as it was read.

    `timestamp` in ms since 1970 (-1: none), `read_at` in monotonic seconds, `weight` the bytes that holding it takes.
    """

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    read_at: float = 0.0
    weight: int = 0


def folded(environment: str) -> str:
    """A Sprig environment as it is compared: Sprig writes "Production", its users write "production"."""
    return environment.strip().casefold()


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A Segment source's key and the Sprig environment that it is for. Equal only to itself; never shows its secret."""

    environment: str
    secret: str = field(repr=False, compare=False)


class Call(NamedTuple):
    """One Segment `track` call, serialised, still tied to the record it was made of, and to what names its schema."""

    message: Message
    key: WriteKey
    body: bytes
    schema: str = ""


class Skipped(NamedTuple):
    """A record with nothing to send, by a rule that is counted under its `reason`."""

    reason: str


class Unprocessable(NamedTuple):
    """A record that no call can be made of. `detail` names fields and rules, never a value of the record."""

    reason: str
    stage: str
    detail: str
    schema: str = ""


class Pending(NamedTuple):
    """A record that cannot be read yet, as its writer's schema `schema` is still being looked up."""

    schema: object


class Held(NamedTuple):
    """A record that its partition must not go past: somebody has to decide first."""

    reason: str


@dataclass(eq=False, slots=True)
class Letter:
    """
    A record on its way to the dead-letter topic, and why.

    `revoked` says that its lane is gone and that no confirmation counts any more, `dated` that it keeps the record's
    own time, `stuck` that the topic will never take it.
    """

    message: Message
    reason: str
    stage: str
    detail: str
    schema: str = ""
    attempts: int = 0
    revoked: bool = False
    dated: bool = True
    stuck: bool = False


Translation = Call | Skipped | Unprocessable | Pending
Translate = Callable[[Message], Translation]
Treatment = Call | Skipped | Letter | Pending | Held
Treat = Callable[[Message], Treatment]
