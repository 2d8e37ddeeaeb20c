"""Wrong upgrades: the check stops them, or the new members say what is wrong, and the old members continue."""

import pytest

from tests.cluster.broker import DEAD_LETTER_TOPIC, Broker
from tests.cluster.conftest import Account
from tests.cluster.release import NAME, Release, upgrade_command

pytestmark = pytest.mark.timeout(400)
MAX_WORST = 8  # seconds, below the session timeout
NAMESPACE = "surveys"
WITH_CHECK = ("--set", "check.enabled=true,check.timeoutSeconds=30")
SHORT_WAIT = ("--timeout", "25s")


def secret(release: Release, name: str, *literals: str) -> None:
    release.kubectl(f"create secret generic {name}", *[f"--from-literal={literal}" for literal in literals])


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "literals", "reason"),
    [
        ("without-key", ["OTHER=x"], "references non-existent secret key: SEGMENT_WRITE_KEY"),
        ("empty", ["SEGMENT_WRITE_KEY="], "SEGMENT_WRITE_KEY"),
        ("two-lines", ["SEGMENT_WRITE_KEY=two words\nand lines"], "SEGMENT_WRITE_KEY"),
    ],
    ids=["without-key", "empty", "two-lines"],
)
def test_the_check_refuses_a_wrong_secret(
    release: Release, account: Account, name: str, literals: list[str], reason: str
) -> None:
    secret(release, name, *literals)
    with account(f"wrong secret: {name}, with check", max_worst=MAX_WORST) as observed:
        result = release.run(upgrade_command(), *WITH_CHECK, "--set", f"secret.existingSecret={name}")
        explanation = release.check_log() + release.kubectl("get events")
    assert result.returncode
    assert reason in explanation
    assert not observed.ends
    release.wait_for_members(2)


@pytest.mark.long
def test_a_new_member_with_a_wrong_secret_says_so(release: Release, account: Account) -> None:
    """Without the check. `helm rollback` undoes it."""
    secret(release, "blank", "SEGMENT_WRITE_KEY= ")
    with account("wrong secret, without check", max_worst=MAX_WORST):
        result = release.run(upgrade_command(), *SHORT_WAIT, "--set", "secret.existingSecret=blank")
        assert result.returncode
        pods = release.members()
        assert sum(pod.is_ready for pod in pods) == 2
        (failing,) = [pod for pod in pods if not pod.is_ready]
        assert "SEGMENT_WRITE_KEY" in release.log(failing)
        release.rollback()
    release.wait_for_members(2)


@pytest.mark.long
def test_the_check_refuses_a_missing_dead_letter_topic(release: Release, account: Account) -> None:
    with account("missing dead-letter topic, with check", max_worst=MAX_WORST) as observed:
        result = release.run(upgrade_command(), *WITH_CHECK, "--set", "settings.DEAD_LETTER_TOPIC=not-there")
        log = release.check_log()
    assert result.returncode
    assert "problem topic not-there" in " ".join(log.split())
    assert not observed.ends
    release.wait_for_members(2)


@pytest.mark.long
def test_the_members_continue_if_the_dead_letter_topic_is_deleted(
    release: Release, broker: Broker, account: Account
) -> None:
    """Nothing is rejected here, so that the topic is only needed by the members that start."""
    with account("dead-letter topic deleted", max_worst=MAX_WORST) as observed:
        broker.delete_topic(DEAD_LETTER_TOPIC)
        release.kubectl(f"rollout restart deployment/{NAME}")
        result = release.run(f"kubectl --namespace {NAMESPACE} rollout status deployment/{NAME} --timeout=20s")
        assert result.returncode
        broker.create_topic(DEAD_LETTER_TOPIC, 3)
        release.kubectl(f"rollout status deployment/{NAME} --timeout=120s")
        release.wait_for_members(2)
    assert {end.code for end in observed.ends} <= {0, 1}


def test_the_check_refuses_a_contract_with_a_mistake(release: Release, account: Account) -> None:
    (release.folder / "mistake.json").write_text('{"type": "object", "properties": {"event": {"cnst": "Answered"}}}')
    contract = ("--set-file", r"contract.files.segment/answer\.json=mistake.json")
    with account("contract with a mistake, with check", max_worst=MAX_WORST) as observed:
        result = release.run(upgrade_command(), *WITH_CHECK, *contract)
        log = release.check_log()
    assert result.returncode
    assert "cnst" in log
    assert not observed.ends
    release.wait_for_members(2)
