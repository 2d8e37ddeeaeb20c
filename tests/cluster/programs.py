"""Provides the programs of the nodes: Kubernetes from its Go module, the others from Debian's packages."""

import shutil
import subprocess
from pathlib import Path

from tests.infra.get_helm import ROOT

INFRA = ROOT / "tests" / "infra"
FROM_GO = ("pause", "kube-apiserver", "kubelet", "kube-controller-manager", "kube-scheduler")
NETWORK_PLUGINS = ("bridge", "host-local", "loopback")
OF_THE_ENGINE = ("containerd", "runc", "ctr")


def prepare(folder: Path) -> Path:
    """Link all programs into `folder`. The first build of Kubernetes takes minutes; the results are kept in .cache."""
    missing = [name for name in OF_THE_ENGINE if shutil.which(name) is None]
    assert not missing, f"{missing} not found: tests/infra/up installs a container engine that has them"
    folder.mkdir()
    for name in FROM_GO:
        (folder / name).symlink_to(_path_from("gotool", name))
    (folder / "etcd").symlink_to(_path_from("debian_tool", "etcd", "etcd-server"))
    for name in NETWORK_PLUGINS:
        plugin = _path_from("debian_tool", name, "containernetworking-plugins", "usr/lib/cni")
        (folder / name).symlink_to(plugin)
    return folder


def _path_from(script: str, *arguments: str) -> str:
    return subprocess.check_output([INFRA / script, *arguments], text=True).strip()
