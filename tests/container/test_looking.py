"""`preview` and `reconcile` against a real Kafka: what they say is what was produced, and they leave no trace."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED, Deliver, SetAside, Skip
from consumer.demo.segment_server import Segment
from tests.cli_runner import Desk
from tests.support import KEYS, Flow, is_refused


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with Segment(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(kafka.bootstrap, topic, segment)


def groups(flow: Flow) -> set[str]:
    found = AdminClient({"bootstrap.servers": flow.bootstrap}).list_consumer_groups().result(10)
    return {group.group_id for group in found.valid if group.group_id.startswith(flow.topic)}


def fates(flow: Flow) -> Counter[str]:
    kinds = {Deliver: "call", Skip: "skipped", SetAside: "set_aside"}
    return Counter("call" if fate == REFUSED else kinds[type(fate)] for fate in flow.produced.values())


def test_preview_tells_the_fate_of_each_record_and_leaves_no_trace(flow: Flow) -> None:
    flow.produce(400)
    told = Desk(flow).lines("preview", "--count", "400")
    assert Counter(it["outcome"] for it in told) == fates(flow)
    assert len({(it["partition"], it["offset"]) for it in told}) == 400
    assert all(it["reason"] for it in told if it["outcome"] != "call")
    assert not flow.segment.accepted
    assert not groups(flow)


def test_preview_begins_where_it_is_told(flow: Flow) -> None:
    flow.produce(200)
    desk = Desk(flow)
    (one,) = desk.lines("preview", "--from", "2:5", "--count", "1")
    assert (one["partition"], one["offset"]) == (2, 5)
    last = desk.lines("preview", "--from", "end", "--count", "8")
    assert len(last) == 8
    assert desk.lines("preview", "--from", "2020-01-01", "--count", "200")[0]["offset"] == 0
    nothing = desk.call("preview", "--from", "2099-01-01")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "has no record there" in nothing.stderr


@pytest.mark.parametrize(
    ("place", "code", "said"),
    [
        ("2:100000", 1, "partition 2 has offsets from 0 to before"),
        ("77:0", 1, "there is no partition 77, but 0 to 3"),
        ("yesterday", 2, "'yesterday' must be beginning, end, a time such as"),
    ],
)
def test_a_place_that_is_none_is_told(flow: Flow, place: str, code: int, said: str) -> None:
    flow.produce(10)
    done = Desk(flow).call("preview", "--from", place)
    assert done.returncode == code
    assert said in done.stderr


def test_a_person_sees_the_calls_indented_and_how_many_there_were(flow: Flow) -> None:
    flow.produce(20)
    shown = Desk(flow).seen("preview", "--count", "20")
    assert '\n  "type": "track",' in shown
    assert re.search(r"\n20 records: \d+ calls, ", shown)


def test_reconcile_tells_what_arrived_what_did_not_and_what_still_waits(flow: Flow, tmp_path: Path) -> None:
    flow.produce(1000)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    before, desk = fates(flow), Desk(flow)
    ids = [str(arrival.event["messageId"]) for arrival in flow.segment.accepted]
    refused = sum(fate == REFUSED for fate in flow.produced.values())
    expected = {
        "delivered": before["call"] - refused,
        "skipped": before["skipped"],
        "dead-lettered": before["set_aside"] + refused,
        "waiting": 0,
        "missing": 0,
    }
    assert all(expected[kind] for kind in ("delivered", "skipped", "dead-lettered"))
    export = tmp_path / "tracks.csv.gz"
    export.write_bytes(gzip.compress("\n".join(["received_at,id", *(f"now,{it}" for it in ids)]).encode()))
    told = desk.told("reconcile", "--from", "2020-01-01", "--delivered", str(export), "--json")
    assert told["total"] == expected
    assert sum(hour["delivered"] for hour in told["hours"]) == expected["delivered"]

    flow.produce(100, seed=2)
    waits = desk.call("reconcile", "--from", "2020-01-01", "--delivered", "-", "--json", stdin="\n".join(ids[3:]))
    assert waits.returncode == 1
    total = json.loads(waits.stdout)["total"]
    assert total["missing"] == 3
    assert total["waiting"] + total["skipped"] - expected["skipped"] == 100
    missing = desk.call("reconcile", "--from", "2020-01-01", "--delivered", "-", "--missing", stdin="\n".join(ids[3:]))
    named = {f"-{it['partition']}-{it['offset']}-" for it in map(json.loads, missing.stdout.splitlines())}
    assert len(named) == 3
    assert all(any(name in it for name in named) for it in ids[:3])


def test_an_export_that_is_none_is_told_with_its_line(flow: Flow, tmp_path: Path) -> None:
    flow.produce(10)
    export = tmp_path / "tracks.csv"
    export.write_text("when,what\n1,2\n")
    done = Desk(flow).call("reconcile", "--from", "2020-01-01", "--delivered", str(export))
    assert done.returncode == 2
    assert done.stderr.startswith(f"{export}:1: expected a column messageId or message_id or id")
