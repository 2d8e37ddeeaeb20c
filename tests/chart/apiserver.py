"""A real API server on loopback, with Debian's etcd and the custom resources; nothing that would start a pod."""

import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.get_helm import ROOT, helm
from tests.support import wait_until

BED = ROOT / "tests" / "infra"
LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Its address and credentials are in the file `kubeconfig`."""

    kubeconfig: Path

    def kubectl(self, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        return self._run(helm(4).with_name("kubectl"), *arguments, given=given)

    def helm(self, major: int, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        return self._run(helm(major), *arguments, given=given)

    def get(self, kind: str, namespace: str) -> dict[str, Any]:
        """What there is of a kind, by name."""
        done = self.kubectl("get", kind, "--namespace", namespace, "--output=json")
        assert done.returncode == 0, done.stderr
        return {it["metadata"]["name"]: it for it in json.loads(done.stdout)["items"]}

    def make(self, *manifests: Any) -> None:
        texts = "\n---\n".join(map(json.dumps, manifests))
        done = self.kubectl("apply", "--filename=-", given=texts)
        assert done.returncode == 0, done.stderr

    def _run(self, *command: str | Path, given: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": os.environ["PATH"],
            "HOME": str(self.kubeconfig.parent),
        }
        return subprocess.run(
            command, input=given, env=environment, capture_output=True, text=True, check=False, timeout=120
        )


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    etcd_port, peer_port, port = _free_ports(3)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    subprocess.run(["openssl", "genrsa", "-out", folder / "accounts.key", "2048"], check=True, capture_output=True)
    etcd = [_tool("debian_tool", "etcd", "etcd-server"), f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync"]
    for kind, number in (("client", etcd_port), ("peer", peer_port)):
        etcd.append(f"--listen-{kind}-urls=http://{LOCAL}:{number}")
    etcd += [f"--advertise-client-urls=http://{LOCAL}:{etcd_port}", "--name=one"]
    etcd += [
        f"--initial-advertise-peer-urls=http://{LOCAL}:{peer_port}",
        f"--initial-cluster=one=http://{LOCAL}:{peer_port}",
    ]
    server = [
        _tool("gotool", "kube-apiserver"),
        f"--etcd-servers=http://{LOCAL}:{etcd_port}",
        f"--bind-address={LOCAL}",
        f"--advertise-address={LOCAL}",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--service-account-issuer=https://{LOCAL}:{port}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        f"--service-account-key-file={folder / 'accounts.key'}",
        # A controller would make each namespace's own account; there is none.
        "--disable-admission-plugins=ServiceAccount",
    ]
    with ExitStack() as running:
        for name, command in (("etcd", etcd), ("server", server)):
            running.enter_context(_process(command, folder / f"{name}.log"))
        wait_until(lambda: _ready(port, token), f"the API server to be ready, see {folder}")
        yield Cluster(_kubeconfig(folder, port, token))


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[None]:
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent) as running:
        try:
            yield
        finally:
            running.kill()


def _tool(script: str, *arguments: str) -> str:
    return subprocess.check_output([BED / script, *arguments], text=True).strip()


def _ready(port: int, token: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its certificate is made while it starts
    request = urllib.request.Request(f"https://{LOCAL}:{port}/readyz", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _kubeconfig(folder: Path, port: int, token: str) -> Path:
    path = folder / "kubeconfig"
    server = {"server": f"https://{LOCAL}:{port}", "certificate-authority": str(folder / "apiserver.crt")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": server}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin"}}],
        "current-context": "here",
    }
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return path


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOCAL, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def definitions() -> Iterator[str]:
    """The custom resources, as what `kubectl apply` takes."""
    for path in sorted((Path(__file__).parent / "crds").glob("*.yaml")):
        text = path.read_text()
        assert re.search("kind: CustomResourceDefinition", text)
        yield text
