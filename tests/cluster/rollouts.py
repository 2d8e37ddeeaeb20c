"""Rollouts while records go on: upgrades, a rollback, a restart, the group protocol. None loses or repeats a record."""

import pytest

from tests.chart.rendering import NAMESPACE
from tests.cluster.account import Observed
from tests.cluster.conftest import Account
from tests.cluster.release import NAME, Release, documented, upgrade_command

pytestmark = pytest.mark.timeout(400)
MAX_WORST = 8  # seconds, below the session timeout: nobody waits for a member that has gone


def assert_ended_in_order(observed: Observed, count: int) -> None:
    """All members ended by themselves, long before the end of the grace period."""
    assert [end.code for end in observed.ends] == [0] * count
    assert all(end.after is not None and end.after < 25 for end in observed.ends)


def test_an_upgrade_with_other_settings(release: Release, account: Account) -> None:
    with account("upgrade: a setting, with check", max_worst=MAX_WORST) as observed:
        release.upgrade("--set", "check.enabled=true", "--set", "settings.BATCH_LINGER_SECONDS=0.2")
        release.wait_for_members(2)
    assert_ended_in_order(observed, 2)


def test_a_rollback(release: Release, account: Account) -> None:
    with account("rollback", max_worst=MAX_WORST) as observed:
        command = documented(f"helm --namespace {NAMESPACE} rollback sprig ")
        release.must(command.replace("REVISION", "1"), "--wait")
        release.wait_for_members(2)
    assert_ended_in_order(observed, 2)


@pytest.mark.long
def test_an_upgrade_with_another_image(release: Release, account: Account) -> None:
    with account("upgrade: another image", max_worst=MAX_WORST) as observed:
        release.upgrade("--set", "image.tag=0.1.1")
        pods = release.wait_for_members(2)
    assert_ended_in_order(observed, 2)
    assert {pod.manifest["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in pods} == {"0.1.1"}


@pytest.mark.long
def test_an_upgrade_with_another_contract(release: Release, account: Account) -> None:
    """The command of docs/deploy.md, whose contract is an example for records of another form."""
    command = documented("helm upgrade sprig ./helm --namespace surveys --values values.yaml --set check.enabled=true")
    with account("upgrade: a contract that does not fit", max_worst=MAX_WORST) as observed:
        result = release.run(command)
        log = release.check_log()
    assert result.returncode, log
    assert "problem" in log
    assert not observed.ends  # the old members continue
    release.wait_for_members(2)


@pytest.mark.long
def test_a_restart(release: Release, account: Account) -> None:
    with account("rollout restart", max_worst=MAX_WORST) as observed:
        release.kubectl(f"rollout restart deployment/{NAME}")
        release.kubectl(f"rollout status deployment/{NAME} --timeout=180s")
        release.wait_for_members(2)
    assert_ended_in_order(observed, 2)


@pytest.mark.long
def test_a_rotated_secret_arrives_with_a_restart(release: Release, account: Account) -> None:
    with account("rotated secret, restart", max_worst=MAX_WORST):
        release.kubectl("delete secret segment")
        release.must(documented(f"kubectl --namespace {NAMESPACE} create secret generic segment "))
        release.kubectl(f"rollout restart deployment/{NAME}")
        release.kubectl(f"rollout status deployment/{NAME} --timeout=180s")
        release.wait_for_members(2)


@pytest.mark.long
def test_the_group_protocol_is_changed_as_documented(release: Release, account: Account) -> None:
    """All members stop first. Then the release is changed back in the same way."""
    stop = documented("kubectl --namespace surveys scale deployment/sprig-sprig-to-segment --replicas=0")
    wait = documented("kubectl --namespace surveys wait --for=delete pod")
    change = documented(
        "helm upgrade sprig ./helm --namespace surveys --values values.yaml --set 'settings.KAFKA_CONFIG"
    )
    with account("group protocol: to the new one", max_worst=60) as observed:
        release.must(stop)
        release.must(wait)
        release.must(change)
        pods = release.wait_for_members(2)
        assert '"group.protocol":"consumer"' in str(pods[0].manifest)
    assert_ended_in_order(observed, 2)
    with account("group protocol: back", max_worst=60) as observed:
        release.must(stop)
        release.must(wait)
        release.upgrade()
        release.wait_for_members(2)
    assert_ended_in_order(observed, 2)


@pytest.mark.long
def test_helm_takes_the_number_of_members_back_from_kubectl(release: Release, account: Account) -> None:
    with account("scaled by kubectl, then by helm", max_worst=MAX_WORST) as observed:
        release.kubectl(f"scale deployment/{NAME} --replicas=3")
        release.wait_for_members(3)
        refused = release.run(upgrade_command(), "--set", "replicas=1")
        assert 'conflict with "kubectl"' in refused.stderr
        release.upgrade("--set", "replicas=1", "--force-conflicts")
        release.wait_for_members(1)
        release.upgrade()
        release.wait_for_members(2)
    assert_ended_in_order(observed, 2)
