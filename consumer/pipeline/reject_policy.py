"""What becomes of a record that cannot be delivered: a dead letter, a counted skip, or a hold."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from consumer.model import Held, Letter, Message, Skipped, Translate, Treatment, Unprocessable
from consumer.reasons import NO_WRITE_KEY, aside_meaning
from consumer.request import Part

log = logging.getLogger(__name__)

UNKNOWN_RECORD = "unknown_record"


@dataclass(frozen=True, slots=True)
class Policy:
    """`dead-letter`, `skip` or `block`: for records in general, and for those without a contract."""

    unprocessable: str
    unknown_record: str

    def treat(self, letter: Letter) -> Letter | Skipped | Held:
        """What the policy makes of a letter; it is said aloud, by address and reason."""
        action = self.unknown_record if letter.reason == UNKNOWN_RECORD else self.unprocessable
        # A missing key is mended in the settings, where everything else set aside is somebody's data.
        level = logging.ERROR if letter.reason == NO_WRITE_KEY else logging.WARNING
        log.log(level, "record rejected", extra={**described(letter), "action": action})
        if action == "dead-letter":
            return letter
        return Skipped(letter.reason) if action == "skip" else Held(letter.reason)

    @property
    def writes(self) -> bool:
        """Whether the dead-letter topic is used at all."""
        return "dead-letter" in (self.unprocessable, self.unknown_record)


class Treater:
    """Translates a record and applies the policy: what a lane takes its batches with."""

    def __init__(self, translate: Translate, policy: Policy) -> None:
        self._translate = translate
        self._policy = policy

    def treat(self, message: Message) -> Treatment:
        made = self._translate(message)
        if isinstance(made, Unprocessable):
            return self._policy.treat(Letter(message, made.reason, made.stage, made.detail, made.schema))
        return made

    def refused(self, part: Part, reason: str) -> Letter | Skipped | Held:
        """What becomes of the one call of `part`, which Segment will not take."""
        (call,) = part.calls
        detail = aside_meaning(reason)
        return self._policy.treat(Letter(call.message, reason, "delivery", detail, call.schema, part.attempts))


def described(letter: Letter) -> Mapping[str, object]:
    """A letter's address and reason, for a log line."""
    return {
        "partition": letter.message.partition,
        "offset": letter.message.offset,
        "reason": letter.reason,
        "stage": letter.stage,
        "detail": letter.detail,
    }
