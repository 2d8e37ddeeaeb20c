"""The offsets of the dead-letter topic, which need not exist if the settings write no dead letters."""

from collections.abc import Mapping

from consumer.errors import NoSuchTopic
from consumer.kafka.topic_reader import OffsetRange, TopicReader
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.settings import Settings


def dead_letter_spans(settings: Settings, reader: TopicReader) -> Mapping[int, OffsetRange]:
    """
    The offsets of each partition of the dead-letter topic that `reader` reads.

    Empty if there is no topic and no setting asks for one: then there are no dead letters. Raises ServiceError.
    """
    try:
        return reader.spans()
    except NoSuchTopic:
        if RejectPolicy(settings.on_rejected, settings.on_unknown_record).writes_dead_letters:
            raise
        return {}
