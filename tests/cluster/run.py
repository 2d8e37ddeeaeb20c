"""
Runs the chart on a cluster of two nodes, for `make cluster`: the nodes, the images, and then the scenarios as tests.

    python -m tests.cluster.run [OPTION OF PYTEST]...

The nodes are processes in namespaces of their own. They end with this process, and nothing of them is left.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import docker

from tests.cluster.addresses import CLUSTER_IMAGES
from tests.cluster.nodes import RunningNodes, remove_nodes, running_nodes
from tests.cluster.programs import prepare
from tests.container.conftest import image_of
from tests.container.product_image import build_product_image
from tests.infra.get_helm import ROOT, helm

FOLDER = ROOT / ".cache" / "cluster"
LOGS = ROOT / ".cache" / "cluster-logs"
SCENARIOS = ("installation", "rollouts", "members", "refusals", "outages", "static_membership", "uninstallation")
MINUTES = 45  # for the scenarios


def main(options: list[str]) -> int:
    if os.geteuid() != 0:
        sys.exit("make cluster requires root, because the nodes are processes in namespaces of their own")
    signal.signal(signal.SIGTERM, _exit)
    _remove_previous_run()
    began_at = time.monotonic()
    helm(4)
    product = build_product_image(docker.from_env(version="auto"), image_of("PYTHON_IMAGE"))
    programs = FOLDER.with_name("cluster-programs")
    shutil.rmtree(programs, ignore_errors=True)
    prepare(programs)
    _print(f"the programs and the image are ready after {time.monotonic() - began_at:.0f} s")
    with running_nodes(FOLDER, programs) as nodes:
        (FOLDER / "runner.pid").write_text(str(os.getpid()))
        _print(f"the nodes are ready after {time.monotonic() - began_at:.0f} s")
        nodes.load(product, CLUSTER_IMAGES)
        nodes.load(image_of("KAFKA_IMAGE"), [], nodes=[1])
        _print(f"the images are on the nodes after {time.monotonic() - began_at:.0f} s")
        try:
            return _run_scenarios(nodes, options)
        finally:
            _keep_logs(nodes.folder)
            _print(f"the logs are in {LOGS.relative_to(ROOT)}; all of it took {time.monotonic() - began_at:.0f} s")


def _run_scenarios(nodes: RunningNodes, options: list[str]) -> int:
    folder = Path(__file__).parent
    files = [] if any(option.endswith(".py") or "::" in option for option in options) else _scenario_files(folder)
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *options, *files]
    try:
        return nodes.run("env", f"CLUSTER={nodes.folder}", *pytest, timeout=MINUTES * 60)
    except subprocess.TimeoutExpired:
        _print(f"the scenarios took more than {MINUTES} minutes")
        return 1


def _scenario_files(folder: Path) -> list[str]:
    """In this order, because the scenarios share one release."""
    return [str(folder / f"{name}.py") for name in SCENARIOS]


def _remove_previous_run() -> None:
    """A run that was killed leaves its folder. If its nodes run, another process may be using them."""
    if not FOLDER.exists():
        return
    with suppress(OSError):
        runner = (FOLDER / "runner.pid").read_text()
        if "tests.cluster.run" in Path(f"/proc/{runner}/cmdline").read_text():
            sys.exit("another run of this checkout is in progress")
    remove_nodes(FOLDER)


def _keep_logs(folder: Path) -> None:
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir()
    for path in [*folder.glob("*.log"), *folder.glob("logs/*")]:
        shutil.copy(path, LOGS)


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _print(text: str) -> None:
    print(f"cluster: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
