"""An attempt leaves nothing that only a search for cycles would free: a request's body is half a megabyte."""

import gc
from collections.abc import Iterator

import pytest

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from consumer.http_client.proxies import Proxies
from consumer.segment.client import Endpoint, SegmentClient
from tests.unit.segment.test_client import SECRET, request

LIBRARIES = ("consumer", "httpx", "httpcore", "h11")
SCRIPTS = {
    "accepted": fault_scripts.calm,
    "throttled": fault_scripts.throttle(retry_after="7"),
    "down": fault_scripts.down(),
    "reset": fault_scripts.reset(),
    "cut off": fault_scripts.cut_off(),
    "hang": fault_scripts.hang(),
    "refused": fault_scripts.refuse(lambda _: True),
}


@pytest.fixture
def garbage() -> Iterator[list[object]]:
    """What a search for cycles has found, since the test began, instead of freeing it."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_an_attempt_leaves_no_cycle(script: fault_scripts.Script, garbage: list[object]) -> None:
    with SegmentStandIn([SECRET]) as stand_in:
        stand_in.script = script
        segment = SegmentClient(
            Endpoint(stand_in.url, 0.3, gzip=False, any_body=False, user_agent="sprig-to-segment/test"),
            Proxies.none(),
        )
        for _ in range(3):
            segment.attempt(request(2))
        segment.close()
    gc.collect()
    assert not [cycle for cycle in garbage if type(cycle).__module__.partition(".")[0] in LIBRARIES]
