"""
Writes the licenses of installed distributions into a folder: a table, and for each distribution a folder with texts.

The Dockerfile runs it with the Python of the product: `python collect.py FOLDER`. It needs no network.
"""

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
BUNDLED = tomllib.loads((HERE / "bundled.toml").read_text())

# Where wheels keep license texts and bills of materials (PEP 639 and 770); older ones have the texts one level higher.
_TEXTS = re.compile(r"\.dist-info/(licenses/|sboms/|licen[cs]e|copying|notice)", re.IGNORECASE)
# Licenses that a wheel does not name in SPDX's form.
_SPDX = {"3-Clause BSD License": "BSD-3-Clause"}
_CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
}


class Component(NamedTuple):
    """A row of the table: `license` is an SPDX expression, `inside` the distribution whose wheel has the component."""

    name: str
    version: str
    license: str
    inside: str


def write(folder: Path, installed: Iterable[Distribution]) -> None:
    rows = ["name\tversion\tlicense\tinside"]
    for distribution in sorted(installed, key=folder_name):
        copy_texts(distribution, folder / folder_name(distribution))
        rows += ["\t".join(component) for component in components(distribution)]
    (folder / "licenses.tsv").write_text("\n".join(rows) + "\n")
    shutil.copy(HERE / "README.md", folder)


def folder_name(distribution: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", distribution.name).lower()


def copy_texts(distribution: Distribution, folder: Path) -> None:
    """The texts of the wheel, and those that the wheel should have."""
    folder.mkdir(parents=True)
    for file in distribution.files or ():
        if _TEXTS.search(str(file)):
            shutil.copy(str(file.locate()), folder)
    more = HERE / "texts" / folder_name(distribution)
    if more.is_dir():
        shutil.copytree(more, folder, dirs_exist_ok=True)


def components(distribution: Distribution) -> Iterator[Component]:
    """The distribution, the libraries inside its wheel, and the parts that its bills of materials name."""
    inside = folder_name(distribution)
    bundled = BUNDLED.get(inside, ())
    yield Component(inside, distribution.version, license_of(distribution), inside)
    for library in bundled:
        yield Component(library["name"], library["version"], library["license"], inside)
    for part in _parts(distribution):
        if part["name"] not in {library["name"] for library in bundled}:
            yield Component(part["name"], part.get("version", ""), _license_of_part(part), inside)


def _parts(distribution: Distribution) -> Iterator[dict[str, Any]]:
    """The components in the wheel's bills of materials, which are CycloneDX."""
    for file in distribution.files or ():
        if ".dist-info/sboms/" in str(file):
            yield from json.loads(file.read_text())["components"]


def license_of(distribution: Distribution) -> str:
    """The SPDX expression of the metadata; "" if the metadata has none."""
    metadata = distribution.metadata
    for field in ("License-Expression", "License"):
        if field in metadata:
            return _SPDX.get(metadata[field], metadata[field])
    names = [_CLASSIFIERS.get(name, "") for name in metadata.get_all("Classifier", ()) if name.startswith("License")]
    return " OR ".join(filter(None, names))


def _license_of_part(part: dict[str, Any]) -> str:
    licenses = [entry.get("expression") or entry["license"]["id"] for entry in part.get("licenses", ())]
    return " AND ".join(licenses)


if __name__ == "__main__":
    write(Path(sys.argv[1]), distributions())
