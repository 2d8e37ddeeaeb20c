"""What is blocked and since when, which records are concerned, and which settings to check."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from consumer.model import Blocked, RecordAddress, WriteKey
from consumer.observability.snapshot import Block
from consumer.reasons import SETTINGS

log = logging.getLogger(__name__)

MAX_NAMED = 10


class KeyState(Protocol):
    """What is reported of a write key: why it is blocked ("": it is not), and until when nothing is sent with it."""

    @property
    def block_reason(self) -> str: ...
    @property
    def open_until(self) -> float: ...
    @property
    def records(self) -> Sequence[RecordAddress]: ...


class _KeyBlock(NamedTuple):
    """Why a write key is blocked, and the records concerned."""

    reason: str
    records: str


class BlockHistory:
    """What is blocked now, and since when; it logs which write keys are blocked, and when they are not any more."""

    def __init__(self) -> None:
        self._keys: Mapping[str, _KeyBlock] = {}
        self._since: Mapping[tuple[str, str], float] = {}

    def update(self, keys: Mapping[WriteKey, KeyState], partitions: Mapping[int, Blocked]) -> Sequence[Block]:
        """What is blocked now, with the time at which it was first seen to be."""
        self._update_keys(
            {
                key.environment: _KeyBlock(state.block_reason, list_records(state.records))
                for key, state in keys.items()
                if state.block_reason
            }
        )
        now = time.time()
        blocks = [
            Block(_key_name(environment), block.reason, now, records=block.records)
            for environment, block in self._keys.items()
        ]
        blocks += [
            Block(
                f"partition {partition}",
                blocked.reason,
                now,
                **describe_block(partition, blocked),
                partition=partition,
            )
            for partition, blocked in partitions.items()
        ]
        self._since = {
            (block.target, block.reason): self._since.get((block.target, block.reason), now) for block in blocks
        }
        return [block._replace(since=self._since[block.target, block.reason]) for block in blocks]

    def _update_keys(self, keys: Mapping[str, _KeyBlock]) -> None:
        """
        Log the keys that are blocked, by environment. A blocked partition is logged where it is blocked.

        A block is logged once, with the records that it concerns at that time. The status page has those of now.
        """
        for environment, block in keys.items():
            known = self._keys.get(environment)
            if known is None or known.reason != block.reason:
                fields = {"environment": environment, **block._asdict()}
                log.error("delivery blocked: fix the configuration", extra=fields)
        for environment in self._keys.keys() - keys.keys():
            fields = {"environment": environment, "reason": self._keys[environment].reason}
            log.info("delivery resumed", extra=fields)
        self._keys = keys


def log_block(partition: int, blocked: Blocked) -> None:
    """Log that the partition is blocked."""
    fields = {"partition": partition, "offset": blocked.offset, "reason": blocked.reason}
    log.error("partition blocked: operator action required", extra={**fields, **describe_block(partition, blocked)})


def describe_block(partition: int, blocked: Blocked) -> dict[str, str]:
    """
    The record concerned, why records were rejected, and the settings to check.

    The keys are fields of log lines and of the status page.
    """
    fields: dict[str, str] = {}
    if blocked.offset is not None:
        fields["records"] = list_records([RecordAddress(partition, blocked.offset)])
    if blocked.rejected is not None:
        fields["reject_reason"] = blocked.rejected.reason
        fields["detail"] = blocked.rejected.detail
        fields["settings"] = ", ".join(SETTINGS.get(blocked.rejected.reason, ()))
    return fields


def list_records(addresses: Sequence[RecordAddress]) -> str:
    """The first of these addresses, for people: "0:17, 3:1042", in the form of `skip-record`."""
    text = ", ".join(map(str, addresses[:MAX_NAMED]))
    if len(addresses) > MAX_NAMED:
        return f"{text} and {len(addresses) - MAX_NAMED} more"
    return text


def _key_name(environment: str) -> str:
    if not environment:
        return "key"
    return f"key of {environment}"
