"""The configuration of a node: of its containerd, of its kubelet, and of the network of its pods."""

import json
from pathlib import Path
from typing import Any

from tests.cluster.addresses import BRIDGE, CGROUP, MACHINE, node_name

CAP_SYS_RESOURCE = 24
SANDBOX_IMAGE = "local/pause:1"

CONTAINERD = """
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{sandbox_image}"
netns_mounts_under_state_dir = true
restrict_oom_score_adj = {restricted}
stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{programs}"
conf_dir = "{folder}/cni"
"""


def containerd(folder: Path, programs: Path) -> str:
    restricted = str(not _may_lower_oom_scores()).lower()
    return CONTAINERD.format(folder=folder, programs=programs, restricted=restricted, sandbox_image=SANDBOX_IMAGE)


def _may_lower_oom_scores() -> bool:
    """A sandbox asks to be killed last. Without this capability runc would fail at it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (capabilities,) = [line.split()[1] for line in lines if line.startswith("CapEff")]
    return bool(int(capabilities, 16) >> CAP_SYS_RESOURCE & 1)


def network(folder: Path, number: int) -> str:
    addresses = {
        "subnet": "10.123.0.0/16",
        "rangeStart": f"10.123.{number}.1",
        "rangeEnd": f"10.123.{number}.250",
        "gateway": MACHINE,
    }
    ipam = {
        "type": "host-local",
        "dataDir": f"{folder}/ipam",
        "ranges": [[addresses]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {"type": "bridge", "bridge": BRIDGE, "ipam": ipam}
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [plugin]})


def kubelet(folder: Path, number: int) -> str:
    config: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "failSwapOn": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}/{node_name(number)}",
        # Only processes in this network can reach the kubelet.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "podLogsDir": f"{folder}/pod-logs",
        "volumePluginDir": f"{folder}/plugins",
        "port": 10250 + 10 * (number - 1),
        "healthzPort": 10248 + 10 * (number - 1),
    }
    return json.dumps(config)


def cluster_config(folder: Path, token: str) -> str:
    """A kubeconfig."""
    server = {
        "server": "https://127.0.0.1:6443",
        "certificate-authority": str(folder / "apiserver.crt"),
        "tls-server-name": "localhost",
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": server}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "user"}}],
    }
    return json.dumps(config)
