"""Where the packaged files are, in a checkout and in an installed wheel."""

from pathlib import Path


def schemas() -> Path:
    """The shipped `schemas/`: inside the package in a wheel, beside the package in a checkout."""
    return _packaged("schemas")


def docs() -> Path:
    """The shipped `docs/`, in the same places."""
    return _packaged("docs")


def _packaged(name: str) -> Path:
    package = Path(__file__).parent
    packaged = package / name
    if packaged.is_dir():
        return packaged
    return package.parent / name
