"""What is done with each record: it is mapped, and the reject policy is applied if there is no event."""

from consumer.model import Blocked, DeadLetter, Record, Rejected, Skipped, TrackEvent
from consumer.pipeline.record_mapper import MapRecord
from consumer.pipeline.reject_policy import Discarded, ProcessedRecord, RejectPolicy
from consumer.reasons import reject_meaning


class RecordProcessor:
    """Processes records one by one, and remembers nothing of them."""

    def __init__(self, map_record: MapRecord, policy: RejectPolicy) -> None:
        self._map_record, self._policy = map_record, policy

    def process(self, record: Record) -> ProcessedRecord:
        """What becomes of a record that was read."""
        mapped = self._map_record(record)
        if isinstance(mapped, Rejected):
            return self._policy.apply(DeadLetter(record, mapped))
        return mapped

    def reject_event(self, event: TrackEvent, reason: str, attempts: int) -> DeadLetter | Discarded | Skipped | Blocked:
        """What becomes of the record of an event that Segment will not accept."""
        rejected = Rejected(reason, "delivery", reject_meaning(reason), event.schema)
        return self._policy.apply(DeadLetter(event.record, rejected, attempts, event.body))
