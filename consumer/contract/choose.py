"""Which contract is for which record."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

from consumer.avro.schema import AvroType
from consumer.contract.rules import Contract
from consumer.errors import UnprocessableRecord


def choose(contracts: Sequence[Contract], root: AvroType) -> Contract:
    """
    The contract with the most specific pattern for what the writer's schema says the value is.

    Raises UnprocessableRecord `unknown_record` when there is none, or when the value is no record.
    """
    if root.kind != "record":
        raise UnprocessableRecord("unknown_record", f"expected a record, not a value of type {root.kind}")
    fitting = [contract for contract in contracts if overlap(contract.record, root.name)]
    if not fitting:
        raise UnprocessableRecord("unknown_record", f"no contract is for {root.name}")
    return max(fitting, key=lambda contract: specificity(contract.record))


def specificity(pattern: str) -> tuple[bool, int]:
    """A name without `*` is more specific than any pattern; of patterns, the one that spells out more."""
    return "*" not in pattern, len(pattern.replace("*", ""))


def rivals(contracts: Sequence[Contract]) -> Iterator[tuple[Contract, Contract]]:
    """Pairs of contracts that are equally specific for some record."""
    for one, other in combinations(contracts, 2):
        if specificity(one.record) == specificity(other.record) and overlap(one.record, other.record):
            yield one, other


@cache
def overlap(one: str, other: str) -> bool:
    """Whether some name fits both patterns, in which `*` is any text. A name itself is such a pattern."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(other, one)
    return one[0] == other[0] and overlap(one[1:], other[1:])
