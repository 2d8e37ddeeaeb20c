"""Where the packaged files are, in a checkout and in an installed wheel."""

from pathlib import Path


def schemas() -> Path:
    """The shipped `schemas/`: inside the package in a wheel, beside the package in a checkout."""
    package = Path(__file__).parent
    packaged = package / "schemas"
    if packaged.is_dir():
        return packaged
    return package.parent / "schemas"
