"""`status` against a real Kafka, in both group protocols: members, owners, lag, blocks, and missing rights."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from consumer.demo import fault_scripts
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.group_reader import GroupReader
from consumer.kafka.group_report import group_report
from tests.cli_runner import CommandRunner
from tests.support import COMMAND, KEYS, Flow, wait_until

NOBODY = "User:nobody"


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=1)
    with SegmentStandIn(KEYS.values()) as segment:
        yield Flow(kafka.bootstrap, topic, segment)


@contextlib.contextmanager
def reading(flow: Flow) -> Iterator[GroupReader]:
    """A reader in this process, because a command takes a second to start and the tests ask often."""
    with contextlib.closing(GroupReader(flow.bootstrap, flow.group, {}, flow.topic)) as reader:
        yield reader


def status(flow: Flow, *options: str) -> Any:
    """What the command prints. It fails if somebody has to act."""
    result = CommandRunner(flow).run("status", "--json", *options)
    report = json.loads(result.stdout)
    assert result.returncode == bool(report["findings"]), result.stderr
    return report


def rules(report: Any) -> list[str]:
    return [finding["rule"] for finding in report["findings"]]


def wait_for(flow: Flow, description: str, condition: Callable[[Any], object]) -> Any:
    """The first report that fulfils the condition."""
    reports: list[Any] = []

    def is_fulfilled() -> bool:
        reports.append(group_report(reader.read()))
        return bool(condition(reports[-1]))

    with reading(flow) as reader:
        wait_until(is_fulfilled, description, 90)
    return reports[-1]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_two_members_share_the_topic_and_one_is_left_when_the_other_is_killed(flow: Flow, protocol: str) -> None:
    flow.protocol = protocol
    flow.produce(200)
    with flow.member() as first, flow.member() as second:
        report = wait_for(flow, "two owners", lambda report: is_owned_by(report, 2))
        assert {member["host"] for member in report["members"]} != {""}
        flow.wait_until_settled()
        report = wait_for(flow, "a group that needs nobody", lambda report: not report["findings"])
        assert report["lag"] == 0
        assert [row["committed"] for row in report["partitions"]] == [flow.ends[number] for number in range(4)]
        assert all(row["moved_at"] and row["block"] == "" for row in report["partitions"])
        second.kill()
        wait_for(flow, "one member that owns all", lambda report: is_owned_by(report, 1))
        assert first.terminate() == 0
    report = wait_for(flow, "no member", lambda report: not report["members"])
    assert rules(report) == ["no_members"]
    assert (report["state"], report["lag"]) == ("empty", 0)
    moved_at = [row["moved_at"] for row in report["partitions"]]
    flow.produce(40, seed=2)
    with reading(flow) as reader:
        view = reader.read()
    assert view.lag == 40
    assert [row.moved_at for row in view.partitions] == moved_at
    assert all(row.oldest_at and row.moved_at and row.oldest_at > row.moved_at for row in view.partitions if row.lag)
    assert rules(group_report(view)) == ["no_members"]
    assert "not_moving" in rules(status(flow, "--stalled-minutes", "0.00001"))


def is_owned_by(report: Any, members: int) -> bool:
    """Whether the group has so many members, and each of them has partitions, all of them together."""
    owners = {row["owner"]["member_id"] for row in report["partitions"] if row["owner"]}
    is_owned = all(row["ownerless"] is False for row in report["partitions"])
    return is_owned and len(owners) == len(report["members"]) == members


def test_a_blocked_key_is_seen_from_outside_until_it_is_right(flow: Flow) -> None:
    flow.produce(200)
    flow.segment.script = fault_scripts.repeatedly(fault_scripts.problem(401, "unknown write key"))
    with flow.member() as member:
        report = wait_for(flow, "a block", lambda report: "blocked" in rules(report))
        blocked = [row for row in report["partitions"] if row["block"]]
        assert {row["block"] for row in blocked} == {"http_401"}
        assert all(row["lag"] for row in blocked)
        output = CommandRunner(flow).terminal_output("status", code=1)
        assert "Segment refuses the write key" in output
        member.kill()
    report = wait_for(flow, "the death of the member", lambda report: not report["members"])
    assert {"no_members", "blocked"} <= set(rules(report))  # as its last owner left it
    flow.segment.script = fault_scripts.calm
    with flow.member() as member:
        flow.wait_until_settled()
        report = wait_for(flow, "no block", lambda report: not report["findings"])
        assert {row["block"] for row in report["partitions"]} == {""}
        assert member.terminate() == 0


def test_what_another_client_committed_has_no_time_and_no_block(kafka: Any, flow: Flow) -> None:
    flow.produce(100)
    kafka.commit(flow.group, flow.topic, {0: 3, 1: 0})
    report = status(flow)
    first, second, *others = report["partitions"]
    assert (first["committed"], first["moved_at"], first["block"]) == (3, None, None)
    assert (second["committed"], second["lag"]) == (0, flow.ends[1])
    assert [(row["committed"], row["lag"]) for row in others] == [(-1, flow.ends[2]), (-1, flow.ends[3])]
    output = CommandRunner(flow).terminal_output("status", code=1)
    assert "unknown" in output


def test_a_group_and_a_topic_that_do_not_exist_are_reported(kafka: Any, topic: str) -> None:
    with SegmentStandIn(KEYS.values()) as segment:
        flow = Flow(kafka.bootstrap, topic, segment)
        report = status(flow)
    assert report["partitions"] == []
    assert rules(report) == ["unknown", "no_members"]
    assert report["problems"] == ["there is no such topic"]


def test_missing_rights_are_named_and_the_rest_is_shown(kafka: Any, flow: Flow) -> None:
    flow.produce(50)
    with kafka.allowing(flow.group, AclOperation.READ, kind=ResourceType.GROUP, principal=NOBODY):
        report = status(flow)
        assert report["problems"] == [f"not permitted: the principal needs DESCRIBE for group {flow.group}"]
        assert (report["state"], report["lag"]) == ("unknown", None)
        assert [row["end"] for row in report["partitions"]] == [flow.ends[number] for number in range(4)]
        assert {row["committed"] for row in report["partitions"]} == {None}
    with kafka.allowing(flow.topic, AclOperation.DESCRIBE):
        report = status(flow)
        assert report["problems"] == [f"not permitted: the principal needs READ for topic {flow.topic}"]
        assert report["lag"] == 50
        assert {row["oldest_at"] for row in report["partitions"]} == {None}
    with kafka.allowing(flow.topic, AclOperation.READ, principal=NOBODY):
        report = status(flow)
        assert report["problems"] == [f"not permitted: the principal needs DESCRIBE for topic {flow.topic}"]


def test_a_member_serves_the_group_to_whoever_looks(flow: Flow) -> None:
    flow.produce(100)
    with flow.member() as member:
        flow.wait_until_settled()
        reports: list[Any] = []

        def is_read() -> bool:
            reports.append(httpx.get(f"{member.url}/group", trust_env=False).json())
            return bool(reports[-1]["read_at"])

        wait_until(is_read, "the first read of the group")
        assert reports[0]["read_at"] == 0  # the first look does not wait
        assert (reports[-1]["state"], reports[-1]["lag"]) == ("stable", 0)
        assert not [finding for finding in reports[-1]["findings"] if finding["rule"] == "unknown"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_watching_repeats_until_ctrl_c(flow: Flow, options: list[str]) -> None:
    environment = {**flow.environment(), "PATH": "/usr/bin"}
    # A shell in the background lets its processes ignore the signal.
    command = ["env", "--default-signal=INT", COMMAND, "status", "--watch", "1", *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stdout
        reads = 0
        while reads < 2:
            line = watch.stdout.readline()
            assert line, "the command ended"
            reads += line.startswith(("Group ", "{"))
        watch.send_signal(signal.SIGINT)
        assert watch.wait(30) == 130
        assert watch.stderr
        assert watch.stderr.read() == ""
