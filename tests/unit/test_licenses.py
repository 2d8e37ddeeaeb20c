"""The licenses of the Python dependencies and of what their wheels contain: complete, permissive, and collected."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from confluent_kafka import libversion
from isal import ISAL_VERSION

from licenses.collect import BUNDLED, HERE, components, folder_name, write
from tests.unit.test_dependencies import LOCK

# SPDX names. Each lets a service use the part without a license of its own sources.
ACCEPTABLE = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
    "curl",
}
# Wheels with machine code that comes from their own sources alone.
OWN_CODE = {"charset-normalizer", "fastavro"}


def installed() -> list[Distribution]:
    """What the lock has for this platform."""
    distributions = []
    for name in LOCK:
        try:
            distributions.append(distribution(name))
        except PackageNotFoundError:
            continue
    return distributions


INSTALLED = {folder_name(item): item for item in installed()}


def is_acceptable(expression: str) -> bool:
    """Whether an SPDX expression allows a choice of acceptable licenses only."""
    if not expression:
        return False
    tokens = re.findall(r"[()]|\bAND\b|\bOR\b|[\w.+-]+(?: WITH [\w.-]+)?", expression)
    words = {"(": "(", ")": ")", "AND": "and", "OR": "or"}
    return bool(eval(" ".join(words.get(token) or str(token in ACCEPTABLE) for token in tokens)))


@pytest.mark.parametrize("expression", ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "(MIT OR GPL-2.0-only) AND X", ""])
def test_a_license_with_copyleft_is_not_acceptable(expression: str) -> None:
    assert not is_acceptable(expression)
    assert is_acceptable("MPL-2.0 AND (Apache-2.0 OR GPL-2.0-only)")


@pytest.mark.parametrize("name", INSTALLED)
def test_each_part_of_a_dependency_has_an_acceptable_license(name: str) -> None:
    assert not [part for part in components(INSTALLED[name]) if not is_acceptable(part.license)]


def test_each_dependency_has_its_texts_in_the_folder(tmp_path: Path) -> None:
    write(tmp_path, INSTALLED.values())
    texts = {path.parent.name for path in tmp_path.glob("*/*") if path.suffix != ".json" and path.read_text().strip()}
    assert texts == INSTALLED.keys()
    rows = [line.split("\t") for line in (tmp_path / "licenses.tsv").read_text().splitlines()[1:]]
    assert {(name, INSTALLED[name].version) for name in INSTALLED} <= {(row[0], row[1]) for row in rows}
    assert all((tmp_path / key / library["text"]).is_file() for key in BUNDLED for library in BUNDLED[key])


def test_a_wheel_with_machine_code_says_what_is_in_it() -> None:
    """A new wheel with machine code needs a look: a bill of materials, an entry in bundled.toml, or none of both."""
    compiled = {name for name, item in INSTALLED.items() if any(".so" in file.suffixes for file in item.files or ())}
    with_bill = {name for name, item in INSTALLED.items() if any("/sboms/" in str(file) for file in item.files or ())}
    assert compiled - with_bill - BUNDLED.keys() == OWN_CODE


def test_the_bundled_libraries_are_those_of_the_lock() -> None:
    assert BUNDLED.keys() <= INSTALLED.keys()
    assert {path.name for path in (HERE / "texts").iterdir()} <= INSTALLED.keys()


def test_the_bundled_libraries_have_the_versions_in_their_files() -> None:
    versions = {library["name"]: library["version"] for library in BUNDLED["confluent-kafka"]}
    (path,) = Path(str(INSTALLED["confluent-kafka"].locate_file("confluent_kafka.libs"))).glob("librdkafka*")
    content = path.read_bytes()
    assert versions["librdkafka"] == libversion()[0]
    assert re.findall(rb"OpenSSL (\d+\.\d+\.\d+) \d", content) == [versions["openssl"].encode()]
    assert set(re.findall(rb"(?:in|de)flate (\d+\.\d+\.\d+) Copyright", content)) == {versions["zlib"].encode()}
    assert f"\0{versions['zstd']}\0".encode() in content
    assert [library["version"] for library in BUNDLED["isal"]] == [ISAL_VERSION]
