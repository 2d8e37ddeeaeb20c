"""What a pod has: memory for a backlog of any length, and no more descriptors or threads after many rebalances."""

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer

from tests.faults.params import in_one_protocol
from tests.faults.scenario import Row, trial
from tests.support import Flow, Member, wait_until

Record = Callable[[Row], None]
MEMORY = 192  # MiB
KINDS = ("fd", "task")  # descriptors and threads, as /proc has them


def started(flow: Flow, image: str, folder: Path) -> str:
    """The name of a container that runs the service, with its memory and nothing else limited."""
    env_file = folder / "settings.env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in flow.environment().items()))
    name = f"sprig-to-segment-test-{uuid.uuid4().hex[:8]}"
    memory = ["--memory", f"{MEMORY}m", "--memory-swap", f"{MEMORY}m"]
    options = ["--detach", "--read-only", "--user", "65532", "--network", "host", *memory]
    subprocess.run(
        ["docker", "run", "--name", name, *options, "--env-file", env_file, image], check=True, capture_output=True
    )
    return name


def inspected(name: str, what: str) -> str:
    found = subprocess.run(["docker", "inspect", "-f", what, name], check=True, capture_output=True, text=True)
    return found.stdout.strip()


@in_one_protocol("consumer")
def test_a_backlog_is_drained_within_the_memory_of_a_pod(
    flow: Flow, product_image: str, tmp_path: Path, is_long: bool, record: Record
) -> None:
    flow.settings = {"BATCH_MAX_EVENTS": "500"}
    flow.produce(200_000 if is_long else 20_000, seed=5)
    with trial(flow, rate=0) as it:
        name = started(flow, product_image, tmp_path)
        try:
            wait_until(lambda: it.is_settled, "the backlog to be settled", 250)
            subprocess.run(["docker", "stop", "--time", "30", name], check=True, capture_output=True)
            state = inspected(name, "{{.State.OOMKilled}} {{.State.ExitCode}}")
        finally:
            subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)
        assert state == "false 0"
        record(it.settle(f"backlog within {MEMORY} MiB", floor=10_000, duplicates=0))


@in_one_protocol("consumer")
def test_rebalances_leave_no_descriptor_and_no_thread_behind(flow: Flow, is_long: bool, record: Record) -> None:
    """As many after 100 rebalances as after 10; what a moment needs is gone a moment later."""
    flow.settings = {"MAX_REQUESTS_IN_FLIGHT": "1"}  # one connection to Segment, and its thread
    with trial(flow, rate=20) as it:
        member = it.join()
        for _ in range(5):
            rebalance(flow, member)
        before = {kind: things(member.pid, kind) for kind in KINDS}
        for _ in range(45 if is_long else 5):
            rebalance(flow, member)
        for kind in KINDS:
            wait_until(lambda kind=kind: things(member.pid, kind) <= before[kind], f"as few of {kind} as before", 30)  # type: ignore[misc]
        it.over()
        record(it.settle("rebalances", floor=100, duplicates=0))


def rebalance(flow: Flow, member: Member) -> None:
    """Somebody else joins and takes half of the partitions, and leaves them again: two rebalances."""

    revoked, assigned = member.times("revoked"), member.times("assigned")
    other = Consumer(
        {
            "bootstrap.servers": flow.bootstrap,
            "group.id": flow.group,
            "group.protocol": "consumer",
            "enable.auto.commit": False,
        }
    )
    other.subscribe([flow.topic])
    wait_until(lambda: other.poll(0.05) or member.times("revoked") > revoked, "half of the partitions to go")
    other.close()
    wait_until(lambda: member.times("assigned") > assigned, "them to come back")


def things(pid: int, kind: str) -> int:
    return len(list(Path(f"/proc/{pid}/{kind}").iterdir()))
