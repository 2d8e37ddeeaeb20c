"""The addresses of the cluster, which has a network of its own: nodes, the API server, Kafka and the stand-ins."""

from pathlib import Path

NODES = 2
BRIDGE = "pods0"
MACHINE = "10.123.0.1"
"""The address of the first node, of Kafka and of the stand-ins for Segment and the schema registry."""

API_SERVER = "https://127.0.0.1:6443"
BROKER = f"{MACHINE}:9092"
SEGMENT_PORT = 9080
REGISTRY_PORT = 8081
CGROUP = "sprig-to-segment-cluster"  # above the cgroups of all pods
CGROUPS = (CGROUP, "k8s.io")  # containerd creates the second one


def node_name(number: int) -> str:
    return f"node-{number}"


def node_address(number: int) -> str:
    return f"10.123.0.{number}"


def kubeconfig(folder: Path, user: str) -> Path:
    return folder / f"{user}.conf"


CLUSTER_IMAGES = ("registry.example/sprig-to-segment:0.1.0", "registry.example/sprig-to-segment:0.1.1")
"""The names of the product's image on the nodes: that of docs/deploy.md, and that of a later version."""
