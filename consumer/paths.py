"""Where the packaged files are, in a checkout and in an installed wheel."""

from pathlib import Path


def schemas() -> Path:
    """The shipped `schemas/`: inside the package where it is installed, beside it in a checkout."""
    package = Path(__file__).parent
    packaged = package / "schemas"
    return packaged if packaged.is_dir() else package.parent / "schemas"
