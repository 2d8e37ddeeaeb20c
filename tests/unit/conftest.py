"""Owns what applies to all unit tests: each event that they make is made by both codes of the compiler."""

from collections.abc import Iterator

import pytest

from tests.both_codes import both_codes


@pytest.fixture(autouse=True, scope="session")
def _both_codes() -> Iterator[None]:
    with both_codes():
        yield
