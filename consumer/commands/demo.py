"""`demo`: the very way of `run` on one machine, with an account of every record at the end."""

import threading
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

import consumer.settings
from consumer import paths
from consumer.commands.run import Service, service, stopped_by_signals
from consumer.demo import faults, ledger
from consumer.demo.fates import Fate
from consumer.demo.ledger import Address, Arrival, DeadLetter, Ledger
from consumer.demo.samples import REFUSED_EMAIL, responses
from consumer.demo.segment import Segment
from consumer.json import dumps, pretty
from consumer.kafka.embedded import EmbeddedBroker, committed, records
from consumer.operate import logs
from consumer.reading import avro, files

TOPIC = "sprig.responses"
DEAD_LETTERS = f"{TOPIC}.dead-letter"
KEYS = {"production": "demo-production-key", "development": "demo-development-key"}
THROTTLED = range(3, 6)  # the requests that the stand-in asks to wait
GIVE_UP_AFTER = 90.0  # seconds


@dataclass(frozen=True, slots=True)
class Story:
    """What happened. `offsets_committed`: the group's committed offsets are the partitions' ends."""

    ledger: Ledger
    seconds: float
    requests: int
    throttled: int
    dropped: Mapping[str, int]
    offsets_committed: bool
    sample: Mapping[str, Any]
    interrupted: bool

    @property
    def good(self) -> bool:
        return self.ledger.even and self.offsets_committed and not self.dropped


def main(count: int, seed: int, as_json: bool) -> int:
    """Run it, print what happened, and give the exit code."""
    logs.configure("console", "error")
    story = tell(count, seed)
    if as_json:
        click.echo(dumps(_summary(story)))
    else:
        _report(story)
    return 0 if story.good else 1


def tell(count: int, seed: int) -> Story:
    """Produce `count` responses, run the service until it is done with them, and settle the account."""
    stop, began = threading.Event(), time.monotonic()
    broker = EmbeddedBroker()
    broker.create_topic(DEAD_LETTERS)
    produced = _produce(broker, count, seed)
    with Segment(KEYS.values()) as segment:
        segment.script = faults.first(_throttling_spell, faults.refuse(_is_refused))
        settings = consumer.settings.load(environ=_environment(broker.address, segment.url))
        with stopped_by_signals(stop, settings.shutdown_timeout_seconds), service(settings) as it:
            done = threading.Event()
            threading.Thread(target=_stop_when_done, args=(it, count, stop, done), daemon=True).start()
            it.run(stop)
    skipped = it.status.counts.skipped
    letters = _dead_letters(broker.address)
    environments = {key: environment for environment, key in KEYS.items()}
    arrivals = [Arrival(environments[a.key], str(a.event["messageId"])) for a in segment.accepted]
    ends = Counter(address.partition for address in produced)
    return Story(
        ledger.settle(produced, arrivals, letters, skipped),
        time.monotonic() - began,
        segment.requests,
        it.status.counts.requests["retried"],
        Counter(reason for reason, _ in [*segment.dropped, *segment.breaches]),
        committed(broker.address, settings.kafka_group_id, TOPIC, len(ends)) == dict(ends),
        next((a.event for a in segment.accepted if a.event["properties"]["questionType"] == "matrix"), {}),
        interrupted=not done.is_set(),
    )


def _environment(kafka: str, segment: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "KAFKA_TOPIC": TOPIC,
        "KAFKA_CONFIG": '{"group.protocol": "consumer"}',
        "SEGMENT_ENDPOINT": segment,
        "SEGMENT_WRITE_KEYS": dumps(KEYS).decode(),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": "0",
        "BATCH_LINGER_SECONDS": "0.2",
    }


def _produce(broker: EmbeddedBroker, count: int, seed: int) -> dict[Address, Fate]:
    """Each record's address, which is its identity, and what must become of it."""
    schema = files.raw_schema(paths.schemas())
    partitions = broker.create_topic(TOPIC)
    ends: Counter[int] = Counter()
    produced: dict[Address, Fate] = {}
    for sample in responses(count, seed):
        partition = zlib.crc32(sample.key) % partitions  # a visitor's answers keep their order
        broker.produce(TOPIC, partition, sample.key, sample.payload(lambda record: avro.encode(schema, record)))
        produced[Address(partition, ends[partition])] = sample.fate
        ends[partition] += 1
    broker.flush()
    return produced


def _throttling_spell(received: faults.Received) -> faults.Answer | None:
    return faults.problem(429, "slow down", {"Retry-After": "1"}) if received.number in THROTTLED else None


def _is_refused(event: Any) -> bool:
    return bool(event["properties"].get("email") == REFUSED_EMAIL)


def _stop_when_done(it: Service, count: int, stop: threading.Event, done: threading.Event) -> None:
    gives_up_at = time.monotonic() + GIVE_UP_AFTER
    while not stop.wait(0.05) and time.monotonic() < gives_up_at:
        counts = it.status.latest().counts
        if counts.finished - counts.handed_back >= count:
            done.set()
            break
    stop.set()


def _dead_letters(address: str) -> list[DeadLetter]:
    letters = []
    for record in records(address, DEAD_LETTERS):
        headers = {name: value.decode() for name, value in record.headers() if name.startswith("dead-letter-")}
        place = Address(int(headers["dead-letter-partition"]), int(headers["dead-letter-offset"]))
        letters.append(DeadLetter(place, headers["dead-letter-reason"]))
    return letters


def _summary(story: Story) -> dict[str, Any]:
    it = story.ledger
    return {
        "produced": it.produced,
        "delivered": it.delivered,
        "skipped": sum(it.skipped.values()),
        "dead_lettered": sum(it.dead_lettered.values()),
        "lost": len(it.lost),
        "duplicates": len(it.duplicates),
        "out_of_order": len(it.out_of_order),
        "unexpected": list(it.unexpected),
        "skipped_by_reason": dict(it.skipped),
        "dead_lettered_by_reason": dict(it.dead_lettered),
        "dropped_by_segment": dict(story.dropped),
        "offsets_committed": story.offsets_committed,
        "requests": story.requests,
        "throttled": story.throttled,
        "seconds": round(story.seconds, 1),
    }


def _report(story: Story) -> None:
    it = story.ledger
    lines = [
        ("produced", it.produced, f"to {TOPIC} on a broker inside this process"),
        (
            "delivered",
            it.delivered,
            f"to a stand-in of Segment, in {story.requests} requests, {story.throttled} throttled",
        ),
        *(("skipped", number, reason) for reason, number in sorted(it.skipped.items())),
        *(("dead-lettered", number, reason) for reason, number in sorted(it.dead_lettered.items())),
        ("lost", len(it.lost), "no trace of them anywhere"),
        ("duplicates", len(it.duplicates), "arrived or set aside twice"),
        ("out of order", len(it.out_of_order), "by partition and write key"),
    ]
    click.echo("A sample call, as it reached Segment:\n" + pretty(story.sample) + "\n")
    for name, number, remark in lines:
        click.echo(f"{name:<14} {number:>6}  {remark}")
    if story.interrupted:
        click.echo(f"\nInterrupted after {story.seconds:.1f} s: what was settled is committed.")
        return
    click.echo(f"\ncommitted offsets {'are' if story.offsets_committed else 'are NOT'} the partitions' ends")
    for surprise in [*it.unexpected, *(f"dropped by Segment: {reason}" for reason in story.dropped)]:
        click.echo(f"unexpected: {surprise}")
    click.echo(f"{'Done' if story.good else 'Something is wrong'} after {story.seconds:.1f} s.")
