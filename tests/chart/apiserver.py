"""Owns a real API server on loopback, with Debian's etcd and the custom resources, but no controllers and no nodes."""

import json
import os
import re
import secrets
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.get_helm import ROOT, helm
from tests.ports import free_port
from tests.support import wait_until

INFRA = ROOT / "tests" / "infra"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running API server. The file `kubeconfig` has its address and credentials."""

    kubeconfig: Path
    timeout: float = 120  # seconds for one command

    def kubectl(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self._run(helm(4).with_name("kubectl"), *arguments, stdin=stdin)

    def helm(self, major: int, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self._run(helm(major), *arguments, stdin=stdin)

    def apply(self, *manifests: Any) -> None:
        documents = "\n---\n".join(map(json.dumps, manifests))
        result = self.kubectl("apply", "--filename=-", stdin=documents)
        assert result.returncode == 0, result.stderr

    def _run(self, *command: str | Path, stdin: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": os.environ["PATH"],
            "HOME": str(self.kubeconfig.parent),
        }
        return subprocess.run(
            command, input=stdin, env=environment, capture_output=True, text=True, check=False, timeout=self.timeout
        )


@contextmanager
def run_cluster(folder: Path) -> Iterator[Cluster]:
    """Run etcd and the API server with their data, keys and logs in `folder`."""
    etcd_port, peer_port, port = (free_port() for _ in range(3))
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    subprocess.run(["openssl", "genrsa", "-out", folder / "accounts.key", "2048"], check=True, capture_output=True)
    etcd = [_tool("debian_tool", "etcd", "etcd-server"), f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync"]
    for kind, number in (("client", etcd_port), ("peer", peer_port)):
        etcd.append(f"--listen-{kind}-urls=http://{LOOPBACK}:{number}")
    etcd += [f"--advertise-client-urls=http://{LOOPBACK}:{etcd_port}", "--name=one"]
    etcd += [
        f"--initial-advertise-peer-urls=http://{LOOPBACK}:{peer_port}",
        f"--initial-cluster=one=http://{LOOPBACK}:{peer_port}",
    ]
    server = [
        _tool("gotool", "kube-apiserver"),
        f"--etcd-servers=http://{LOOPBACK}:{etcd_port}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--service-account-issuer=https://{LOOPBACK}:{port}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        f"--service-account-key-file={folder / 'accounts.key'}",
        # The admission plugin needs the ServiceAccount `default` of each namespace, which only a controller creates.
        "--disable-admission-plugins=ServiceAccount",
    ]
    with ExitStack() as processes:
        for name, command in (("etcd", etcd), ("server", server)):
            processes.enter_context(_process(command, folder / f"{name}.log"))
        wait_until(lambda: _ready(port, token), f"the API server to be ready, see {folder}")
        yield Cluster(_kubeconfig(folder, port, token))


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[None]:
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent) as process:
        try:
            yield
        finally:
            process.kill()


def _tool(script: str, *arguments: str) -> str:
    return subprocess.check_output([INFRA / script, *arguments], text=True).strip()


def _ready(port: int, token: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the server creates its certificate at start
    request = urllib.request.Request(f"https://{LOOPBACK}:{port}/readyz", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=2, context=context) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _kubeconfig(folder: Path, port: int, token: str) -> Path:
    path = folder / "kubeconfig"
    server = {"server": f"https://{LOOPBACK}:{port}", "certificate-authority": str(folder / "apiserver.crt")}
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


def custom_resource_definitions() -> Iterator[str]:
    """The manifests that define the custom resources of the chart."""
    for path in sorted((Path(__file__).parent / "crds").glob("*.yaml")):
        text = path.read_text()
        assert re.search("kind: CustomResourceDefinition", text)
        yield text
