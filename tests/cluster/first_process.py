"""
The first process of the cluster's namespaces: starts the control plane and the nodes, and waits for the processes.

    python -m tests.cluster.first_process FOLDER PROGRAMS

It ends if one of the programs ends. With it, all processes of its namespaces end.
"""

import json
import os
import secrets
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster import node_config
from tests.cluster.addresses import API_SERVER, BRIDGE, CGROUP, MACHINE, NODES, kubeconfig, node_address, node_name
from tests.cluster.private_folders import PRIVATE_FOLDERS
from tests.cluster.sandbox_image import write_sandbox_image

USERS = {  # user and groups, by the name of the kubeconfig
    "admin": ("admin", "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    **{f"kubelet-{number}": (f"system:node:{node_name(number)}", "system:nodes") for number in range(1, NODES + 1)},
}


class Programs:
    """The running programs by process id. Each has a log of its name in the folder."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs = folder, programs
        self._running: dict[int, str] = {}

    def start(self, name: str, program: str, *options: str) -> None:
        path = self._programs / program
        with (self.folder / f"{name}.log").open("a") as log:
            command = [str(path) if path.exists() else program, *options]
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        self._running[process.pid] = name

    def wait(self) -> str:
        """Reap the processes that others leave behind, until one of the programs ends."""
        while True:
            pid, status = os.wait()
            if pid in self._running:
                return f"{self._running[pid]} ended with {status}, see its log in {self.folder}"


def main(folder: Path, programs: Path) -> str:
    _prepare_mounts_and_network()
    tokens = {name: secrets.token_hex(16) for name in USERS}
    lines = [f'{tokens[name]},{user},{user},"{groups}"\n' for name, (user, groups) in USERS.items()]
    (folder / "tokens.csv").write_text("".join(lines))
    running = Programs(folder, programs)
    _start_api_server(running)
    _wait_until(lambda: _answer("/readyz", tokens["admin"]), "the API server")
    for name, token in tokens.items():
        kubeconfig(folder, name).write_text(node_config.cluster_config(folder, token))
    _start_controllers(running)
    for number in range(1, NODES + 1):
        _start_node(running, number, programs)
    _wait_until(lambda: _ready_nodes(tokens["admin"]) == NODES, "all nodes")
    (folder / "ready").touch()
    return running.wait()


def _prepare_mounts_and_network() -> None:
    _run("mount", "--make-rshared", "/")
    for path in PRIVATE_FOLDERS:
        _run("mount", "-t", "tmpfs", "tmpfs", path)
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", BRIDGE, "type", "bridge")
    for number in range(1, NODES + 1):
        _run("ip", "addr", "add", f"{node_address(number)}/16", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _start_api_server(running: Programs) -> None:
    folder = running.folder
    key = folder / "accounts.key"
    _run("openssl", "genrsa", "-out", str(key), "2048")
    running.start("etcd", "etcd", f"--data-dir={folder}/etcd", "--unsafe-no-fsync")
    running.start(
        "apiserver",
        "kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        "--secure-port=6443",
        f"--advertise-address={MACHINE}",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder}/tokens.csv",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--service-cluster-ip-range=10.124.0.0/24",
        f"--service-account-issuer=https://{MACHINE}:6443",
        f"--service-account-signing-key-file={key}",
        f"--service-account-key-file={key}",
        "--allow-privileged",
        "--kubelet-preferred-address-types=InternalIP",
    )


def _start_controllers(running: Programs) -> None:
    folder = running.folder
    common = ["--leader-elect=false", "--bind-address=127.0.0.1"]
    running.start(
        "controllers",
        "kube-controller-manager",
        *common,
        f"--kubeconfig={kubeconfig(folder, 'controllers')}",
        f"--service-account-private-key-file={folder}/accounts.key",
        f"--root-ca-file={folder}/apiserver.crt",
        "--use-service-account-credentials",
        f"--cert-dir={folder}/controllers",
    )
    options = [f"--kubeconfig={kubeconfig(folder, 'scheduler')}", f"--cert-dir={folder}/scheduler"]
    running.start("scheduler", "kube-scheduler", *common, *options)


def _start_node(running: Programs, number: int, programs: Path) -> None:
    name = node_name(number)
    folder = running.folder / name
    (folder / "cni").mkdir(parents=True)
    (folder / "containerd.toml").write_text(node_config.containerd(folder, programs))
    (folder / "cni" / "10-pods.conflist").write_text(node_config.network(folder, number))
    (folder / "kubelet.json").write_text(node_config.kubelet(folder, number))
    running.start(f"containerd-{number}", "containerd", "--config", str(folder / "containerd.toml"))
    socket = folder / "containerd.sock"
    _wait_until(socket.exists, f"the containerd of {name}")
    write_sandbox_image(programs / "pause", folder / "pause.tar")
    _run("ctr", "--address", str(socket), "--namespace", "k8s.io", "images", "import", str(folder / "pause.tar"))
    for hierarchy in Path("/sys/fs/cgroup").iterdir():  # a node would remove the cgroups of another with the same root
        if hierarchy.is_dir() and not hierarchy.is_symlink():
            (hierarchy / CGROUP / name).mkdir(parents=True, exist_ok=True)
    running.start(
        f"kubelet-{number}",
        "kubelet",
        f"--config={folder}/kubelet.json",
        f"--kubeconfig={kubeconfig(running.folder, f'kubelet-{number}')}",
        f"--root-dir={folder}/kubelet",
        f"--hostname-override={name}",
        f"--node-ip={node_address(number)}",
        f"--cert-dir={folder}/kubelet-certificates",
    )


def _wait_until(condition: Callable[[], Any], subject: str, seconds: float = 120) -> None:
    ends_at = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        if time.monotonic() > ends_at:
            sys.exit(f"{subject}: not ready within {seconds:.0f} s")
        time.sleep(0.1)  # other processes do not tell when they are ready


def _answer(path: str, token: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the server creates its certificate at start
    request = urllib.request.Request(f"{API_SERVER}{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=3, context=context) as response:
        content: bytes = response.read()
        return content


def _ready_nodes(token: str) -> int:
    nodes = json.loads(_answer("/api/v1/nodes", token))["items"]
    conditions = [condition for node in nodes for condition in node["status"].get("conditions", [])]
    return sum(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
