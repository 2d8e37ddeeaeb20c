"""Owns the checks that no offset passes a dead letter that cannot be written."""

from consumer.demo.expected import ExpectDeadLetter
from tests.faults.scenario import Scenario
from tests.support import wait_until

NOT_WRITTEN = "dead letter not written, retrying"


def wait_for_retries(trial: Scenario) -> None:
    """Wait for the log line. If the broker refuses nothing, the member logs it after half a minute."""
    wait_until(lambda: NOT_WRITTEN in trial.members["one"].output, f"the log line {NOT_WRITTEN!r}")


def assert_offsets_wait(trial: Scenario) -> None:
    """No offset is committed past a record whose dead letter is not written."""
    first_rejected: dict[int, int] = {}
    for address, expected in trial.flow.produced.items():
        if isinstance(expected, ExpectDeadLetter):
            first_rejected.setdefault(address.partition, address.offset)
    assert first_rejected
    committed = trial.flow.committed()
    assert not [partition for partition, offset in committed.items() if offset > first_rejected.get(partition, offset)]
