"""`check`: which settings read the framings of the newest records, as the table "What to set" of docs/avro.md says."""

from collections.abc import Iterator

from consumer.avro.registry_types import FRAMINGS, what_to_set
from consumer.avro.value_formats import CONFLUENT
from consumer.cli.check_result import CheckResult, note
from consumer.cli.topic_sample import TopicSample


def framing_notes(sample: TopicSample) -> Iterator[CheckResult]:
    """A note for each framing of the values that the service can read, the most frequent first."""
    for framing, _ in sample.framings.most_common():
        if framing in FRAMINGS:
            text = f"values in the framing {framing} are read with {what_to_set(framing)}"
            if framing == CONFLUENT.framing and not sample.delivered:
                text += f"; if their ids are Apicurio's, with {what_to_set('apicurio')}"
            yield note("what to set", text)
