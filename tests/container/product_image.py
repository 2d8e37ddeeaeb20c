"""Builds the service's image from this checkout, under a tag of this checkout."""

import fcntl
import hashlib
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import pytest

ROOT = Path(__file__).parents[2]
REPOSITORY = "sprig-to-segment"
LABEL = "sprig-to-segment.checkout"


def build_product_image(engine: docker.DockerClient, base: str) -> str:
    """
    The tag of the image, with `base` in place of the base image of the Dockerfile.

    Each checkout has a tag of its own, because the tests of several checkouts can run at once on one machine.
    """
    tag = f"{REPOSITORY}:test-{hashlib.sha256(bytes(ROOT)).hexdigest()[:12]}"
    dockerfile = re.sub(r"(?m)^FROM \S+ AS base$", f"FROM {base} AS base", (ROOT / "Dockerfile").read_text())
    options = ["--network=host", "--label", f"{LABEL}={ROOT}", "--tag", tag, "--file=-", str(ROOT)]
    with _lock():
        build = subprocess.run(
            ["docker", "build", *options], check=False, input=dockerfile, capture_output=True, text=True
        )
        if build.returncode:
            pytest.fail(f"docker build failed:\n{(build.stdout + build.stderr)[-3000:]}", pytrace=False)
        remove_outdated(engine)
    return tag


def remove_outdated(engine: docker.DockerClient) -> None:
    """Remove the images that a newer one of this checkout replaced, and those of checkouts that are gone."""
    for image in engine.images.list(filters={"label": LABEL}):
        checkout = Path(image.labels[LABEL])
        if not checkout.is_dir() or (checkout == ROOT and not image.tags):
            with suppress(docker.errors.APIError):  # a container still has it
                engine.images.remove(image.id)


@contextmanager
def _lock() -> Iterator[None]:
    """The processes of one test run build one after the other: the first one builds, and the others find the result."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / "product_image.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
