"""Owns the cluster from outside: starts it in namespaces of its own, runs commands in it, and removes it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cluster.addresses import CGROUPS, NODES, kubeconfig, node_name
from tests.cluster.private_folders import PRIVATE_FOLDERS, SYSCTLS
from tests.infra.get_helm import ROOT

NAMESPACES = ("--net", "--mount", "--pid")
START_SECONDS = 240


class RunningNodes:
    """The nodes in `folder`, which has their data, their logs, and kubeconfigs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = kubeconfig(folder, "admin")

    def run(self, *command: str | Path, timeout: float | None = None) -> int:
        """Run a command in the namespaces and in the project's folder, and return its exit code."""
        enter = ["nsenter", "--target", _first_process(self.folder), *NAMESPACES, "--", "env", f"--chdir={ROOT}"]
        with subprocess.Popen([*enter, *command], stdin=subprocess.DEVNULL) as process:
            try:
                return process.wait(timeout)
            except BaseException:
                process.kill()
                raise

    def load(self, image: str, names: Sequence[str], nodes: Iterable[int] = range(1, NODES + 1)) -> None:
        """Copy an image of the container engine to nodes, under these names."""
        archive = self.folder / "image.tar"
        subprocess.run(["docker", "save", "--output", archive, image], check=True)
        for number in nodes:
            socket = self.folder / node_name(number) / "containerd.sock"
            ctr: list[str | Path] = ["ctr", "--address", socket, "--namespace", "k8s.io", "images"]
            assert self.run(*ctr, "import", archive) == 0
            for name in names:
                assert self.run(*ctr, "tag", _full_name(image), name) == 0
        archive.unlink()


def _full_name(image: str) -> str:
    """The name that containerd gives to an image of Docker Hub."""
    return f"docker.io/{image}" if "/" in image else f"docker.io/library/{image}"


@contextmanager
def running_nodes(folder: Path, programs: Path) -> Iterator[RunningNodes]:
    """Start the nodes in the new folder `folder`, and remove them with the folder at the end."""
    folder.mkdir(parents=True)
    try:
        _start(folder, programs)
        yield RunningNodes(folder)
    finally:
        remove_nodes(folder)


def _start(folder: Path, programs: Path) -> None:
    _note_state(folder)
    end_with_this_process = ["setpriv", "--pdeathsig", "KILL"]
    isolate = [
        *end_with_this_process,
        "unshare",
        *NAMESPACES,
        "--propagation=slave",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]
    command = [sys.executable, "-m", "tests.cluster.first_process", str(folder), str(programs)]
    log_path = folder / "first_process.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [*isolate, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
        )
    (folder / "unshare.pid").write_text(str(process.pid))
    ends_at = time.monotonic() + START_SECONDS
    while not (folder / "ready").exists():
        if process.poll() is not None or time.monotonic() > ends_at:
            raise SystemExit(f"the nodes did not start: {log_path.read_text()[-2000:]}")
        time.sleep(0.1)  # another process writes the file


def _note_state(folder: Path) -> None:
    """Note what kubelets change for the whole machine, so that `remove_nodes` can undo it after a crash, too."""
    created = [path for path in PRIVATE_FOLDERS if not Path(path).exists()]
    sysctls = {name: _sysctl(name).read_text() for name in SYSCTLS}
    cgroups = [name for name in CGROUPS if not _cgroups(name)]
    state = {"created": created, "sysctls": sysctls, "cgroups": cgroups}
    (folder / "state.json").write_text(json.dumps(state))
    for path in created:
        Path(path).mkdir(parents=True)


def remove_nodes(folder: Path) -> None:
    """End the nodes, if they run, and remove what they left, with the folder."""
    with suppress(OSError, IndexError):
        outer = int((folder / "unshare.pid").read_text())
        os.kill(int(_first_process(folder)), signal.SIGKILL)  # all processes of its namespace end with it
        with suppress(ChildProcessError):
            os.waitpid(outer, 0)
    state_path = folder / "state.json"
    if state_path.exists():
        state = json.loads(state_path.read_text())
        for name, value in state["sysctls"].items():
            _sysctl(name).write_text(value)
        for name in state["cgroups"]:
            _remove_cgroups(name)
        for path in state["created"]:
            with suppress(OSError):
                Path(path).rmdir()
    shutil.rmtree(folder)


def _cgroups(name: str) -> list[Path]:
    """The cgroups of this name, one in each hierarchy of version 1."""
    return [path for path in Path("/sys/fs/cgroup").glob(f"*/{name}") if not path.parent.is_symlink()]


def _remove_cgroups(name: str) -> None:
    """A cgroup can be removed when the kernel has ended its processes, which takes a moment."""
    for _ in range(50):
        tops = _cgroups(name)
        if not tops:
            return
        for top in tops:
            groups = [path for path in (top, *top.rglob("*")) if path.is_dir()]
            for group in sorted(groups, key=lambda path: -len(path.parts)):
                with suppress(OSError):
                    group.rmdir()
        time.sleep(0.1)  # the kernel empties a group when its last process has ended, and does not tell


def _first_process(folder: Path) -> str:
    outer = (folder / "unshare.pid").read_text()
    if "tests.cluster.first_process" not in Path(f"/proc/{outer}/cmdline").read_text():
        raise ProcessLookupError(outer)  # another process has its number
    return Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0]


def _sysctl(name: str) -> Path:
    return Path("/proc/sys") / name
