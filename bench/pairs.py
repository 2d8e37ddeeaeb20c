"""Rounds of the floor and the product in turns, for one shape of record."""

from collections.abc import Mapping
from typing import NamedTuple

from bench import rounds
from bench.broker import Broker
from bench.rounds import RoundResult
from bench.shapes import SHAPES, schemas_folder


class Pair(NamedTuple):
    """One round of each, one after the other."""

    floor: RoundResult
    product: RoundResult


def run(broker: Broker, shape: str, reference_records: int, times: int, settings: Mapping[str, str]) -> list[Pair]:
    """`times` pairs of rounds over a backlog, which has this many records if they have the reference shape."""
    topic, records = broker.topic(), SHAPES[shape].backlog(reference_records)
    broker.fill(topic, records, shape)
    with schemas_folder(shape) as folder:
        changed = {"SCHEMAS_DIR": str(folder), **settings}
        return [
            Pair(rounds.floor(broker, topic, records, shape), rounds.product(broker, topic, records, changed))
            for _ in range(times)
        ]
