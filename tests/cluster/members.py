"""Members that go and come: deleted, killed, evicted, scaled, stopped while they join, out of memory."""

import os
import signal
import time

import pytest

from tests.cluster.conftest import Account
from tests.cluster.processes import process_of
from tests.cluster.release import MEMBERS, NAME, Pod, Release, sum_of_restarts
from tests.support import wait_until

pytestmark = pytest.mark.timeout(400)
KILLED = 128 + signal.SIGKILL
SESSION_SECONDS = 15  # how long the partitions of a killed member stand still at most, as docs/deploy.md says
MAX_WORST = 8  # seconds, below the session timeout: nobody waits for a member that has gone


def test_a_deleted_pod(release: Release, account: Account) -> None:
    (pod, _) = release.wait_for_members(2)
    with account("pod deleted", max_worst=MAX_WORST) as observed:
        release.kubectl(f"delete pod {pod.name}")
        release.wait_for_members(2)
    assert [end.code for end in observed.ends] == [0]


@pytest.mark.parametrize("name", [pytest.param("SIGTERM", marks=pytest.mark.long), "SIGKILL"])
def test_a_killed_process_comes_back_in_its_pod(release: Release, account: Account, name: str) -> None:
    (pod, _) = release.wait_for_members(2)
    number = signal.Signals[name]
    repeats_of = release.partitions(pod) if number == signal.SIGKILL else set()
    with account(f"process killed by {name}", repeats_of=repeats_of, max_worst=SESSION_SECONDS + 5) as observed:
        os.kill(process_of(pod.uid), number)
        wait_until(lambda: sum_of_restarts(release.members()) == 1, "a restart of the container")
        release.wait_for_members(2)
    assert [end.code for end in observed.ends] == [KILLED if number == signal.SIGKILL else 0]
    replace(release, pod)


@pytest.mark.long
def test_scaling_up_and_down(release: Release, account: Account) -> None:
    with account("scale 2, 1, 3, 1, 2", max_worst=MAX_WORST) as observed:
        for count in (1, 3, 1, 2):
            release.kubectl(f"scale deployment/{NAME} --replicas={count}")
            pods = release.wait_for_members(count)
            wait_until(lambda pods=pods: all(map(release.partitions, pods)), "partitions of each member")  # type: ignore[misc]
    assert {end.code for end in observed.ends} == {0}


@pytest.mark.long
@pytest.mark.parametrize("pause", [0, 1.5])
def test_a_member_that_is_stopped_while_it_joins_costs_the_others_little(
    release: Release, account: Account, pause: float
) -> None:
    with account(f"third member stopped {pause} s after it was ready", max_worst=MAX_WORST) as observed:
        release.kubectl(f"scale deployment/{NAME} --replicas=3")
        release.wait_for_members(3)
        time.sleep(pause)  # the moment of the stop is what the scenario varies
        release.kubectl(f"scale deployment/{NAME} --replicas=2")
        release.wait_for_members(2)
    assert [end.code for end in observed.ends] == [0]


def test_a_drained_node(release: Release, account: Account) -> None:
    """Both members are on the node. The PodDisruptionBudget lets one go at a time."""
    try:
        release.must("kubectl cordon node-1")
        release.kubectl(f"rollout restart deployment/{NAME}")
        release.kubectl(f"rollout status deployment/{NAME} --timeout=180s")
        pods = release.wait_for_members(2)
        assert {pod.node for pod in pods} == {"node-2"}
        release.must("kubectl uncordon node-1")
        with account("drain of the node with both members", max_worst=MAX_WORST) as observed:
            fewest, output = drain(release, "node-2")
            release.wait_for_members(2)
        assert fewest == 1, output
        assert "Cannot evict pod" in output
        assert [end.code for end in observed.ends] == [0, 0]
    finally:
        release.must("kubectl uncordon node-1 node-2")


@pytest.mark.long
def test_a_drain_that_the_disruption_budget_refuses(release: Release, account: Account) -> None:
    """One of two members is not available, because no node takes it. The other one may not be evicted."""
    pods = release.wait_for_members(2)
    try:
        release.must("kubectl cordon node-1 node-2")
        with account("drain refused by the budget", max_worst=MAX_WORST) as observed:
            release.kubectl(f"delete pod {pods[0].name}")
            result = release.run(drain_command(pods[1].node, seconds=12))
        assert result.returncode
        assert "Cannot evict pod" in result.stderr
        assert [end.pod for end in observed.ends] == [pods[0].name]
    finally:
        release.must("kubectl uncordon node-1 node-2")
    release.wait_for_members(2)


@pytest.mark.long
def test_members_are_on_different_nodes_although_one_node_is_busier(release: Release, account: Account) -> None:
    """The nodes have no zone label. `busy` is the larger one of the requests of the product's usual neighbours."""
    busy = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "busy", "namespace": "default"},
        "spec": {
            "nodeName": "node-1",
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "busy",
                    "image": "local/pause:1",
                    "imagePullPolicy": "Never",
                    "resources": {"requests": {"cpu": "800m", "memory": "4Gi"}},
                }
            ],
        },
    }
    release.cluster.apply(busy)
    try:
        for _ in range(2):
            release.kubectl(f"scale deployment/{NAME} --replicas=0")
            release.kubectl(f"wait --for=delete pod --selector={MEMBERS} --timeout=60s")
            release.kubectl(f"scale deployment/{NAME} --replicas=2")
            assert len({pod.node for pod in release.wait_for_members(2)}) == 2
    finally:
        release.must("kubectl --namespace default delete pod busy --wait=false")


@pytest.mark.long
def test_a_member_that_is_out_of_memory(release: Release, account: Account) -> None:
    """The new member has too little memory. The old members continue, and Kubernetes says why the new one does not."""
    options = ["--set", "resources.limits.memory=40Mi,resources.requests.memory=40Mi", "--timeout", "30s"]
    with account("new member out of memory", max_worst=MAX_WORST) as observed:
        result = release.run("helm upgrade sprig ./helm --namespace surveys --values values.yaml --wait", *options)
        assert result.returncode
        pods = release.members()
        (failing,) = [pod for pod in pods if not pod.is_ready]
        assert failing.containers[0]["lastState"]["terminated"]["reason"] == "OOMKilled"
        assert sum(pod.is_ready for pod in pods) == 2
        release.rollback()
        release.wait_for_members(2)
    assert {end.code for end in observed.ends} == {KILLED}


def drain_command(node: str, seconds: int) -> str:
    options = f"--ignore-daemonsets --delete-emptydir-data --timeout={seconds}s --pod-selector={MEMBERS}"
    return f"kubectl drain {node} {options}"


def drain(release: Release, node: str) -> tuple[int, str]:
    """Drain the node. The fewest ready members meanwhile, and the output of kubectl."""
    fewest = 99
    script = f"{drain_command(node, seconds=120)} >drain.log 2>&1"
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        draining = pool.submit(release.run, script)
        while not draining.done():
            fewest = min(fewest, sum(pod.is_ready for pod in release.members()))
            time.sleep(0.2)  # the nodes run on this machine, and must get the CPU
    output = (release.folder / "drain.log").read_text()
    assert draining.result().returncode == 0, output
    return fewest, output


def replace(release: Release, pod: Pod) -> None:
    """Let a new pod take the place of this one, so that no member has a restart."""
    release.kubectl(f"delete pod {pod.name}")
    release.wait_for_members(2)
