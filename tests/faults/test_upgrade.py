"""A rolling upgrade from the previous version and back, and a change of the group protocol."""

from collections import Counter
from collections.abc import Mapping

import pytest

from consumer.demo import fault_scripts
from consumer.demo.expected import ExpectDeadLetter
from tests.cli_runner import CommandRunner
from tests.faults import previous_version
from tests.faults.params import in_one_protocol
from tests.faults.scenario import Report, scenario
from tests.support import Flow, wait_until


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return previous_version.extract(tmp_path_factory.mktemp("previous"))


def test_a_rolling_upgrade_and_its_rollback_lose_nothing_and_repeat_nothing(
    flow: Flow, previous: Mapping[str, str], is_long: bool, report: Report
) -> None:
    """Members of both versions are in one group, and partitions move from each version to the other."""
    present: Mapping[str, str] = {}
    with scenario(flow) as trial:
        for name in ("one", "two"):
            trial.replace(name, **previous)
        trial.progress()
        for version in (present, previous, present) * (3 if is_long else 1):
            for name in ("one", "two"):
                trial.leave(name)
                trial.replace(name, **version)
                trial.progress(50)
        trial.fault_ended()
        report(trial.finish(f"rolling upgrade, {flow.protocol}", min_delivered=100, max_duplicates=0))


@in_one_protocol("consumer")
def test_what_the_previous_version_stored_is_read(flow: Flow, previous: Mapping[str, str]) -> None:
    """Its committed offsets, its dead letters, and the progress of its replays."""
    old, new = CommandRunner(flow, previous), CommandRunner(flow)
    replay = ("dead-letters", "replay", "--reason", "http_400", "--json", "--yes")
    with scenario(flow, rate=0) as trial:
        flow.produce(600)
        trial.join(**previous)
        wait_until(lambda: trial.is_settled, "the records to be settled")
        trial.leave()
        trial.join()
        flow.produce(300, seed=2)
        trial.finish("", min_delivered=500, max_duplicates=0)
    rejected = Counter(outcome.reason for outcome in flow.produced.values() if isinstance(outcome, ExpectDeadLetter))
    listed = new.json("dead-letters", "list", "--json")
    assert {reason: entry["letters"] for reason, entry in listed.items()} == rejected
    flow.segment.script = fault_scripts.calm
    assert old.json(*replay)["sent"] == rejected["http_400"]
    assert new.json(*replay)["sent"] == 0


@in_one_protocol("classic")
def test_the_protocol_is_changed_while_all_members_are_stopped(flow: Flow, report: Report) -> None:
    with scenario(flow) as trial:
        for protocol in ("classic", "consumer", "classic"):
            flow.protocol = protocol
            trial.join("one")
            trial.join("two")
            trial.progress()
            trial.leave("one")
            trial.leave("two")
        trial.join("one")
        trial.fault_ended()
        report(trial.finish("change of the group protocol", min_delivered=300, max_duplicates=0))


@in_one_protocol("classic")
def test_a_member_of_the_new_protocol_does_not_harm_members_of_the_classic_one(flow: Flow, report: Report) -> None:
    """The broker refuses it, because the classic members keep data in the group. It ends, and says what to do."""
    with scenario(flow) as trial:
        for name in ("one", "two"):
            trial.replace(name)
            trial.progress()
        flow.protocol = "consumer"
        newer = trial.join("newer")
        wait_until(lambda: newer.has_ended, "the member with the new protocol to end")
        assert newer.end() == 1
        assert "stop all members first" in newer.output
        trial.kill("newer")
        trial.progress()
        trial.leave("one")
        trial.leave("two")
        trial.join("newer")
        trial.fault_ended()
        report(trial.finish("new protocol in a classic group", min_delivered=300, max_duplicates=0))
