"""Owns the previous version of the service, taken from the history of the repository."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.pages import ROOT

COMMIT = "b762bd7bec4bbf63cfed42f0c6d49d971650fde7"


def extract(folder: Path) -> dict[str, str]:
    """Write the previous version into the folder. Returns the environment variables with which a process runs it."""
    archive = subprocess.run(
        ["git", "archive", COMMIT, "consumer", "schemas"], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        error = archive.stderr.decode().strip()
        pytest.fail(
            f"{error}\nthe previous version is not in this clone: run `git fetch origin {COMMIT}`", pytrace=False
        )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    # The command that is installed begins in a module that the previous version does not have.
    (folder / "consumer" / "entry_point.py").write_text("from consumer.cli.main import main as main\n")
    environment = {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-P", "-c", "import consumer; print(consumer.__file__)"]
    imported = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(imported.strip()).is_relative_to(folder), imported
    return environment
