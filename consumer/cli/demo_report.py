"""The demo's report, for people or as one JSON line."""

from collections.abc import Iterator
from typing import Any

import click

from consumer.cli.demo_environment import TOPIC, DemoEnd, DemoReport
from consumer.cli.output import print_indented, print_json, print_text

_END_TEXTS = {DemoEnd.INTERRUPTED: "Interrupted", DemoEnd.TOO_SLOW: "Not done in time, so stopped"}


def print_report(report: DemoReport, as_json: bool) -> None:
    if as_json:
        print_json(as_dict(report))
    else:
        _print_text(report)


def as_dict(report: DemoReport) -> dict[str, Any]:
    """The report for scripts."""
    ledger = report.ledger
    return {
        "produced": ledger.produced,
        "delivered": ledger.delivered,
        "skipped": sum(ledger.skipped.values()),
        "dead_lettered": sum(ledger.dead_lettered.values()),
        "left": report.unread,
        "lost": report.lost,
        "duplicates": len(ledger.duplicates),
        "out_of_order": len(ledger.out_of_order),
        "unexpected": list(ledger.unexpected),
        "skipped_by_reason": dict(ledger.skipped),
        "dead_lettered_by_reason": dict(ledger.dead_lettered),
        "dropped_by_segment": dict(report.dropped),
        "offsets_committed": report.offsets_committed,
        "requests": report.requests,
        "throttled": report.throttled,
        "seconds": round(report.seconds, 1),
    }


def _print_text(report: DemoReport) -> None:
    if report.sample:
        click.echo("A sample event, as Segment received it:")
        print_indented(report.sample)
        click.echo()
    for name, number, remark in _rows(report):
        print_text(f"{name:<14} {number:>6}  {remark}", hanging=23)
    if report.end is not DemoEnd.FINISHED:
        click.echo(f"\n{_END_TEXTS[report.end]} after {report.seconds:.1f} s. What was settled is committed.")
        return
    if report.offsets_committed:
        click.echo("\ncommitted offsets are the partitions' ends")
    else:
        click.echo("\ncommitted offsets are NOT the partitions' ends")
    for problem in [*report.ledger.unexpected, *(f"dropped by Segment: {reason}" for reason in report.dropped)]:
        print_text(f"unexpected: {problem}", hanging=2)
    verdict = "Done" if report.ok else "Something is wrong"
    click.echo(f"{verdict} after {report.seconds:.1f} s.")


def _rows(report: DemoReport) -> Iterator[tuple[str, int, str]]:
    ledger = report.ledger
    yield "produced", ledger.produced, f"to {TOPIC} on a broker inside this process"
    requests = f"in {report.requests} requests, {report.throttled} throttled"
    yield "delivered", ledger.delivered, f"to a stand-in for Segment, {requests}"
    for reason, number in sorted(ledger.skipped.items()):
        yield "skipped", number, reason
    for reason, number in sorted(ledger.dead_lettered.items()):
        yield "dead-lettered", number, reason
    if report.unread:
        yield "left", report.unread, "not read yet, because the demo was stopped before its end"
    yield "lost", report.lost, "no trace of them anywhere"
    yield "duplicates", len(ledger.duplicates), "arrived or dead-lettered twice"
    yield "out of order", len(ledger.out_of_order), "by partition and write key"
