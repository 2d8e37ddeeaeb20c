"""The reference page of the metrics, docs/metrics.md, from their declarations."""

from collections.abc import Mapping

from consumer.observability.prometheus import metrics_table
from consumer.reasons import REJECTED, SETTINGS, SKIPPED

_PAGE = """\
# Metrics

`make docs` writes this page from `consumer/observability/metrics.py`. All numbers of a scrape come from one snapshot of
the loop. Therefore

    consumed = delivered + skipped + dead-lettered + released + waiting + in flight

holds in every scrape of every member: `sprig_to_segment_records_unaccounted` is 0. Counters begin at 0 with each start.
A label value appears when it first occurs. `partition` has the partitions that the member owns at the moment, so a sum
over all members counts each partition once.

| name | type | label | meaning |
| --- | --- | --- | --- |
{table}

The Prometheus client adds `process_*` (CPU, memory, open files, start time).

## Label values

| metric | value | meaning |
| --- | --- | --- |
{labels}
[runbook.md](runbook.md#sprigtosegmentblocked) explains the reasons of `blocked`.

## Reasons of `records_skipped_total`

Contracts name further reasons. The packaged contract has one: `no_user_id`, the response of an anonymous visitor. With
`ON_REJECTED=skip` or `ON_UNKNOWN_RECORD=skip` the reasons of the next table occur as well.

| reason | meaning |
| --- | --- |
{skipped}
## Reasons of `records_dead_lettered_total`

If many records are rejected for a reason, check its settings, the first one first.

| reason | meaning | settings |
| --- | --- | --- |
{rejected}| `http_400`, `http_413`, `http_422` | Segment refused this single event with that status | |
| `denied_<reason>` | a firewall denies this event, while others with its write key are accepted | |
| `stuck_<reason>` | the event failed for 15 minutes, while other events with its write key succeeded | |
"""

VALUES: Mapping[str, Mapping[str, str]] = {
    "requests_total": {
        "accepted": "Segment accepted the whole batch",
        "throttled": "Segment asked to wait; the batch is sent again",
        "retried": "no response, or one that means a problem at Segment; the batch is sent again",
        "refused": "Segment does not accept an event of the batch; the service finds the event and rejects its record",
        "misconfigured": "denied: a setting is wrong, or a firewall denies an event; the service finds out which",
    },
    "commits_total": {
        "ok": "offsets were committed",
        "failed": "the commit was refused; the next commit has the same offsets or later ones",
    },
    "rebalances_total": {
        "assigned": "the member got partitions",
        "revoked": "the member gave partitions up after a drain",
        "lost": "the member lost partitions without a drain: other members read their unsettled records again",
    },
    "schema_lookups_total": {
        "found": "the registry has the schema",
        "not_found": "the registry does not know the schema",
        "refused": "the service cannot use the schema (not Avro, not safe, or a defect of the service)",
        "unreachable": "the registry gave no usable response, or lacks a referenced schema; the service asks again",
    },
    "changed_values_total": {
        "null": "`x-on-invalid`: null is in place of a value",
        "omit": "`x-on-invalid`: a value was left out",
        "string": "`x-on-invalid`: text is in place of a value",
        "key_repeated": "an object in a JSON text has a key twice, and the last value counts; one for each text",
        "text_repaired": "U+FFFD is in place of what is not UTF-8; one for each event",
    },
}


def page() -> str:
    """The whole page, in Markdown."""
    labels = "".join(_rows(values, f"| `{name}` ") for name, values in VALUES.items())
    skipped = _rows({reason: reason.meaning for reason in SKIPPED})
    return _PAGE.format(table=metrics_table(), labels=labels, skipped=skipped, rejected=_rejected_rows())


def _rejected_rows() -> str:
    settings = {reason: ", ".join(f"`{name}`" for name in SETTINGS[reason]) for reason in REJECTED}
    return "".join(f"| `{reason}` | {reason.meaning} | {settings[reason]} |\n" for reason in REJECTED)


def _rows(meanings: Mapping[str, str], first_cell: str = "") -> str:
    return "".join(f"{first_cell}| `{word}` | {meaning} |\n" for word, meaning in meanings.items())
