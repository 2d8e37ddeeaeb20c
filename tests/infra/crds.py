#!/usr/bin/env python3
"""
Writes the definitions of the custom resources that the chart uses into tests/chart/crds.

The definitions come from the Go modules of their projects (all under the Apache License 2.0), without descriptions and
without versions that the chart does not use. The script requires Go.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parents[1] / "chart" / "crds"
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
KEDA = "github.com/kedacore/keda/v2@v2.21.0"
EXTERNAL_SECRETS = "github.com/external-secrets/external-secrets@v1.3.2"
DEFINITIONS = [
    (OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml", "v1"),
    (OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml", "v1"),
    (OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml", "v1"),
    (KEDA, "config/crd/bases/keda.sh_scaledobjects.yaml", "v1alpha1"),
    (KEDA, "config/crd/bases/keda.sh_triggerauthentications.yaml", "v1alpha1"),
    (EXTERNAL_SECRETS, "config/crds/bases/external-secrets.io_externalsecrets.yaml", "v1"),
]


def download_module(name: str) -> Path:
    """The folder of a Go module after its download."""
    output = subprocess.run(["go", "mod", "download", "-json", name], check=True, capture_output=True).stdout
    return Path(json.loads(output)["Dir"])


def without_descriptions(schema: Any) -> Any:
    """The schema without its texts. A property with the name `description` is an object, and stays."""
    match schema:
        case dict():
            return {
                key: without_descriptions(value)
                for key, value in schema.items()
                if key != "description" or not isinstance(value, str)
            }
        case list():
            return [without_descriptions(value) for value in schema]
    return schema


def write_definition(module: str, path: str, version: str) -> None:
    documents = yaml.safe_load_all((download_module(module) / path).read_text())
    (definition,) = [document for document in documents if document]
    spec = definition["spec"]
    spec["versions"] = [schema for schema in spec["versions"] if schema["name"] == version]
    comment = f"# From {module}, Apache License 2.0; written by tests/infra/crds.py.\n"
    text = yaml.safe_dump(without_descriptions(definition), sort_keys=False)
    (TARGET / Path(path).name).write_text(comment + text)


for module, path, version in DEFINITIONS:
    write_definition(module, path, version)
