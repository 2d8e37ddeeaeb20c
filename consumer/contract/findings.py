"""What is found about a contract and the schemas of its records, before there is a record."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Severity = Literal["problem", "warning", "note"]
SEVERITIES: Sequence[Severity] = ("problem", "warning", "note")
"""The worst first."""


class Finding(NamedTuple):
    """
    A fact about a property of the event, by its pointer, or about a field of the record, by its path.

    `problem`: no record with a value there becomes an event, or a conversion has no effect. `warning`: some values are
    rejected, are in no event, or are not converted. `note`: as the contract intends it. `detail` is for people.
    """

    severity: Severity
    place: str
    detail: str


def either(names: Iterable[str]) -> str:
    """`int or string`, each name once."""
    return " or ".join(dict.fromkeys(names))
