"""The reference page of the metrics, docs/metrics.md, from their declarations."""

from collections.abc import Mapping

from consumer.observability.prometheus import metrics_table
from consumer.reasons import SET_ASIDE, SKIPPED

_PAGE = """\
# Metrics

`make docs` writes this page from `consumer/observability/metrics.py`. All of a scrape is one snapshot of the loop, so
that

    consumed = delivered + skipped + dead-lettered + handed back + waiting + in flight

adds up in every scrape of every member: `sprig_to_segment_records_unaccounted` is 0. Counters begin at 0 with each
start. A value of a label appears when it first happens; `partition` has those that the member owns at the moment, so a
sum over all members counts each partition once.

| name | type | label | meaning |
| --- | --- | --- | --- |
{table}

`process_*` (CPU, memory, open files, start time) is there as well, as the Prometheus client makes it.

## Values of labels

| of | value | meaning |
| --- | --- | --- |
{labels}
`blocked` has the words that [runbook.md](runbook.md#sprigtosegmentblocked) explains.

## Reasons of `records_skipped_total`

Besides those that a contract names; `no_user_id` is the shipped one's: the answer of an anonymous visitor. With
`ON_REJECTED=skip` or `ON_UNKNOWN_RECORD=skip` those of the next table as well.

| reason | meaning |
| --- | --- |
{skipped}
## Reasons of `records_dead_lettered_total`

| reason | meaning |
| --- | --- |
{aside}| `http_400`, `http_413`, `http_422` | Segment refused this one event with that status |
| `stuck_<reason>` | it never went through for 15 minutes while others with its key did |
"""

VALUES: Mapping[str, Mapping[str, str]] = {
    "requests_total": {
        "accepted": "Segment took it all",
        "throttled": "Segment asked to wait; sent again",
        "retried": "no answer, or one that means trouble at Segment; sent again",
        "refused": "Segment will not take something in it; it is found and set aside",
        "misconfigured": "our configuration is wrong; kept, and probed",
    },
    "commits_total": {"ok": "offsets were committed", "failed": "refused; the same or later ones go next time"},
    "rebalances_total": {
        "assigned": "partitions came",
        "revoked": "partitions went, after a hand-over",
        "lost": "partitions went without one: their records are read again elsewhere",
    },
    "schema_lookups_total": {
        "found": "a schema came",
        "not_found": "unknown to the registry",
        "refused": "a schema that is of no use (not Avro, not safe)",
        "unreachable": "no answer; asked again",
    },
}


def page() -> str:
    """The whole page, in Markdown."""
    labels = "".join(_rows(values, f"| `{name}` ") for name, values in VALUES.items())
    return _PAGE.format(table=metrics_table(), labels=labels, skipped=_rows(SKIPPED), aside=_rows(SET_ASIDE))


def _rows(meanings: Mapping[str, str], before: str = "") -> str:
    return "".join(f"{before}| `{word}` | {meaning} |\n" for word, meaning in meanings.items())
