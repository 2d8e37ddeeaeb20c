"""`dead-letters` and `skip-record` with a real Kafka: rejected records, one replay of each, blocked partitions."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.cli.output import counted
from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED, TOO_LARGE, ExpectDeadLetter
from consumer.demo.segment_server import SegmentStandIn
from consumer.kafka.mock_broker import records
from tests.cli_runner import CommandRunner
from tests.support import KEYS, Flow, is_refused, wait_until


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    """A flow with 600 settled records. The service rejected some of them, and Segment refused others."""
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=2)
    with SegmentStandIn(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        flow = Flow(kafka.bootstrap, topic, segment)
        flow.produce(600)
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
        yield flow


def refused(flow: Flow) -> int:
    return sum(expected == REFUSED for expected in flow.produced.values())


def test_the_list_counts_dead_letters_by_reason(flow: Flow) -> None:
    outcomes = flow.produced.values()
    expected = Counter(outcome.reason for outcome in outcomes if isinstance(outcome, ExpectDeadLetter))
    report = CommandRunner(flow).json("dead-letters", "list", "--json")
    assert {reason: entry["letters"] for reason, entry in report.items()} == expected
    assert not any(entry["replayed"] for entry in report.values())
    filtered = CommandRunner(flow).json("dead-letters", "list", "--reason", "http_400", "--json")
    assert set(filtered) == {"http_400"}
    assert "Segment refuses it with status 400" in CommandRunner(flow).run("dead-letters", "list").stdout


def test_each_dead_letter_has_a_line_which_a_replay_reads(kafka: Any, flow: Flow, tmp_path: Path) -> None:
    """The records are sent from their dead letters, also when the topic has deleted them."""
    runner = CommandRunner(flow)
    result = runner.run("dead-letters", "list", "--reason", "http_400", "--each")
    lines = result.stdout.splitlines()
    addresses = {str(address) for address, expected in flow.produced.items() if expected == REFUSED}
    assert {line.split("  ")[0] for line in lines} == addresses
    assert all(f"-{line.split('  ')[0].replace(':', '-')}-" in line.split("  ")[4] for line in lines)
    assert result.stderr.startswith(counted(refused(flow), "dead letter"))
    for letter in runner.json_lines("dead-letters", "list", "--reason", "http_400", "--each", "--json"):
        assert (letter["topic"], letter["reason"], letter["replayed"]) == (flow.topic, "http_400", False)
        assert f"{letter['partition']}:{letter['offset']}" in addresses

    kafka.delete_records(flow.topic, dict(flow.ends))
    flow.segment.script = fault_scripts.calm
    file = tmp_path / "letters.txt"
    file.write_text(result.stdout)
    replay = ["dead-letters", "replay", "--only", str(file), "--yes", "--json"]
    done = runner.json(*replay)
    assert (done["sent"], done["done"], done["no_record"]) == (refused(flow), True, [])
    assert runner.json(*replay)["passed"] == {"replayed before": refused(flow)}


def test_one_dead_letter_is_shown_with_what_it_would_become_now(flow: Flow) -> None:
    runner = CommandRunner(flow)
    latest = runner.json("dead-letters", "list", "--json")["http_400"]["latest"]
    (report,) = runner.json_lines("dead-letters", "show", latest, "--json")
    assert (report["reason"], f"{report['partition']}:{report['offset']}") == ("http_400", latest)
    assert report["now"]["outcome"] == "call"
    assert report["fields"]
    assert "the event that the record would become now" in runner.terminal_output("dead-letters", "show", latest)
    none = runner.run("dead-letters", "show", "0:99999")
    assert (none.returncode, none.stderr) == (
        1,
        f"{flow.topic}.dead-letter has no dead letter of {flow.topic} 0:99999\n",
    )


def test_a_replay_is_planned_runs_once_and_runs_again_only_with_again(flow: Flow) -> None:
    runner, arguments = CommandRunner(flow), ["dead-letters", "replay", "--reason", "http_400", "--json"]
    number, before = refused(flow), len(flow.segment.accepted)
    assert number
    plan = runner.json(*arguments)
    assert (plan["sent"], plan["done"]) == (number, None)
    assert len(flow.segment.accepted) == before

    flow.segment.script = fault_scripts.calm
    first = runner.json(*arguments, "--yes")
    assert (first["sent"], first["done"]) == (number, True)
    fresh = flow.segment.accepted[before:]
    assert sum(is_refused(arrival.event) for arrival in fresh) == len(fresh) == number
    addresses = {str(arrival.event["messageId"]).rsplit("-", 3)[1:3][0] for arrival in fresh}
    assert addresses <= {str(address.partition) for address, expected in flow.produced.items() if expected == REFUSED}

    second = runner.json(*arguments, "--yes")
    assert (second["sent"], second["passed"]["replayed before"]) == (0, number)
    assert len(flow.segment.accepted) == before + number
    assert runner.json("dead-letters", "list", "--json")["http_400"]["replayed"] == number
    # Another filter selects the same dead letters, and the replay passes over them, because they were replayed.
    all_dead_letters = runner.json("dead-letters", "replay", "--json")
    assert all_dead_letters["passed"]["replayed before"] == number

    again = runner.json(*arguments, "--yes", "--again")
    assert (again["sent"], again["done"]) == (number, True)
    assert Counter(reason for reason, _ in flow.segment.dropped)["duplicate"] == number


def test_an_event_that_is_refused_again_becomes_a_new_dead_letter(flow: Flow) -> None:
    before = len(list(records(flow.bootstrap, f"{flow.topic}.dead-letter")))
    result = CommandRunner(flow).json("dead-letters", "replay", "--reason", "http_400", "--yes", "--json")
    assert result["set_aside"] == {"http_400": refused(flow)}
    assert len(list(records(flow.bootstrap, f"{flow.topic}.dead-letter"))) == before + refused(flow)


def test_a_terminal_shows_a_plan_and_a_progress_bar(flow: Flow) -> None:
    runner = CommandRunner(flow)
    dead_letters = sum(isinstance(outcome, ExpectDeadLetter) for outcome in flow.produced.values())
    assert "Nothing was sent. Do it with --yes." in runner.terminal_output("dead-letters", "replay")
    output = runner.terminal_output("dead-letters", "replay", "--reason", "http_400", "--yes")
    # Each bar is there from its beginning, however fast the work is: all dead letters are read, and some are sent.
    assert f" 0/{dead_letters} [" in output
    assert f" 0/{refused(flow)} [" in output
    assert "records/s]" in output


def test_skip_record_names_what_it_would_do_and_keeps_the_record(flow: Flow) -> None:
    ends = dict(flow.ends)
    flow.produce(40, seed=2)
    runner, address = CommandRunner(flow), f"1:{ends[1]}"
    plan = runner.run("skip-record", address)
    assert plan.returncode == 0
    assert f"{flow.group} would move from {address} to 1:{ends[1] + 1}" in plan.stdout
    assert plan.stdout.endswith("Nothing was done. Do it with --yes.\n")
    assert flow.committed()[1] == ends[1]

    later_record = runner.run("skip-record", f"1:{ends[1] + 1}", "--yes")
    assert later_record.returncode == 1
    assert f"the next record of the group is {address}, not" in later_record.stderr

    result = runner.run("skip-record", address, "--yes")
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "Done.")
    assert flow.committed()[1] == ends[1] + 1
    report = runner.json("dead-letters", "list", "--reason", "stepped_over", "--json")
    assert report["stepped_over"]["latest"] == address
    repeated = runner.run("skip-record", address, "--yes")
    assert f"{address} is not ahead of the group" in repeated.stderr


def test_skip_record_can_drop_a_record_that_the_dead_letter_topic_does_not_accept(kafka: Any, topic: str) -> None:
    kafka.create_topic(topic, partitions=1)
    kafka.create_topic(f"{topic}.dead-letter", max_message_bytes=10_000)
    with SegmentStandIn(KEYS.values()) as segment:
        flow = Flow(kafka.bootstrap, topic, segment, partitions=1)
        flow.produce(100)
        large = [address for address, expected in flow.produced.items() if expected == TOO_LARGE]
        runner = CommandRunner(flow)
        for address in large:
            with flow.member() as member:
                wait_until(lambda m=member: "dead_letter_too_large" in m.output, "the block to be logged")  # type: ignore[misc]
                assert member.terminate() == 0
            assert flow.committed()[0] == address.offset
            failed = runner.run("skip-record", f"0:{address.offset}", "--yes")
            assert failed.returncode == 1
            assert (
                "Nothing was done.\nIf this error persists, --without-dead-letter skips the record and loses its bytes."
                in failed.stderr
            )
            skipped = runner.run("skip-record", f"0:{address.offset}", "--yes", "--without-dead-letter")
            assert (skipped.returncode, skipped.stdout.splitlines()[-1]) == (0, "Done, without a dead letter.")
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
        assert large
        assert sorted(flow.ledger().lost) == large


def test_skip_record_is_refused_while_a_member_runs(flow: Flow) -> None:
    runner, end = CommandRunner(flow), flow.ends[0]
    with flow.member() as member:
        wait_until(lambda: "partitions assigned" in member.output, "the member to have partitions")
        result = runner.run("skip-record", f"0:{end}", "--yes")
        assert result.returncode == 1
        assert "has 1 member: stop all members first" in result.stderr
        assert member.terminate(signal.SIGINT) == 0
