"""Segment is away, slow, or answers in the middle of nowhere; members hold what they have and drain afterwards."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from consumer.demo import faults
from consumer.demo.segment import Segment
from tests.faults.proxy import Proxy
from tests.faults.trial import Row, trial
from tests.support import Flow, wait_until

Record = Callable[[Row], None]
MEBIBYTE = 2**20

# What it answers so many requests with.
SPELLS: dict[str, Callable[[float], faults.Script]] = {
    "500": faults.fail,
    "429 without a wait": lambda times: faults.repeatedly(faults.problem(429, "later"), times),
    "429, come back in a second": faults.throttle,
    "429, come back yesterday": lambda times: faults.throttle(times, "Wed, 21 Oct 2015 07:28:00 GMT"),
    "429, come back at -7": lambda times: faults.throttle(times, "-7"),
    "429, come back at nonsense": lambda times: faults.throttle(times, "soon"),
    "hangs": faults.hang,
    "resets, events not taken": faults.reset,
    "resets, events taken": lambda times: faults.reset(times, taken=True),
    "cuts its answers off": faults.cut_off,
    "dribbles its answers": faults.dribble,
    "is a proxy's page": faults.page,
    "401": lambda times: faults.fail(times, 401),
    "404": lambda times: faults.fail(times, 404),
}


@pytest.fixture(params=["consumer"])
def protocol(request: pytest.FixtureRequest) -> str:
    """What goes wrong at the other end has nothing to do with the group's protocol."""
    return str(request.param)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def link(flow: Flow) -> Iterator[Proxy]:
    """What members reach Segment by."""
    target = int(flow.segment.url.split(":")[2].split("/")[0])
    with Proxy(free_port(), target).running() as link:
        flow.settings = {"SEGMENT_ENDPOINT": f"http://127.0.0.1:{link.port}/v1/batch", "SEGMENT_TIMEOUT_SECONDS": "1"}
        yield link


def test_spells_of_faults_lose_nothing(flow: Flow, is_long: bool, record: Record) -> None:
    """Events that were taken although the answer did not arrive are sent again, with the same messageIds."""
    times = 6 if is_long else 3
    flow.settings = {"SEGMENT_TIMEOUT_SECONDS": "1"}
    with trial(flow, rate=60) as it:
        it.join()
        for spell in SPELLS.values():
            before = flow.segment.requests
            it.answers(spell(times))
            assert flow.segment.wait_until(_more_than(before + times), 60)
            it.progress(20)
        it.over()
        record(it.settle(f"{len(SPELLS)} spells of Segment", floor=200, duplicates=50 * times * len(SPELLS)))


def test_resets_on_the_way_to_segment_lose_nothing(flow: Flow, link: Proxy, is_long: bool, record: Record) -> None:
    torn = 60 if is_long else 8
    with trial(flow) as it:
        it.join()
        for _ in range(torn):
            it.progress(5)
            link.reset()
        it.over()
        record(it.settle("resets on the way to Segment", floor=100, duplicates=8 * 50 * torn))


def test_a_black_hole_on_the_way_to_segment_loses_nothing(
    flow: Flow, link: Proxy, is_long: bool, record: Record
) -> None:
    """What was sent into it comes out at its end, when the answers are not waited for any more."""
    seconds, silent = (60 if is_long else 6), threading.Event()
    with trial(flow) as it:
        it.join()
        it.progress()
        before = link.connections
        link.silence()
        silent.wait(seconds)
        attempts = link.connections - before + 8  # each failure costs its connection
        link.pass_on()
        it.over()
        record(it.settle(f"black hole to Segment, {seconds} s", floor=300, duplicates=50 * attempts))


def test_an_outage_costs_nothing_but_time(flow: Flow, link: Proxy, is_long: bool, record: Record) -> None:
    """Connections are refused; memory stays flat, and the member stays in its group."""
    with trial(flow, rate=20) as it:
        member = it.join()
        it.progress(20)
        link.refuse()
        it.load.stop()
        flow.produce(40000 if is_long else 4000, seed=9)
        wait_until(lambda: '"reason": "connect_error"' in member.output, "the outage to be noticed")
        wait_until(lambda: held(member.url) > 3000, "as much to be held as may be")
        before, watched = resident(member.pid), threading.Event()
        watched.wait(120 if is_long else 5)
        after = resident(member.pid)
        link.accept()
        it.over()
        under_way = 8 * 50  # when their connections were torn
        record(it.settle("outage of Segment", floor=3000, duplicates=under_way, seconds=200))
        assert after - before < 16 * MEBIBYTE
        assert member.output.count("partitions ") == member.output.count("partitions assigned") + 1


def test_answers_near_the_deadline_are_no_fault(flow: Flow, is_long: bool, record: Record) -> None:
    """Each takes 0.8 of the 1 second that an attempt has; the loop turns meanwhile, and the group does not notice."""
    flow.settings = {"SEGMENT_TIMEOUT_SECONDS": "1"}
    slow = faults.repeatedly(faults.Answer(wire=_late))
    with trial(flow, rate=20, script=slow) as it:
        it.join()
        it.progress(600 if is_long else 100)
        it.answers(faults.calm)
        it.over()
        record(it.settle("slow answers", floor=80, duplicates=it.at_stake))


def _more_than(requests: int) -> Callable[[Segment], bool]:
    return lambda segment: segment.requests > requests


def _late(client: Any, answer: bytes, stopped: threading.Event) -> bool:
    stopped.wait(0.8)
    client.sendall(answer)
    return True


def resident(pid: int) -> int:
    """Bytes of memory that the process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def held(url: str) -> float:
    page = httpx.get(f"{url}/metrics", trust_env=False).text
    lines = [line for line in page.splitlines() if line.startswith("sprig_to_segment_records_waiting")]
    return sum(float(line.split()[-1]) for line in lines)
