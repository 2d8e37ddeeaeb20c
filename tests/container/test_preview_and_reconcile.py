"""`preview` and `reconcile` with a real Kafka: they report what was produced, and leave no trace."""

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
from consumer.demo.expected import REFUSED, ExpectDeadLetter, ExpectDelivered, ExpectSkipped
from consumer.demo.ledger import address_of
from consumer.demo.segment_server import SegmentStandIn
from tests.cli_runner import CommandRunner
from tests.support import KEYS, Flow, is_refused


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        yield Flow(kafka.bootstrap, topic, segment)


def groups(flow: Flow) -> set[str]:
    admin = AdminClient({"bootstrap.servers": flow.bootstrap})  # one that nobody refers to drops its questions
    listing = admin.list_consumer_groups(request_timeout=60).result(90)
    return {group.group_id for group in listing.valid if group.group_id.startswith(flow.topic)}


def expected_outcomes(flow: Flow) -> Counter[str]:
    """How many records of the flow have each outcome of `preview`, which cannot know what Segment refuses."""
    outcomes = {ExpectDelivered: "call", ExpectSkipped: "skipped", ExpectDeadLetter: "set_aside"}
    counts = Counter(outcomes[type(expected)] for expected in flow.produced.values() if expected != REFUSED)
    counts["call"] += refused(flow)
    return counts


def refused(flow: Flow) -> int:
    return sum(expected == REFUSED for expected in flow.produced.values())


def test_preview_shows_what_each_record_becomes_and_leaves_no_trace(flow: Flow) -> None:
    flow.produce(400)
    report = CommandRunner(flow).json_lines("preview", "--count", "400")
    assert Counter(record["outcome"] for record in report) == expected_outcomes(flow)
    assert len({(record["partition"], record["offset"]) for record in report}) == 400
    assert all(record["reason"] for record in report if record["outcome"] != "call")
    assert not flow.segment.accepted
    assert not groups(flow)


def test_preview_begins_at_the_given_start(flow: Flow) -> None:
    flow.produce(200)
    runner = CommandRunner(flow)
    (single,) = runner.json_lines("preview", "--from", "2:5", "--count", "1")
    assert (single["partition"], single["offset"]) == (2, 5)
    last = runner.json_lines("preview", "--from", "end", "--count", "8")
    assert len(last) == 8
    assert runner.json_lines("preview", "--from", "2020-01-01", "--count", "200")[0]["offset"] == 0
    empty = runner.run("preview", "--from", "2099-01-01")
    assert (empty.returncode, empty.stdout) == (0, "")
    assert "has no record there" in empty.stderr


@pytest.mark.parametrize(
    ("start", "code", "text"),
    [
        ("2:100000", 1, "partition 2 has offsets from 0 to before"),
        ("77:0", 1, "there is no partition 77, but 0 to 3"),
        ("yesterday", 2, "'yesterday' must be beginning, end, a time such as"),
    ],
)
def test_an_invalid_start_is_reported(flow: Flow, start: str, code: int, text: str) -> None:
    flow.produce(10)
    result = CommandRunner(flow).run("preview", "--from", start)
    assert result.returncode == code
    assert text in result.stderr


def test_a_terminal_shows_the_events_indented_and_their_number(flow: Flow) -> None:
    flow.produce(20)
    output = CommandRunner(flow).terminal_output("preview", "--count", "20")
    assert '\n  "type": "track",' in output
    assert re.search(r"\n20 records: \d+ events, ", output)


def test_reconcile_reports_delivered_missing_and_waiting_records(flow: Flow, tmp_path: Path) -> None:
    flow.produce(1000)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    outcomes, runner = expected_outcomes(flow), CommandRunner(flow)
    ids = [str(arrival.event["messageId"]) for arrival in flow.segment.accepted]
    expected = {
        "delivered": outcomes["call"] - refused(flow),
        "skipped": outcomes["skipped"],
        "dead-lettered": outcomes["set_aside"] + refused(flow),
        "waiting": 0,
        "missing": 0,
    }
    assert all(expected[kind] for kind in ("delivered", "skipped", "dead-lettered"))
    export = tmp_path / "tracks.csv.gz"
    export.write_bytes(
        gzip.compress("\n".join(["received_at,id", *(f"now,{message_id}" for message_id in ids)]).encode())
    )
    report = runner.json("reconcile", "--from", "2020-01-01", "--delivered", str(export), "--json")
    assert report["total"] == expected
    assert sum(hour["delivered"] for hour in report["hours"]) == expected["delivered"]

    flow.produce(100, seed=2)
    result = runner.run("reconcile", "--from", "2020-01-01", "--delivered", "-", "--json", stdin="\n".join(ids[3:]))
    assert result.returncode == 1
    total = json.loads(result.stdout)["total"]
    assert total["missing"] == 3
    assert total["waiting"] + total["skipped"] - expected["skipped"] == 100
    missing = runner.run("reconcile", "--from", "2020-01-01", "--delivered", "-", "--missing", stdin="\n".join(ids[3:]))
    id_parts = {
        f"-{record['partition']}-{record['offset']}-" for record in map(json.loads, missing.stdout.splitlines())
    }
    assert len(id_parts) == 3
    assert all(any(id_part in message_id for id_part in id_parts) for message_id in ids[:3])


