"""Each value set: it lints, both majors of helm render the same, and every Kubernetes since 1.28 takes it."""

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils

from tests.chart.rendering import CHART, GOLDEN, ROOT, SETS, Manifest, golden_of, path_of, rendered, text_of
from tests.infra.get_helm import helm

EACH = pytest.mark.parametrize("name", SETS)
MINORS = sorted({utils.major_minor(it) for it in utils.all_versions()} & {f"1.{minor}" for minor in range(28, 100)})
CUSTOM = ("monitoring.coreos.com", "keda.sh", "external-secrets.io")


@EACH
def test_it_lints(name: str) -> None:
    done = subprocess.run(
        [helm(4), "lint", "--strict", "--quiet", CHART, "--values", path_of(name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "")


@EACH
def test_both_majors_of_helm_render_the_same(name: str) -> None:
    assert list(yaml.safe_load_all(text_of(name, 3))) == list(yaml.safe_load_all(text_of(name, 4)))


@EACH
def test_it_renders_what_is_kept_of_it(name: str) -> None:
    """`make rendered` writes these files anew; a reviewer sees in them what a change of the chart changes."""
    assert (GOLDEN / f"{name}.yaml").read_text() == golden_of(name)


def test_nothing_else_is_kept() -> None:
    assert {path.stem for path in GOLDEN.glob("*")} == set(SETS)


@pytest.mark.parametrize("minor", MINORS)
def test_kubernetes_takes_it(minor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utils, "schema_contents", cache(utils.schema_contents))
    for manifest in _distinct(custom=False):
        kubernetes_validate.validate(manifest, minor, strict=True)


def test_the_minors_are_those_from_1_28_to_the_newest() -> None:
    assert [f"1.{minor}" for minor in range(28, int(utils.latest_version().split(".")[1]) + 1)] == MINORS
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == f">={MINORS[0]}.0-0"


def test_custom_resources_are_what_their_projects_define() -> None:
    found = list(_distinct(custom=True))
    for manifest in found:
        schema = _schemas()[manifest["apiVersion"], manifest["kind"]]
        jsonschema.Draft202012Validator(schema).validate(manifest)
    assert {(it["apiVersion"], it["kind"]) for it in found} == _schemas().keys()


def _distinct(*, custom: bool) -> Iterator[Manifest]:
    """Each manifest of all sets once."""
    texts = {json.dumps(it) for name in SETS for it in rendered(name)}
    manifests = map(json.loads, texts)
    return (it for it in manifests if it["apiVersion"].startswith(CUSTOM) == custom)


@cache
def _schemas() -> dict[tuple[str, str], Any]:
    found = {}
    for path in (Path(__file__).parent / "crds").glob("*.yaml"):
        spec = yaml.safe_load(path.read_text())["spec"]
        (version,) = spec["versions"]
        schema = _closed(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def _closed(schema: Any) -> Any:
    """As an API server reads it under strict validation: no field that is not named."""
    if schema.pop("x-kubernetes-int-or-string", False):
        schema.pop("type", None)
        schema.pop("format", None)
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for it in inner:
        if isinstance(it, dict):
            _closed(it)
    return schema


def test_its_app_version_is_the_product_s() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == version[1]


def test_its_package_has_what_an_install_takes_and_no_more(tmp_path: Path) -> None:
    subprocess.run([helm(4), "package", CHART, "--destination", tmp_path], check=True, capture_output=True)
    (package,) = tmp_path.glob("sprig-to-segment-*.tgz")
    with tarfile.open(package) as packed:
        names = {name.removeprefix("sprig-to-segment/") for name in packed.getnames()}
    templates = {f"templates/{path.name}" for path in (CHART / "templates").iterdir()}
    files = {"files/alerts.yaml", "files/dashboard.json"}
    assert names == templates | files | {"Chart.yaml", "README.md", "values.yaml", "values.schema.json"}
