"""What a container sees of a rendered pod: its environment, and its mounted files as the kubelet lays them out."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import trustme

from tests.chart.rendering import ROOT, Manifest, main_container, path_of

FLAT = ROOT / "examples" / "flat"


def environment(manifests: tuple[Manifest, ...], pod: Manifest, name: str, folder: Path) -> dict[str, str]:
    """The variables of the product's container; paths in them lead into `folder`, where its volumes are mounted."""
    moved = mounted(manifests, pod, name, folder)
    return {it["name"]: _moved(it.get("value", "sprig-0"), moved) for it in main_container(pod)["env"]}


def mounted(manifests: tuple[Manifest, ...], pod: Manifest, name: str, folder: Path) -> dict[str, Path]:
    """Where each volume of the product's container is made in `folder`, by where the container sees it."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    moved = {}
    for number, mount in enumerate(main_container(pod)["volumeMounts"]):
        moved[mount["mountPath"]] = folder / str(number)
        _mount(dict(_files(manifests, volumes[mount["name"]], name)), folder / str(number))
    return moved


def _moved(value: str, moved: Mapping[str, Path]) -> str:
    mounted = "|".join(map(re.escape, moved))
    return re.sub(rf"(?:{mounted})(?=[/\"]|$)", lambda found: str(moved[found[0]]), value)


def _mount(files: Mapping[str, str], target: Path) -> None:
    """Links into a folder that is exchanged as a whole, so that an update is seen at once or not at all."""
    data = target / "..2026_03_02"
    data.mkdir(parents=True)
    (target / "..data").symlink_to(data.name)
    for path, text in files.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text(text)
        top = Path(path).parts[0]
        if not (target / top).is_symlink():
            (target / top).symlink_to(Path("..data") / top)


def _files(manifests: tuple[Manifest, ...], volume: Manifest, name: str) -> Iterator[tuple[str, str]]:
    match volume:
        case {"secret": {"secretName": secret, **rest}}:
            made = [it["stringData"] for it in manifests if (it["kind"], it["metadata"]["name"]) == ("Secret", secret)]
            known = {**certificates(), **_shown(name), **(made[0] if made else {})}
            items: Any = rest.get("items") or [{"key": key, "path": key} for key in certificates()]
            yield from ((it["path"], known[it["key"]]) for it in items)
        case {"configMap": {"name": map_name, "items": items}}:
            made = [it["data"] for it in manifests if (it["kind"], it["metadata"]["name"]) == ("ConfigMap", map_name)]
            data = made[0] if made else {path.name: path.read_text() for path in FLAT.rglob("*.*")}
            yield from ((it["path"], data[it["key"]]) for it in items)


def _shown(name: str) -> dict[str, str]:
    """What the comment of a value set says is in its secret."""
    comment = " ".join(re.findall(r"(?m)^# +(.*)", path_of(name).read_text()))
    keys = {"SEGMENT_WRITE_KEY": "wk0123456789", "SEGMENT_WRITE_KEYS": '{"production": "wk0123456789"}'}
    for key, start in re.findall(r"([A-Z_]+): (?=\{)()", comment):
        begins = comment.index(f"{key}: {start}") + len(key) + 2
        shown: Any = json.JSONDecoder().raw_decode(comment, begins)[0]
        keys[key] = json.dumps(shown)
    return keys


def certificates() -> dict[str, str]:
    authority = trustme.CA()
    own = authority.issue_cert("sprig")
    chain = "".join(blob.bytes().decode() for blob in own.cert_chain_pems)
    return {
        "ca.crt": authority.cert_pem.bytes().decode(),
        "tls.crt": chain,
        "tls.key": own.private_key_pem.bytes().decode(),
    }
