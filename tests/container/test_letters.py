"""`dead-letters` and `skip-record` against a real Kafka: what was set aside, sent again once, and stuck partitions."""

import re
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.demo import fault_scripts
from consumer.demo.expected import REFUSED, SetAside
from consumer.demo.segment_server import Segment
from consumer.kafka.mock_broker import records
from tests.cli_runner import Desk
from tests.support import KEYS, Flow, is_refused, wait_until


@pytest.fixture
def flow(kafka: Any, topic: str) -> Iterator[Flow]:
    """600 records, settled, of which some were set aside and some refused."""
    kafka.create_topic(topic)
    kafka.create_topic(f"{topic}.dead-letter", partitions=2)
    with Segment(KEYS.values()) as segment:
        segment.script = fault_scripts.refuse(is_refused)
        flow = Flow(kafka.bootstrap, topic, segment)
        flow.produce(600)
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
        yield flow


def refused(flow: Flow) -> int:
    return sum(fate == REFUSED for fate in flow.produced.values())


def test_the_list_counts_letters_by_reason(flow: Flow) -> None:
    expected = Counter(fate.reason for fate in flow.produced.values() if isinstance(fate, SetAside))
    told = Desk(flow).told("dead-letters", "list", "--json")
    assert {reason: it["letters"] for reason, it in told.items()} == expected
    assert not any(it["replayed"] for it in told.values())
    one = Desk(flow).told("dead-letters", "list", "--reason", "http_400", "--json")
    assert set(one) == {"http_400"}
    assert "Segment refuses it with status 400" in Desk(flow).call("dead-letters", "list").stdout


def test_one_letter_is_shown_with_what_would_become_of_it(flow: Flow) -> None:
    desk = Desk(flow)
    latest = desk.told("dead-letters", "list", "--json")["http_400"]["latest"]
    (told,) = desk.lines("dead-letters", "show", latest, "--json")
    assert (told["reason"], f"{told['partition']}:{told['offset']}") == ("http_400", latest)
    assert told["now"]["outcome"] == "call"
    assert told["fields"]
    assert "the call that it would be now" in desk.seen("dead-letters", "show", latest)
    none = desk.call("dead-letters", "show", "0:99999")
    assert (none.returncode, none.stderr) == (
        1,
        f"{flow.topic}.dead-letter has no letter of {flow.topic} 0:99999\n",
    )


def test_a_replay_is_planned_done_once_and_done_again_only_when_told(flow: Flow) -> None:
    desk, wanted = Desk(flow), ["dead-letters", "replay", "--reason", "http_400", "--json"]
    number, before = refused(flow), len(flow.segment.accepted)
    assert number
    plan = desk.told(*wanted)
    assert (plan["sent"], plan["done"]) == (number, None)
    assert len(flow.segment.accepted) == before

    flow.segment.script = fault_scripts.calm
    done = desk.told(*wanted, "--yes")
    assert (done["sent"], done["done"]) == (number, True)
    fresh = flow.segment.accepted[before:]
    assert sum(is_refused(arrival.event) for arrival in fresh) == len(fresh) == number
    addresses = {str(arrival.event["messageId"]).rsplit("-", 3)[1:3][0] for arrival in fresh}
    assert addresses <= {str(address.partition) for address, fate in flow.produced.items() if fate == REFUSED}

    second = desk.told(*wanted, "--yes")
    assert (second["sent"], second["passed"]["replayed before"]) == (0, number)
    assert len(flow.segment.accepted) == before + number
    assert desk.told("dead-letters", "list", "--json")["http_400"]["replayed"] == number
    # All of them are meant by another choice, and passed over as they were settled.
    everything = desk.told("dead-letters", "replay", "--json")
    assert everything["passed"]["replayed before"] == number

    again = desk.told(*wanted, "--yes", "--again")
    assert (again["sent"], again["done"]) == (number, True)
    assert Counter(reason for reason, _ in flow.segment.dropped)["duplicate"] == number


def test_what_is_refused_again_gets_a_new_letter(flow: Flow) -> None:
    letters = len(list(records(flow.bootstrap, f"{flow.topic}.dead-letter")))
    done = Desk(flow).told("dead-letters", "replay", "--reason", "http_400", "--yes", "--json")
    assert done["set_aside"] == {"http_400": refused(flow)}
    assert len(list(records(flow.bootstrap, f"{flow.topic}.dead-letter"))) == letters + refused(flow)


def test_a_person_sees_a_plan_and_a_bar(flow: Flow) -> None:
    desk = Desk(flow)
    assert "Nothing was sent. Do it with --yes." in desk.seen("dead-letters", "replay")
    assert re.search(r"\d+/\d+ \[.*letters/s", desk.seen("dead-letters", "replay", "--rate", "5", "--yes"))


def test_step_over_names_what_it_would_do_and_keeps_the_record(flow: Flow) -> None:
    ends = dict(flow.ends)
    flow.produce(40, seed=2)
    desk, place = Desk(flow), f"1:{ends[1]}"
    plan = desk.call("skip-record", place)
    assert plan.returncode == 0
    assert plan.stdout.endswith("Nothing was done. Do it with --yes.\n")
    assert flow.committed()[1] == ends[1]

    other = desk.call("skip-record", f"1:{ends[1] + 1}", "--yes")
    assert other.returncode == 1
    assert f"the next record of the group is {place}, not" in other.stderr

    done = desk.call("skip-record", place, "--yes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Done.")
    assert flow.committed()[1] == ends[1] + 1
    told = desk.told("dead-letters", "list", "--reason", "stepped_over", "--json")
    assert told["stepped_over"]["latest"] == place
    gone = desk.call("skip-record", place, "--yes")
    assert f"{place} is not ahead of the group" in gone.stderr


def test_step_over_gives_up_what_the_dead_letter_topic_does_not_take(kafka: Any, topic: str) -> None:
    kafka.create_topic(topic, partitions=1)
    kafka.create_topic(f"{topic}.dead-letter", max_message_bytes=10_000)
    with Segment(KEYS.values()) as segment:
        flow = Flow(kafka.bootstrap, topic, segment, partitions=1)
        flow.produce(100)
        large = [at for at, fate in flow.produced.items() if fate == SetAside("event_too_large")]
        desk = Desk(flow)
        for address in large:
            with flow.member() as member:
                wait_until(lambda it=member: "dead_letter_too_large" in it.output, "the hold to be said")  # type: ignore[misc]
                assert member.terminate() == 0
            assert flow.committed()[0] == address.offset
            kept = desk.call("skip-record", f"0:{address.offset}", "--yes")
            assert kept.returncode == 1
            assert "Nothing was done.\nIf that stays so, --without-dead-letter gives its bytes up." in kept.stderr
            given_up = desk.call("skip-record", f"0:{address.offset}", "--yes", "--without-dead-letter")
            assert (given_up.returncode, given_up.stdout.splitlines()[-1]) == (0, "Done, without a dead letter.")
        with flow.member() as member:
            flow.wait_until_settled()
            assert member.terminate() == 0
        assert large
        assert sorted(flow.account().lost) == large


def test_step_over_is_refused_while_a_member_runs(flow: Flow) -> None:
    desk, at = Desk(flow), flow.ends[0]
    with flow.member() as member:
        wait_until(lambda: "partitions assigned" in member.output, "the member to have partitions")
        done = desk.call("skip-record", f"0:{at}", "--yes")
        assert done.returncode == 1
        assert "has 1 member: stop them first" in done.stderr
        assert member.terminate(signal.SIGINT) == 0
