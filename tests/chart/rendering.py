"""What the tests of the chart share: its value sets, and what helm makes of them, once for each."""

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
GOLDEN = Path(__file__).parent / "rendered"
SETS = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
RELEASE, NAMESPACE = "sprig", "surveys"

Manifest = Any


def path_of(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


@cache
def text_of(name: str, major: int = 4) -> str:
    """What this major of helm renders of a value set."""
    done = _template(major, "--values", path_of(name))
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def rendered(name: str) -> tuple[Manifest, ...]:
    return tuple(it for it in yaml.safe_load_all(text_of(name)) if it)


def made_of(values: Mapping[str, Any], base: str = "minimal") -> tuple[Manifest, ...]:
    """The manifests of a value set with these values over it."""
    done = attempt(values, base)
    assert done.returncode == 0, done.stderr
    return tuple(it for it in yaml.safe_load_all(done.stdout) if it)


def attempt(values: Mapping[str, Any], base: str = "minimal", *more: str) -> subprocess.CompletedProcess[str]:
    return _template(4, "--values", path_of(base), "--values", "-", *more, given=json.dumps(values))


def only(manifests: tuple[Manifest, ...], kind: str) -> Manifest:
    (found,) = [it for it in manifests if it["kind"] == kind]
    return found


def workload(manifests: tuple[Manifest, ...]) -> Manifest:
    """What makes the members."""
    (found,) = [it for it in manifests if it["kind"] in ("Deployment", "StatefulSet")]
    return found


def pods(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest]]:
    """The spec of each pod that they make, with the kind of what makes it."""
    for it in manifests:
        if it["kind"] == "Pod":
            yield "Pod", it["spec"]
        elif it["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield it["kind"], it["spec"]["template"]["spec"]


def main_container(pod: Manifest) -> Manifest:
    (found,) = [it for it in pod["containers"] if it["name"] == "sprig-to-segment"]
    return found


def _template(major: int, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [helm(major), "template", RELEASE, CHART, "--namespace", NAMESPACE, *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def golden_of(name: str) -> str:
    """What is kept of a set: all that is rendered, but for the dashboard's text, which is a file of the chart."""
    lines = text_of(name).splitlines()
    dashboard = {f"    {line}".rstrip() for line in (CHART / "files" / "dashboard.json").read_text().splitlines()}
    start = lines.index("  sprig-to-segment.json: |-") + 1 if "  sprig-to-segment.json: |-" in lines else len(lines)
    end = next((at for at in range(start, len(lines)) if lines[at].rstrip() not in dashboard), len(lines))
    told = ["    (files/dashboard.json)"] if start < len(lines) else []
    return "\n".join(line.rstrip() for line in [*lines[:start], *told, *lines[end:]]) + "\n"


if __name__ == "__main__":  # `make rendered`
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.glob("*.yaml"):
        path.unlink()
    for name in SETS:
        (GOLDEN / f"{name}.yaml").write_text(golden_of(name))
