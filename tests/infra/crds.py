#!/usr/bin/env python3
"""
Writes the custom resources that the chart makes into tests/chart/crds, as their projects define them.

They come out of the projects' Go modules (all of the Apache License 2.0), without descriptions and without versions
that the chart does not use. It takes Go.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parents[1] / "chart" / "crds"
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
KEDA = "github.com/kedacore/keda/v2@v2.21.0"
SECRETS = "github.com/external-secrets/external-secrets@v1.3.2"
WANTED = [
    (OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml", "v1"),
    (OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml", "v1"),
    (OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml", "v1"),
    (KEDA, "config/crd/bases/keda.sh_scaledobjects.yaml", "v1alpha1"),
    (KEDA, "config/crd/bases/keda.sh_triggerauthentications.yaml", "v1alpha1"),
    (SECRETS, "config/crds/bases/external-secrets.io_externalsecrets.yaml", "v1"),
]


def module(name: str) -> Path:
    told = subprocess.run(["go", "mod", "download", "-json", name], check=True, capture_output=True).stdout
    return Path(json.loads(told)["Dir"])


def bare(schema: Any) -> Any:
    """Without descriptions; a property of that name is an object, and stays."""
    match schema:
        case dict():
            return {
                key: bare(value) for key, value in schema.items() if key != "description" or not isinstance(value, str)
            }
        case list():
            return [bare(value) for value in schema]
    return schema


for source, path, version in WANTED:
    (definition,) = [it for it in yaml.safe_load_all((module(source) / path).read_text()) if it]
    definition["spec"]["versions"] = [it for it in definition["spec"]["versions"] if it["name"] == version]
    head = f"# Of {source}, Apache License 2.0; written by tests/infra/crds.py.\n"
    (TARGET / Path(path).name).write_text(head + yaml.safe_dump(bare(definition), sort_keys=False))