def test_what_the_warehouse_lacks_is_sent_again_with_its_message_ids(kafka: Any, flow: Flow, tmp_path: Path) -> None:
    """
    Also in part, if Kafka has deleted some of the records, and a second time only with --again.

    The records that are gone are in two partitions: alone in the first, and before others in the second.
    """
    flow.produce(400)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    delivered = {str(arrival.event["messageId"]) for arrival in flow.segment.accepted}
    by_address = {address: message_id for message_id in delivered if (address := address_of(message_id))}
    by_partition = [sorted(address for address in by_address if address.partition == number) for number in range(3)]
    lost = [*by_partition[0][:2], *by_partition[1][:2]]
    kept = [*by_partition[1][3:5], *by_partition[2][:3]]
    lacking = {by_address[address]: address for address in (*lost, *kept)}
    missing, runner = tmp_path / "missing.txt", CommandRunner(flow)
    reconcile = ["reconcile", "--from", "2020-01-01", "--delivered", "-", "--missing-file", str(missing)]
    result = runner.run(*reconcile, stdin="\n".join(delivered - lacking.keys()))
    assert result.returncode == 1
    assert f"dead-letters replay --only {missing}" in result.stderr
    lines = {f"{flow.topic} {partition} {offset}" for partition, offset in lacking.values()}
    assert set(missing.read_text().splitlines()) == lines

    kafka.delete_records(flow.topic, {partition: by_partition[partition][1].offset + 1 for partition in (0, 1)})
    flow.segment.script = fault_scripts.calm
    committed, replay = flow.committed(), ["dead-letters", "replay", "--only", str(missing), "--json"]
    expected = {by_address[address] for address in kept}
    for options in ([], ["--again"]):
        before = len(flow.segment.dropped)
        plan = runner.json(*replay, *options, code=1)
        assert (plan["sent"], plan["passed"]) == (len(expected), {"deleted by Kafka": len(lost)})
        assert plan["no_record"] == [str(address) for address in sorted(lost)]
        done = runner.json(*replay, *options, "--yes", code=1)
        assert (done["sent"], done["done"]) == (len(expected), True)
        # The stand-in remembers messageIds for a day, as Segment does.
        assert {message_id for _, message_id in flow.segment.dropped[before:]} == expected
    second = runner.json(*replay, "--yes", code=1)
    assert (second["sent"], second["done"]) == (0, True)
    assert second["passed"] == {"replayed before": len(expected), "deleted by Kafka": len(lost)}
    assert second["no_record"] == plan["no_record"]
    assert flow.committed() == committed


def test_a_dry_run_reports_what_is_not_committed_and_disturbs_no_member(flow: Flow) -> None:
    flow.produce(200)
    with flow.member() as member:
        flow.wait_until_settled()
        assert member.terminate() == 0
    accepted, committed, dead_letters = len(flow.segment.accepted), flow.committed(), len(flow.dead_letters())
    flow.produce(200, seed=2)
    report = CommandRunner(flow).json("run", "--dry-run", "--json")
    new = [outcome for address, outcome in flow.produced.items() if address.offset >= committed[address.partition]]
    assert report["sent"] == sum(isinstance(outcome, ExpectDelivered) or outcome == REFUSED for outcome in new)
    assert sum(report["skipped"].values()) == sum(isinstance(outcome, ExpectSkipped) for outcome in new)
    assert report["sent"] + sum(report["skipped"].values()) + sum(report["rejected"].values()) == 200
    assert (flow.committed(), len(flow.segment.accepted), len(flow.dead_letters())) == (
        committed,
        accepted,
        dead_letters,
    )
    with flow.member() as member:
        flow.wait_until_settled()
        assert CommandRunner(flow).json("run", "--dry-run", "--json")["sent"] == 0
        assert (member.times("assigned"), member.times("revoked"), member.times("lost")) == (1, 0, 0)
        assert member.terminate() == 0


def test_a_user_is_found_from_a_time_on(flow: Flow) -> None:
    flow.produce(60)
    runner = CommandRunner(flow)
    event = next(record for record in runner.json_lines("preview", "--count", "60") if record["outcome"] == "call")
    found = runner.json_lines("preview", "--user", event["call"]["userId"], "--from", "2020-01-01")
    assert event in found
    assert runner.json_lines("preview", "--message-id", event["call"]["messageId"]) == [event]
    assert runner.run("preview", "--user", event["call"]["userId"], "--from", "2099-01-01").stdout == ""


def test_an_invalid_export_is_reported_with_its_line(flow: Flow, tmp_path: Path) -> None:
    flow.produce(10)
    export = tmp_path / "tracks.csv"
    export.write_text("when,what\n1,2\n")
    result = CommandRunner(flow).run("reconcile", "--from", "2020-01-01", "--delivered", str(export))
    assert result.returncode == 2
    assert result.stderr.startswith(f"{export}:1: expected a column messageId or message_id or id")
