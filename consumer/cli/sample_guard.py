"""Whether a topic is one for tests: samples are not written among the responses of users."""

from collections.abc import Iterator, Mapping

from consumer.kafka.sample_producer import is_sample
from consumer.kafka.topic_reader import OffsetRange, TopicReader


def reasons_against(reader: TopicReader) -> Iterator[str]:
    """
    Why the topic may have records of users, for each partition that gives a reason.

    Looks at the oldest and the newest record of each partition. Both must be samples, or the partition must never have
    had a record. Records of users between samples are not found.
    """
    used = {partition: span for partition, span in reader.spans().items() if span.end > 0}
    records = [record for ranges in (_oldest(used), _newest(used)) for record in reader.read(ranges)]
    for partition in used:
        seen = [record for record in records if record.partition == partition]
        others = [record for record in seen if not is_sample(record)]
        if others:
            yield f"the record {others[0].address} is no sample"
        elif not seen:
            yield f"partition {partition} had records that cannot be seen any more"


def _oldest(spans: Mapping[int, OffsetRange]) -> Mapping[int, OffsetRange]:
    return {partition: OffsetRange(begin, min(begin + 1, end)) for partition, (begin, end) in spans.items()}


def _newest(spans: Mapping[int, OffsetRange]) -> Mapping[int, OffsetRange]:
    return {partition: OffsetRange(max(begin, end - 1), end) for partition, (begin, end) in spans.items()}
