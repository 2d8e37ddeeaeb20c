"""Each value set passes lint, renders equally with Helm 3 and 4, and is valid in each Kubernetes since 1.28."""

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

from tests.chart.rendering import (
    CHART,
    GOLDEN_FOLDER,
    ROOT,
    VALUE_SETS,
    Manifest,
    golden_text,
    rendered,
    rendered_text,
    values_path,
)
from tests.infra.get_helm import helm

EACH_VALUE_SET = pytest.mark.parametrize("value_set", VALUE_SETS)
SUPPORTED = {f"1.{minor}" for minor in range(28, 100)}
MINORS = sorted(SUPPORTED & {utils.major_minor(version) for version in utils.all_versions()})
CUSTOM_GROUPS = ("monitoring.coreos.com", "keda.sh", "external-secrets.io")


@EACH_VALUE_SET
def test_helm_lint_reports_nothing(value_set: str) -> None:
    command: list[str | Path] = [helm(4), "lint", "--strict", "--quiet", CHART, "--values", values_path(value_set)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.strip()) == (0, "")


@EACH_VALUE_SET
def test_helm_3_and_4_render_equal_manifests(value_set: str) -> None:
    assert list(yaml.safe_load_all(rendered_text(value_set, 3))) == list(
        yaml.safe_load_all(rendered_text(value_set, 4))
    )


@EACH_VALUE_SET
def test_the_golden_file_is_current(value_set: str) -> None:
    """`make rendered` writes the golden files. They show a reviewer the effect of a change to the chart."""
    assert (GOLDEN_FOLDER / f"{value_set}.yaml").read_text() == golden_text(value_set)


def test_each_golden_file_has_a_value_set() -> None:
    assert {path.stem for path in GOLDEN_FOLDER.glob("*")} == set(VALUE_SETS)


@pytest.mark.parametrize("minor", MINORS)
def test_each_manifest_is_valid_in_kubernetes(minor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utils, "schema_contents", cache(utils.schema_contents))
    for manifest in _distinct(custom=False):
        kubernetes_validate.validate(manifest, minor, strict=True)


def test_the_supported_versions_are_1_28_to_the_newest() -> None:
    assert [f"1.{minor}" for minor in range(28, int(utils.latest_version().split(".")[1]) + 1)] == MINORS
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == f">={MINORS[0]}.0-0"


def test_each_custom_resource_is_valid_by_the_schema_of_its_project() -> None:
    manifests = list(_distinct(custom=True))
    for manifest in manifests:
        schema = _schemas()[manifest["apiVersion"], manifest["kind"]]
        jsonschema.Draft202012Validator(schema).validate(manifest)
    assert {(manifest["apiVersion"], manifest["kind"]) for manifest in manifests} == _schemas().keys()


def _distinct(*, custom: bool) -> Iterator[Manifest]:
    """The manifests of all value sets, without repetitions."""
    texts = {json.dumps(manifest) for value_set in VALUE_SETS for manifest in rendered(value_set)}
    manifests = map(json.loads, texts)
    return (manifest for manifest in manifests if manifest["apiVersion"].startswith(CUSTOM_GROUPS) == custom)


@cache
def _schemas() -> dict[tuple[str, str], Any]:
    """The closed schema of each custom resource, by apiVersion and kind."""
    schemas = {}
    for path in (Path(__file__).parent / "crds").glob("*.yaml"):
        spec = yaml.safe_load(path.read_text())["spec"]
        (version,) = spec["versions"]
        schema = _closed(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        schemas[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return schemas


def _closed(schema: Any) -> Any:
    """The schema as an API server applies it in strict validation: a field that it does not name is an error."""
    if schema.pop("x-kubernetes-int-or-string", False):
        schema.pop("type", None)
        schema.pop("format", None)
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for subschema in inner:
        if isinstance(subschema, dict):
            _closed(subschema)
    return schema


def test_the_app_version_is_the_version_of_the_service() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == version[1]


def test_the_package_has_exactly_the_files_that_an_install_needs(tmp_path: Path) -> None:
    subprocess.run([helm(4), "package", CHART, "--destination", tmp_path], check=True, capture_output=True)
    (package,) = tmp_path.glob("sprig-to-segment-*.tgz")
    with tarfile.open(package) as packed:
        names = {name.removeprefix("sprig-to-segment/") for name in packed.getnames()}
    templates = {str(path.relative_to(CHART)) for path in (CHART / "templates").rglob("*.*") if path.is_file()}
    files = {"files/alerts.yaml", "files/confidential-options.txt", "files/dashboard.json"}
    assert names == templates | files | {"Chart.yaml", "README.md", "values.yaml", "values.schema.json"}
