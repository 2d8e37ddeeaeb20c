"""Owns the chart's value sets and their rendering: helm renders each value set once in a test run."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.infra.get_helm import helm

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm"
GOLDEN_FOLDER = Path(__file__).parent / "rendered"
VALUE_SETS = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
RELEASE, NAMESPACE = "sprig", "surveys"
WORKLOAD_KINDS = ("Deployment", "StatefulSet")

Manifest = Any


def values_path(value_set: str) -> Path:
    return CHART / "ci" / f"{value_set}-values.yaml"


@cache
def rendered_text(value_set: str, major: int = 4) -> str:
    """The YAML that this major version of helm renders of a value set."""
    result = _helm_template(major, "--values", values_path(value_set))
    assert result.returncode == 0, result.stderr
    return result.stdout


@cache
def rendered(value_set: str) -> tuple[Manifest, ...]:
    return _manifests(rendered_text(value_set))


def render_with(values: Mapping[str, Any], base: str = "minimal") -> tuple[Manifest, ...]:
    """The manifests of the value set `base` with `values` merged over it."""
    result = try_render(values, base)
    assert result.returncode == 0, result.stderr
    return _manifests(result.stdout)


def try_render(values: Mapping[str, Any], base: str = "minimal", *options: str) -> subprocess.CompletedProcess[str]:
    """The result of `helm template` for the value set `base` with `values` merged over it; it may be an error."""
    return _helm_template(4, "--values", values_path(base), "--values", "-", *options, stdin=json.dumps(values))


def only(manifests: tuple[Manifest, ...], kind: str) -> Manifest:
    """The only manifest of this kind."""
    (manifest,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return manifest


def workload(manifests: tuple[Manifest, ...]) -> Manifest:
    """The Deployment or StatefulSet of the members."""
    (manifest,) = [manifest for manifest in manifests if manifest["kind"] in WORKLOAD_KINDS]
    return manifest


def pods(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest]]:
    """The spec of each pod, with the kind of the manifest that creates the pod."""
    for manifest in manifests:
        if manifest["kind"] == "Pod":
            yield "Pod", manifest["spec"]
        elif manifest["kind"] in (*WORKLOAD_KINDS, "Job"):
            yield manifest["kind"], manifest["spec"]["template"]["spec"]


def main_container(pod: Manifest) -> Manifest:
    """The service's container in the spec of a pod."""
    (container,) = [container for container in pod["containers"] if container["name"] == "sprig-to-segment"]
    return container


def member_container(manifests: tuple[Manifest, ...]) -> Manifest:
    """The service's container of a member."""
    return main_container(workload(manifests)["spec"]["template"]["spec"])


def _manifests(text: str) -> tuple[Manifest, ...]:
    return tuple(manifest for manifest in yaml.safe_load_all(text) if manifest)


def _helm_template(major: int, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [helm(major), "template", RELEASE, CHART, "--namespace", NAMESPACE, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def golden_text(value_set: str) -> str:
    """The rendered text, in which a placeholder replaces the dashboard, because that is a file of the chart."""
    dashboard = {f"    {line}".rstrip() for line in (CHART / "files" / "dashboard.json").read_text().splitlines()}
    lines: list[str] = []
    in_dashboard = False
    for line in rendered_text(value_set).splitlines():
        if in_dashboard and line.rstrip() in dashboard:
            continue
        lines.append(line.rstrip())
        in_dashboard = line == "  sprig-to-segment.json: |-"
        if in_dashboard:
            lines.append("    (files/dashboard.json)")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":  # `make rendered`
    GOLDEN_FOLDER.mkdir(exist_ok=True)
    for path in GOLDEN_FOLDER.glob("*.yaml"):
        path.unlink()
    for name in VALUE_SETS:
        (GOLDEN_FOLDER / f"{name}.yaml").write_text(golden_text(name))
