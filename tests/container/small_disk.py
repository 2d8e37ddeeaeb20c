"""Owns a small disk in memory for a container, which a test fills and empties."""

import contextlib
import uuid
from collections.abc import Iterator

import docker
from testcontainers.core.container import DockerContainer

MEGABYTES = 256
_PATH = "/disk"


class SmallDisk:
    """A volume that keeps its files while no other container runs, because a container of its own holds the volume."""

    def __init__(self, image: str) -> None:
        self.name = f"disk-{uuid.uuid4().hex}"
        self._holder = DockerContainer(image).with_command(["sleep", "infinity"])
        self._holder.with_volume_mapping(self.name, _PATH, "rw")

    @contextlib.contextmanager
    def created(self) -> Iterator["SmallDisk"]:
        options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={MEGABYTES}m,mode=1777"}
        with contextlib.closing(docker.from_env(version="auto")) as engine:
            volume = engine.volumes.create(self.name, driver_opts=options)
            try:
                with self._holder:
                    yield self
            finally:
                volume.remove()

    def fill(self) -> None:
        """Write a file that takes all of the space that is left."""
        result = self._holder.exec(["dd", "if=/dev/zero", f"of={_PATH}/ballast", "bs=64k"])
        assert b"No space left" in result.output, result.output

    def empty(self) -> None:
        """Remove the file that `fill` wrote."""
        result = self._holder.exec(["rm", f"{_PATH}/ballast"])
        assert result.exit_code == 0, result.output
