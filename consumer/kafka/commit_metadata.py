"""The text that is committed with an offset: the topic, the time at which the offset moved, and what blocks it."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_TIME_PREFIX, _BLOCK_PREFIX = "committed-at:", "blocked:"
_TIME = re.compile(r"[0-9]{1,15}")  # up to the year 33658
_OWN_PREFIXES = (_TIME_PREFIX, _BLOCK_PREFIX, "topic-id:")


class CommitMetadata(NamedTuple):
    """
    The metadata of one committed offset.

    `notes` are all words but the time. `moved_at` is the time of the commit that moved the offset, in ms since 1970 by
    the clock of its member; None if nobody noted the time, as in a commit of another client.
    """

    notes: str
    moved_at: int | None

    @classmethod
    def parse(cls, text: str | None) -> "CommitMetadata":
        """The metadata of any client. A time that is not a number is not known."""
        notes, moved_at = [], None
        for word in (text or "").split():
            digits = word.removeprefix(_TIME_PREFIX)
            if digits == word:
                notes.append(word)
            elif _TIME.fullmatch(digits):
                moved_at = int(digits)
        return cls(" ".join(notes), moved_at)

    @property
    def text(self) -> str:
        """What is committed. `parse` gives the same value again."""
        if self.moved_at is None:
            return self.notes
        return f"{self.notes} {_TIME_PREFIX}{self.moved_at}".strip()

    @property
    def block(self) -> str | None:
        """Why the partition was blocked at the commit, "" if it was not; None if another client committed."""
        words = self.text.split()
        for word in words:
            if word.startswith(_BLOCK_PREFIX):
                return word.removeprefix(_BLOCK_PREFIX)
        return "" if any(word.startswith(_OWN_PREFIXES) for word in words) else None


class CommitNotes:
    """
    The notes for the next commit of each partition. `blocks` has the reasons of the partitions that are blocked.

    A member that dies leaves its last notes. The next owner replaces them once it has read the partition.
    """

    def __init__(self, topic_notes: Callable[[int], str]) -> None:
        """`topic_notes` names the topic that a partition is read from."""
        self._topic_notes = topic_notes
        self.blocks: Mapping[int, str] = {}

    def of_partition(self, partition: int) -> str:
        words = self._topic_notes(partition).split()
        if partition in self.blocks:
            words.append(_BLOCK_PREFIX + self.blocks[partition])
        return " ".join(words)
