"""What `check` says about the newest records of the topic; nothing is committed, and no group is joined."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

from consumer import factories
from consumer.avro.registry_options import STRATEGY, USE_ID
from consumer.cli.check_framings import framing_notes
from consumer.cli.check_result import CheckResult, State, note, ok, problem, warning
from consumer.cli.output import counted
from consumer.cli.topic_sample import SampleCheck, Tally, TopicSample
from consumer.errors import ServiceError, UnsafeSchema
from consumer.kafka.topic_reader import OffsetRange
from consumer.model import Record, fold_environment
from consumer.outside_text import outside_text
from consumer.pipeline.record_mapper import RecordMapper
from consumer.reasons import Reason, reject_meaning
from consumer.segment_limits import MAX_EVENT_BYTES
from consumer.settings import Settings

MAX_SECONDS = 20.0
"""After so long no further record is looked at. One wait for a broker or for the registry can come on top."""
SILENCE_SECONDS = 10.0
_MAX_SHOWN = 8

_ID_OPTIONS = (
    f"SCHEMA_REGISTRY_TYPE, and at {USE_ID} and {STRATEGY} in SCHEMA_REGISTRY_CONFIG: does an id mean there what it "
    "means for the producers?"
)
_SCHEMA_OF_OTHERS = f"look at AVRO_FRAMING, and at the schemas: are they those of the producers? Look at {_ID_OPTIONS}"
_LOOK_AT: Mapping[str, str] = {
    Reason.NOT_FRAMED: "look at AVRO_FRAMING",
    Reason.UNKNOWN_SCHEMA: "look at SCHEMA_REGISTRY_URL: is it the registry, and the schema context, of the producers? "
    f"Look at {_ID_OPTIONS}",
    Reason.UNDECODABLE: _SCHEMA_OF_OTHERS,
    Reason.TRAILING_BYTES: _SCHEMA_OF_OTHERS,
    Reason.UNKNOWN_RECORD: "look at x-record in the contracts, and at ON_UNKNOWN_RECORD",
}
"""What can cause a reason for every record."""


def check_sample(
    settings: Settings, count: int, kafka_results: Iterable[CheckResult], max_seconds: float = MAX_SECONDS
) -> SampleCheck:
    """Look at the newest `count` records until `max_seconds` are over, unless Kafka said that they cannot be read."""
    required = ("Kafka", f"topic {settings.kafka_topic}")
    if any(result.subject in required and result.state == "problem" for result in kafka_results):
        return SampleCheck([note("sample", "no record was looked at, because of the problem with Kafka")])
    try:
        sample = _take_sample(settings, count, max_seconds)
    except (ServiceError, UnsafeSchema) as error:
        return SampleCheck([problem("sample", str(error))])
    if not sample.records and not sample.ended_early:
        return SampleCheck([note("sample", _no_records(sample.offsets))], sample)
    return SampleCheck(list(_results(settings, sample)), sample)


def newest(spans: Mapping[int, OffsetRange], count: int) -> Mapping[int, OffsetRange]:
    """The newest `count` offsets of all spans together, as evenly from each as the spans allow."""
    ranges = {}
    smallest_first = sorted(spans, key=lambda partition: spans[partition].end - spans[partition].begin)
    for number, partition in enumerate(smallest_first):
        begin, end = spans[partition]
        share = min(end - begin, count // (len(spans) - number))
        ranges[partition] = OffsetRange(end - share, end)
        count -= share
    return ranges


def _take_sample(settings: Settings, count: int, max_seconds: float) -> TopicSample:
    """
    The time begins when the ends of the partitions are known.

    Raises ServiceError if no broker answers, and UnsafeSchema for a schema file that cannot be used.
    """
    with ExitStack() as closing:
        stages = factories.blocking_decode_stages(settings, closing)
        sample = TopicSample(settings.avro_framing, stages.frame)
        mapper = factories.record_mapper(settings, replace(stages, mapping=sample.observed(stages.mapping)))
        reader = factories.topic_reader(settings, settings.kafka_topic, closing)
        ranges = newest(reader.spans(), count)
        ends_at = time.monotonic() + max_seconds
        sample.offsets = sum(end - begin for begin, end in ranges.values())
        for record in reader.read(ranges, SILENCE_SECONDS):
            if time.monotonic() > ends_at:
                sample.ended_early = True
                break
            _add(sample, mapper, record)
    return sample


def _add(sample: TopicSample, mapper: RecordMapper, record: Record) -> None:
    try:
        mapped = mapper.map(record)
    except ServiceError as error:
        sample.add_waiting(record, str(error))
    else:
        sample.add(record, mapped, datetime.now(UTC))


def _results(settings: Settings, sample: TopicSample) -> Iterator[CheckResult]:
    yield _summary(sample)
    yield from (note(f"skipped: {reason}", _records(tally)) for reason, tally in sample.skipped.most_frequent())
    yield from _rejections(settings, sample)
    for cause, tally in sample.waiting.most_frequent()[:_MAX_SHOWN]:
        yield problem("waiting", f"{_records(tally)}: {cause}")
    if sample.framings:
        yield ok("framings", _framings(sample))
        yield from framing_notes(sample)
    yield from _environments(settings, sample.environments)
    for implausible, tally in sample.times.most_frequent()[:_MAX_SHOWN]:
        yield warning("time", f"{_records(tally)}: {implausible}")
    if sample.delivered:
        yield ok("largest event", f"{sample.largest_event_bytes:,} bytes of {MAX_EVENT_BYTES:,}")


def _no_records(offsets: int) -> str:
    if not offsets:
        return "the topic has no record"
    newest_offsets = f"the newest {counted(offsets, 'offset')} have no record, by compaction or transactions"
    return f"{newest_offsets}: a larger --sample looks at more"


def _summary(sample: TopicSample) -> CheckResult:
    numbers = f"{sample.delivered:,} would be delivered, {sample.skipped.total:,} skipped, "
    numbers += f"{sum(tallies.total for tallies in sample.rejected.values()):,} rejected"
    if sample.waiting:
        numbers += f", {sample.waiting.total:,} would wait for the registry"
    text = f"the newest {counted(sample.records, 'record')}: {numbers}"
    if sample.ended_early:
        text += "; no further record was looked at, because the time was over"
    if sample.records and not sample.delivered:
        return problem("sample", text)
    return CheckResult("warning" if sample.ended_early else "ok", "sample", text)


def _rejections(settings: Settings, sample: TopicSample) -> Iterator[CheckResult]:
    """A line for each reason, with its most frequent detail."""
    for reason, tallies in sorted(sample.rejected.items(), key=lambda item: -item[1].total):
        detail, tally = tallies.most_frequent()[0]
        texts = [reject_meaning(reason), detail]
        if tallies.total > sample.delivered and "looks like" not in detail:
            texts.append(_LOOK_AT.get(reason, ""))
        state: State = "warning"
        if reason == Reason.UNKNOWN_RECORD and settings.on_unknown_record == "skip":
            state = "note"
        records = _records(tally._replace(records=tallies.total))
        yield CheckResult(state, f"rejected: {reason}", f"{records}: {'; '.join(filter(None, texts))}")


def _framings(sample: TopicSample) -> str:
    text = _listed(sample.framings)
    if sample.schemas:
        text += f"; schemas: {_listed(sample.schemas)}"
    return text


def _environments(settings: Settings, seen: Counter[str]) -> Iterator[CheckResult]:
    """The names in the records, in the form in which they are compared, beside those of the write keys."""
    folded = Counter[str]()
    for name, records in seen.items():
        folded[fold_environment(name)] += records
    configured = {fold_environment(name) for name in settings.write_keys}
    if not folded or folded.keys() == configured == {""}:
        return
    text = f"in the records: {_listed(Counter({_shown(name): records for name, records in folded.items()}))}"
    if configured == {""}:
        yield CheckResult("note" if len(folded) > 1 else "ok", "environments", f"{text}; one write key is for all")
        return
    state: State = "warning" if folded.keys() - configured else "ok"
    yield CheckResult(state, "environments", f"{text}; in SEGMENT_WRITE_KEYS: {', '.join(settings.write_keys)}")


def _shown(environment: str) -> str:
    """A name of the sender, escaped and cut."""
    return f"'{outside_text(environment, 60)}'" if environment else "none"


def _records(tally: Tally) -> str:
    if tally.records == 1:
        return f"the record {tally.address}"
    return f"{counted(tally.records, 'record')}, such as {tally.address}"


def _listed(counts: Counter[str]) -> str:
    """`confluent (150), raw (3)`, the most frequent first."""
    texts = [f"{name} ({records:,})" for name, records in counts.most_common(_MAX_SHOWN)]
    if len(counts) > _MAX_SHOWN:
        texts.append(f"and {len(counts) - _MAX_SHOWN:,} more")
    return ", ".join(texts)
