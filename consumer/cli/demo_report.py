"""The demo's story, told to people or as one JSON line."""

from typing import Any

import click

from consumer.cli.demo_environment import TOPIC, Story
from consumer.jsonio import dumps, pretty


def tell(story: Story, as_json: bool) -> None:
    """Print it."""
    if as_json:
        click.echo(dumps(summary(story)))
    else:
        report(story)


def summary(story: Story) -> dict[str, Any]:
    it = story.ledger
    return {
        "produced": it.produced,
        "delivered": it.delivered,
        "skipped": sum(it.skipped.values()),
        "dead_lettered": sum(it.dead_lettered.values()),
        "left": story.left,
        "lost": story.lost,
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


def report(story: Story) -> None:
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
        *([("left", story.left, "to be read, as it did not come to its end")] if story.left else []),
        ("lost", story.lost, "no trace of them anywhere"),
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
