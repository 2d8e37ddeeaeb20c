"""Whether offsets wait for letters that cannot be written."""

from consumer.demo.expected import SetAside
from tests.faults.scenario import Trial
from tests.support import wait_until

NOT_WRITTEN = "dead letter not written, retrying"


def said(it: Trial) -> None:
    """The member says that letters are not written; where nobody refuses them, half a minute later."""
    wait_until(lambda: NOT_WRITTEN in it.members["one"].output, NOT_WRITTEN)


def assert_waits(it: Trial) -> None:
    """No offset is committed past a record whose letter is not written."""
    first: dict[int, int] = {}
    for place, fate in it.flow.produced.items():
        if isinstance(fate, SetAside):
            first.setdefault(place.partition, place.offset)
    assert first
    assert not [part for part, offset in it.flow.committed().items() if offset > first.get(part, offset)]
