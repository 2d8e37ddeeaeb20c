"""Reproduces what a container sees of a rendered pod: environment variables, and files as the kubelet mounts them."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import trustme

from tests.chart.rendering import ROOT, Manifest, main_container, values_path

FLAT_EXAMPLE = ROOT / "examples" / "flat"
POD_NAME = "sprig-0"


def environment_variables(
    manifests: tuple[Manifest, ...], pod: Manifest, value_set: str, folder: Path
) -> dict[str, str]:
    """The variables of the service's container. Paths in them point into `folder`, where its volumes are mounted."""
    mounts = mounted(manifests, pod, value_set, folder)
    entries = main_container(pod)["env"]
    # The only entries without a value refer to the name of the pod.
    return {entry["name"]: _with_local_paths(entry.get("value", POD_NAME), mounts) for entry in entries}


def mounted(manifests: tuple[Manifest, ...], pod: Manifest, value_set: str, folder: Path) -> dict[str, Path]:
    """Write each volume of the service's container into `folder`; returns the local path by mount path."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    local_paths = {}
    for number, mount in enumerate(main_container(pod)["volumeMounts"]):
        local_paths[mount["mountPath"]] = folder / str(number)
        _mount(dict(_files(manifests, volumes[mount["name"]], value_set)), folder / str(number))
    return local_paths


def _with_local_paths(value: str, local_paths: Mapping[str, Path]) -> str:
    mount_paths = "|".join(map(re.escape, local_paths))
    return re.sub(rf"(?:{mount_paths})(?=[/\"]|$)", lambda match: str(local_paths[match[0]]), value)


def _mount(files: Mapping[str, str], target: Path) -> None:
    """Links into a data folder, which the kubelet replaces as a whole, so that an update is atomic."""
    data = target / "..2026_03_02"
    data.mkdir(parents=True)
    (target / "..data").symlink_to(data.name)
    for path, text in files.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text(text)
        top = Path(path).parts[0]
        if not (target / top).is_symlink():
            (target / top).symlink_to(Path("..data") / top)


def _files(manifests: tuple[Manifest, ...], volume: Manifest, value_set: str) -> Iterator[tuple[str, str]]:
    """Path and text of each file of a volume. Objects that the chart does not create have example contents."""
    match volume:
        case {"secret": {"secretName": secret, **rest}}:
            texts = {**certificates(), **_secret_in_comment(value_set)}
            texts |= _data(manifests, "Secret", secret, "stringData") or {}
            items: Any = rest.get("items") or [{"key": key, "path": key} for key in certificates()]
            yield from ((item["path"], texts[item["key"]]) for item in items)
        case {"configMap": {"name": map_name, "items": items}}:
            data = _data(manifests, "ConfigMap", map_name, "data")
            if data is None:
                data = {path.name: path.read_text() for path in FLAT_EXAMPLE.rglob("*.*")}
            yield from ((item["path"], data[item["key"]]) for item in items)


def _data(manifests: tuple[Manifest, ...], kind: str, name: str, field: str) -> dict[str, str] | None:
    """The data of a rendered Secret or ConfigMap; None if the chart does not create it."""
    for manifest in manifests:
        if (manifest["kind"], manifest["metadata"]["name"]) == (kind, name):
            return dict(manifest[field])
    return None


def _secret_in_comment(value_set: str) -> dict[str, str]:
    """The contents of the secret that the comment of a value set describes."""
    comment = " ".join(re.findall(r"(?m)^# +(.*)", values_path(value_set).read_text()))
    contents = {"SEGMENT_WRITE_KEY": "wk0123456789", "SEGMENT_WRITE_KEYS": '{"production": "wk0123456789"}'}
    for match in re.finditer(r"([A-Z_]+): (?=\{)", comment):
        value: Any = json.JSONDecoder().raw_decode(comment, match.end())[0]
        contents[match[1]] = json.dumps(value)
    return contents


def certificates() -> dict[str, str]:
    authority = trustme.CA()
    certificate = authority.issue_cert("sprig")
    chain = "".join(blob.bytes().decode() for blob in certificate.cert_chain_pems)
    return {
        "ca.crt": authority.cert_pem.bytes().decode(),
        "tls.crt": chain,
        "tls.key": certificate.private_key_pem.bytes().decode(),
    }
