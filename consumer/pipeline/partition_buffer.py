"""What is held of one partition, from its assignment to its revocation."""

from collections import Counter, deque
from collections.abc import Sequence
from operator import attrgetter

from consumer.model import Call, Held, Letter, Message, Pending, Skipped, Treat, WriteKey
from consumer.reasons import NO_WRITE_KEY, UNREADABLE_BATCH
from consumer.request import Limits, Part, Taken

_offset = attrgetter("offset")

# Seconds that a lane goes on past a key that stalls. What is delivered past it is sent again after a restart, and
# Segment knows repeats for about a day.
GOES_ON_FOR = 12 * 3600.0


class Lane:
    """
    Records enter in the order of their offsets, and everything below `frontier` is settled.

    For each unsettled record is in exactly one place: waiting, in an open part, or in an open letter. One batch is open
    at a time, and further ones only past keys that stall; of the open parts only the first of each write key may be
    sent. So order is kept, and no gap tracker is needed.
    """

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.position: int | None = None
        self.blocked: Pending | Held | None = None
        self.unreadable = False  # what comes next cannot be unpacked
        self.weight = 0  # bytes that wait
        self.made = 0  # bytes in calls, with the records that they are made of
        self._waiting: deque[Message] = deque()
        self._parts: dict[WriteKey, deque[Part]] = {}
        self._letters: set[Letter] = set()
        self._unprocessable_in_a_row = 0

    @property
    def oldest(self) -> Message | None:
        """The unsettled record with the lowest offset, if any is unsettled."""
        unsettled = [parts[0].calls[0].message for parts in self._parts.values()]
        unsettled += [letter.message for letter in self._letters]
        if self._waiting:
            unsettled.append(self._waiting[0])
        return min(unsettled, key=_offset, default=None)

    @property
    def frontier(self) -> int | None:
        """The offset that may be committed: that of the oldest unsettled record. None before anything was read."""
        oldest = self.oldest
        return self.position if oldest is None else oldest.offset

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        return sum(len(part.calls) for parts in self._parts.values() for part in parts) + len(self._letters)

    @property
    def letters(self) -> int:
        """How many of its letters are still to be confirmed."""
        return sum(not letter.stuck for letter in self._letters)

    @property
    def holds(self) -> str:
        """Why it does not go on until somebody decides; "" while it does."""
        if isinstance(self.blocked, Held):
            return self.blocked.reason
        return UNREADABLE_BATCH if self.unreadable else ""

    def ready(self, now: float, stalled: frozenset[WriteKey] = frozenset()) -> bool:
        """Whether a next batch may be taken: nothing is open but calls whose key stalls, and those not for too long."""
        if not self._waiting or self._letters or self.blocked is not None:
            return False
        open_since = min((parts[0].calls[0].message.read_at for parts in self._parts.values()), default=now)
        return self._parts.keys() <= stalled and now - open_since < GOES_ON_FOR

    @property
    def waiting_since(self) -> float:
        """When the oldest waiting record was read, in monotonic seconds; only of a lane with something waiting."""
        return self._waiting[0].read_at

    def add(self, messages: Sequence[Message]) -> None:
        """Take in records that were just read, at least one, in the order of their offsets."""
        self._waiting.extend(messages)
        self.weight += sum([message.weight for message in messages])
        self.position = messages[-1].offset + 1
        self.unreadable = False

    def advance(self, offset: int) -> None:
        """Nothing is left to read below `offset`: the partition's end, past transaction markers and compacted gaps."""
        self.position = offset if self.position is None else max(self.position, offset)
        self.unreadable = False

    def take(self, treat: Treat, limits: Limits) -> Taken:
        """
        Open the next batch. It ends at the limits, at a record that blocks the lane, or with what was read.

        Calls whose key has open ones queue up behind these, to be sent by and by; the others are the parts taken.
        """
        calls: dict[WriteKey, list[Call]] = {}
        key, its = None, []  # the last record's: as a rule the next one's as well
        taken = Taken([], [], Counter())
        events = size = 0
        while self._waiting and events < limits.events:
            match treat(self._waiting[0]):
                case Call() as call:
                    size += len(call.body) + 1
                    if size > limits.size and events:
                        break
                    events += 1
                    if call.key is not key:
                        key = call.key
                        its = calls.setdefault(key, [])
                    its.append(call)
                    self._unprocessable_in_a_row = 0
                case Skipped(reason):
                    taken.skipped[reason] += 1
                case Letter() as letter if self._tolerates(letter, limits):
                    taken.letters.append(letter)
                case Letter():
                    self.blocked = Held("dead_letter_limit")
                    break
                case blocked:
                    self.blocked = blocked
                    break
            self.weight -= self._waiting.popleft().weight
        made = [Part(self.partition, one, tuple(those)) for one, those in calls.items()]
        taken.parts.extend(part for part in made if self._open(part, limits))
        self._letters = set(taken.letters)
        return taken

    def settle(self, part: Part) -> Sequence[Part]:
        """Segment took this part; what may be sent now."""
        parts = self._without(part)
        self.made -= part.weight
        if not parts:
            del self._parts[part.key]
        return list(parts)[:1]

    def split(self, part: Part) -> Sequence[Part]:
        """Send this part in halves; what may be sent now."""
        parts = self._without(part)
        parts.extendleft(reversed(part.halves()))
        return [parts[0]]

    def set_aside(self, part: Part, letter: Letter) -> Sequence[Part]:
        """Write this part of one call to the dead-letter topic instead; what may be sent now."""
        self._letters.add(letter)
        return self.settle(part)

    def confirm(self, letter: Letter) -> None:
        """The dead-letter topic holds this letter."""
        self._letters.remove(letter)

    def drop(self) -> int:
        """Forget everything, as the partition is somebody else's now; how many records were unsettled."""
        unsettled = self.waiting + self.in_flight
        for parts in self._parts.values():
            for part in parts:
                part.revoked = True
        for letter in self._letters:
            letter.revoked = True
        self._waiting.clear()
        return unsettled

    def _open(self, part: Part, limits: Limits) -> bool:
        """Whether it may be sent now; else it is behind the open parts of its key, in the last of them if it fits."""
        self.made += part.weight
        parts = self._parts.setdefault(part.key, deque())
        last = parts[-1] if len(parts) > 1 else part  # the first may be under way
        fits = len(last.calls) + len(part.calls) <= limits.events and last.size + part.size <= limits.size
        if last is not part and not last.alone and fits:
            last.join(part)
        else:
            parts.append(part)
        return parts[0] is part

    def _without(self, part: Part) -> deque[Part]:
        """The open parts of its key that come after it."""
        parts = self._parts[part.key]
        first = parts.popleft()
        assert first is part, "only the first part of a key is under way"
        return parts

    def _tolerates(self, letter: Letter, limits: Limits) -> bool:
        if letter.reason != NO_WRITE_KEY:
            self._unprocessable_in_a_row += 1
        return self._unprocessable_in_a_row <= limits.unprocessable
