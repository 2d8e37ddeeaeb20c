"""The first installation, as docs/deploy.md says, on a Kafka that never had a consumer group."""

import pytest

from tests.chart.rendering import NAMESPACE
from tests.cluster.broker import TOPIC
from tests.cluster.conftest import Account
from tests.cluster.offsets import lag
from tests.cluster.processes import process_of, root_mount_options, status
from tests.cluster.release import NAME, Release, documented

pytestmark = pytest.mark.timeout(300)
UNPRIVILEGED = "65532"
FILTERED = "2"  # the system calls are filtered by seccomp


def test_the_members_become_ready_and_records_arrive(release: Release, installed: float, account: Account) -> None:
    """`installed` includes the check, whose questions are the first ones about a group in this Kafka."""
    assert installed < 60
    release.must(documented(f"kubectl --namespace {NAMESPACE} rollout status deployment/{NAME}"), "--timeout=120s")
    pods = release.wait_for_members(2)
    assert len({pod.node for pod in pods}) == 2
    with account("calm, after the installation"):
        release.must("sleep 10")
    assert lag(TOPIC) < 1000


def test_the_commands_of_the_verification_succeed(release: Release, account: Account) -> None:
    with account("helm test, check --send-test"):
        assert "topic sprig.responses" in release.must(documented(f"helm --namespace {NAMESPACE} test sprig"))
        execute = f"kubectl --namespace {NAMESPACE} exec deployment/{NAME} -- sprig-to-segment"
        assert "KAFKA_BOOTSTRAP_SERVERS" in release.must(documented(f"{execute} settings"))
        release.must(documented(f"{execute} check --send-test"))


def test_the_kernel_holds_the_process_to_the_security_context(release: Release, account: Account) -> None:
    (pod, _) = release.wait_for_members(2)
    process_id = process_of(pod.uid)
    fields = status(process_id)
    assert set(fields["Uid"].split() + fields["Gid"].split()) == {UNPRIVILEGED}
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", FILTERED)
    assert "ro" in root_mount_options(process_id)


def test_the_namespace_admits_no_pod_with_more_rights(release: Release, installed: float) -> None:
    result = release.run(
        f"kubectl --namespace {NAMESPACE} run privileged --image=registry.example/sprig-to-segment:0.1.0"
    )
    assert "violates PodSecurity" in result.stderr
