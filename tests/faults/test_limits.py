"""The limits of a pod: its memory is enough for any backlog, and rebalances leak no descriptor and no thread."""

import subprocess
import uuid
from functools import partial
from pathlib import Path

from confluent_kafka import Consumer

from tests.faults.params import in_one_protocol
from tests.faults.scenario import Report, scenario
from tests.support import Flow, Member, wait_until

MEMORY = 192  # MiB
KINDS = ("fd", "task")  # the folders of /proc/<pid> for descriptors and threads


def started(flow: Flow, image: str, folder: Path) -> str:
    """Start a container that runs the service with limited memory, and return the name of the container."""
    env_file = folder / "settings.env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in flow.environment().items()))
    name = f"sprig-to-segment-test-{uuid.uuid4().hex[:8]}"
    memory = ["--memory", f"{MEMORY}m", "--memory-swap", f"{MEMORY}m"]
    options = ["--detach", "--read-only", "--user", "65532", "--network", "host", *memory]
    subprocess.run(
        ["docker", "run", "--name", name, *options, "--env-file", env_file, image], check=True, capture_output=True
    )
    return name


def inspect(name: str, template: str) -> str:
    result = subprocess.run(["docker", "inspect", "-f", template, name], check=True, capture_output=True, text=True)
    return result.stdout.strip()


@in_one_protocol("consumer")
def test_a_backlog_is_drained_within_the_memory_of_a_pod(
    flow: Flow, product_image: str, tmp_path: Path, is_long: bool, report: Report
) -> None:
    flow.settings = {"BATCH_MAX_EVENTS": "500"}
    flow.produce(200_000 if is_long else 20_000, seed=5)
    with scenario(flow, rate=0) as trial:
        name = started(flow, product_image, tmp_path)
        try:
            wait_until(lambda: trial.is_settled, "the backlog to be settled", 250)
            subprocess.run(["docker", "stop", "--time", "30", name], check=True, capture_output=True)
            state = inspect(name, "{{.State.OOMKilled}} {{.State.ExitCode}}")
        finally:
            subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)
        assert state == "false 0"
        report(trial.finish(f"backlog within {MEMORY} MiB", min_delivered=10_000, max_duplicates=0))


@in_one_protocol("consumer")
def test_rebalances_leave_no_descriptor_and_no_thread_behind(flow: Flow, is_long: bool, report: Report) -> None:
    """The long form compares 100 rebalances with 10. Descriptors and threads in short use may take a moment to go."""
    flow.settings = {"MAX_REQUESTS_IN_FLIGHT": "1"}  # one connection to Segment, and its thread
    with scenario(flow, rate=20) as trial:
        member = trial.join()
        for _ in range(5):
            rebalance(flow, member)
        before = {kind: count_entries(member.pid, kind) for kind in KINDS}
        for _ in range(45 if is_long else 5):
            rebalance(flow, member)
        for kind in KINDS:
            wait_until(partial(is_at_most, member, kind, before[kind]), f"at most as many in {kind} as before")
        trial.fault_ended()
        report(trial.finish("rebalances", min_delivered=100, max_duplicates=0))


def rebalance(flow: Flow, member: Member) -> None:
    """Cause two rebalances: another consumer joins, gets half of the partitions, and leaves."""
    revoked, assigned = member.times("revoked"), member.times("assigned")
    other_consumer = Consumer(
        {
            "bootstrap.servers": flow.bootstrap,
            "group.id": flow.group,
            "group.protocol": "consumer",
            "enable.auto.commit": False,
        }
    )
    other_consumer.subscribe([flow.topic])
    wait_until(
        lambda: other_consumer.poll(0.05) or member.times("revoked") > revoked, "half of the partitions to be revoked"
    )
    other_consumer.close()
    wait_until(lambda: member.times("assigned") > assigned, "the partitions to be assigned again")


def is_at_most(member: Member, kind: str, before: int) -> bool:
    return count_entries(member.pid, kind) <= before


def count_entries(pid: int, kind: str) -> int:
    return len(list(Path(f"/proc/{pid}/{kind}").iterdir()))
