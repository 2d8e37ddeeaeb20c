"""One reading of a topic by a replay: the loop of `run`, from the offsets of a group to where the topic ended."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from consumer import app, factories
from consumer.cli.output import progress_bar
from consumer.cli.replay_summary import ReplaySummary
from consumer.kafka.bounded_consumer import BoundedGroupConsumer
from consumer.kafka.client_config import consumer_config
from consumer.kafka.dead_letters import UnwrapRecord
from consumer.observability import log_setup
from consumer.pipeline import reject_policy
from consumer.pipeline.record_mapper import MapRecord, RecordMapper
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.pipeline.rejections import RejectionLimits
from consumer.settings import Settings

_PROGRESS_INTERVAL = 0.1  # seconds
_DEAD_LETTERS = RejectPolicy("dead-letter", "dead-letter")


@dataclass(frozen=True, slots=True)
class ReplayPass:
    """
    What a replay reads of one topic, as a group that remembers what is settled.

    `ends` has the offset before which reading stops, for each partition of the topic. `begins` has the offsets at which
    the group is put first; without them it continues where it is. `unwrap` gives the record that is written as a dead
    letter if it is rejected again. `total` is how many records have something to do. `policy` is for what is rejected.
    """

    topic: str
    group: str
    begins: Mapping[int, int]
    ends: Mapping[int, int]
    map_record: Callable[[RecordMapper], MapRecord]
    unwrap: UnwrapRecord
    total: int
    policy: RejectPolicy = _DEAD_LETTERS


class ReplayResult(NamedTuple):
    """How a replay ended. `blocked`: how many keys and partitions were blocked, by reason."""

    summary: ReplaySummary
    complete: bool
    blocked: Mapping[str, int]


def run_pass(settings: Settings, replay_pass: ReplayPass, requested: threading.Event) -> ReplayResult:
    """Send until all is settled, delivery is blocked, or a stop is `requested`. Raises ServiceError."""
    if replay_pass.begins:
        admin = factories.kafka_admin(settings)
        admin.commit_offsets(replay_pass.group, replay_pass.topic, replay_pass.begins)
    log_setup.configure("console", "warning")
    # The summary has the number of each reason, so that a log line for each rejected record is not needed.
    logging.getLogger(reject_policy.__name__).setLevel(logging.ERROR)
    return _RunningPass(settings, replay_pass, requested).run()


@dataclass(slots=True)
class _RunningPass:
    """The service of one pass, which runs in the main thread and is watched from another thread."""

    settings: Settings
    replay_pass: ReplayPass
    requested: threading.Event
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> ReplayResult:
        consumer = self._create_consumer()
        with app.build(self.settings, self._variant(consumer)) as service:
            watcher = threading.Thread(target=self._watch, args=(service, consumer))
            watcher.start()
            try:
                service.loop.run(self.stop)
            finally:
                self.ended.set()
                watcher.join()
        summary = ReplaySummary.of(service.reporter.counters)
        return ReplayResult(summary, consumer.done, service.reporter.latest().blocked)

    def _variant(self, consumer: BoundedGroupConsumer) -> app.Variant:
        return app.Variant(
            consumer=lambda: consumer,
            policy=self.replay_pass.policy,
            map_record=self.replay_pass.map_record,
            # An operator chose these records and saw how many of them would be rejected again.
            rejections=RejectionLimits(in_partition=self.settings.max_consecutive_dead_letters),
            unwrap=self.replay_pass.unwrap,
        )

    def _create_consumer(self) -> BoundedGroupConsumer:
        settings, replay_pass = self.settings, self.replay_pass
        options = factories.kafka_options(settings)
        config = consumer_config(settings.kafka_bootstrap_servers, replay_pass.group, options)
        return BoundedGroupConsumer(config, replay_pass.topic, replay_pass.ends)

    def _watch(self, service: app.Service, consumer: BoundedGroupConsumer) -> None:
        """Show the progress, and stop the service when all is settled, an operator has to act, or a stop is asked."""
        with progress_bar(self.replay_pass.total, "records") as progress:
            while not self.ended.wait(_PROGRESS_INTERVAL):
                latest = service.reporter.latest()
                progress.update(ReplaySummary.of(latest.counters).to_do - progress.n)
                if consumer.done or latest.blocked or self.requested.is_set():
                    self.stop.set()
