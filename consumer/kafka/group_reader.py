"""One read of a whole group: its members, its committed offsets and the ends of its topic, within a bounded time."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.errors import NotPermitted
from consumer.kafka.client_config import NEVER_CREATE, create_client, shared_config
from consumer.kafka.commit_metadata import CommitMetadata
from consumer.kafka.connection_reports import ConnectionReports
from consumer.kafka.group_view import NO_OFFSET, GroupMember, GroupPartition, GroupState, GroupView
from consumer.kafka.offset_questions import OffsetQuestions
from consumer.kafka.oldest_records import OldestRecords

METADATA_SECONDS = 5.0
ANSWER_SECONDS = 5.0
OLDEST_SECONDS = 3.0
_CONNECTION_OPTIONS = {
    "socket.connection.setup.timeout.ms": 4000,
    "api.version.request.timeout.ms": 4000,
    **NEVER_CREATE,
}
_STATES = {
    "STABLE": GroupState.STABLE,
    "PREPARING_REBALANCING": GroupState.REBALANCING,
    "COMPLETING_REBALANCING": GroupState.REBALANCING,
    "EMPTY": GroupState.EMPTY,
    "DEAD": GroupState.DEAD,
}


class GroupReader:
    """
    Asks for everything at each read, and keeps nothing but its connections. One thread uses it.

    A read takes at most METADATA_SECONDS + ANSWER_SECONDS + OLDEST_SECONDS, and some seconds more if a broker's
    certificate is refused. What cannot be read is unknown in the view, and the view says why.
    """

    def __init__(self, servers: str, group: str, options: Mapping[str, Any], topic: str) -> None:
        config = {**_CONNECTION_OPTIONS, **shared_config(options), "bootstrap.servers": servers}
        self._reports = ConnectionReports(config)
        self._admin = create_client(AdminClient, {**config, **self._reports.options})
        self._offsets = OffsetQuestions(self._admin, topic)
        self._oldest = OldestRecords(servers, group, options, topic)
        self._group, self._topic = group, topic
        self._problems: dict[str, None] = {}  # of the present read, in order

    def close(self) -> None:
        self._oldest.close()

    def read(self) -> GroupView:
        """The group now. It does not raise for what a broker does."""
        self._problems = {}
        view = GroupView(self._topic, self._group)
        try:
            partitions = self._partitions()
        except KafkaException as error:
            self._note(error.args[0])
        else:
            view = self._read(view, partitions)
        return replace(view, read_at=int(time.time() * 1000), problems=tuple(self._problems))

    def _read(self, view: GroupView, partitions: Sequence[int]) -> GroupView:
        questions = [TopicPartition(self._topic, partition) for partition in partitions]
        described = self._admin.describe_consumer_groups([self._group], request_timeout=ANSWER_SECONDS)
        committed: Mapping[str, Future[Any]] = {}
        if questions:
            committed = self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(self._group, questions)], request_timeout=ANSWER_SECONDS
            )
        wait([*described.values(), *committed.values(), *self._offsets.ask(partitions)], ANSWER_SECONDS)
        state, members = self._description(described[self._group])
        rows = {partition: GroupPartition(partition) for partition in partitions}
        for member in members:
            for partition in rows.keys() & set(member.partitions):
                rows[partition] = replace(rows[partition], owner=member)
        for answer in committed.values():
            self._apply_committed(answer, rows)
        self._apply_offsets(rows)
        self._apply_oldest(rows)
        return replace(view, state=state, members=members, partitions=tuple(rows.values()))

    def _partitions(self) -> Sequence[int]:
        """
        The partitions of the topic. It stops waiting once waiting is of no use. Raises KafkaException.

        No other topic is asked for, because a cluster can have thousands. The answer also names the leaders, which the
        questions about the logs need.
        """
        ends_at = time.monotonic() + METADATA_SECONDS
        while True:
            try:
                topic = self._admin.list_topics(self._topic, timeout=1.0).topics[self._topic]
                break
            except KafkaException:
                self._admin.poll(0.1)  # otherwise the client does not report the errors of its connections
                if self._reports.all_down or time.monotonic() > ends_at:
                    raise
        self._reports.forget()
        if topic.error is not None:  # the group can be described all the same
            self._note(topic.error)
            return ()
        return sorted(topic.partitions)

    def _description(self, answer: Future[Any]) -> tuple[GroupState, tuple[GroupMember, ...]]:
        try:
            description = answer.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return GroupState.DEAD, ()
            self._note(error.args[0])
            return GroupState.UNKNOWN, ()
        state = _STATES.get(description.state.name, GroupState.UNKNOWN)
        if state is GroupState.UNKNOWN and description.type.name == "CONSUMER":
            state = GroupState.REBALANCING  # the client has no names for the states of a rebalance of this protocol
        members = [self._member(member) for member in description.members]
        return state, tuple(sorted(members, key=lambda member: (member.client_id, member.host, member.member_id)))

    def _member(self, member: Any) -> GroupMember:
        owned = [owned.partition for owned in member.assignment.topic_partitions if owned.topic == self._topic]
        host = (member.host or "").removeprefix("/")  # a broker writes an address as Java does
        instance_id = member.group_instance_id or ""
        return GroupMember(member.member_id, member.client_id or "", host, instance_id, tuple(sorted(owned)))

    def _apply_committed(self, answer: Future[Any], rows: dict[int, GroupPartition]) -> None:
        offsets = self._answer(answer)
        for committed in offsets.topic_partitions if offsets is not None else ():
            if committed.error is not None:
                self._note(committed.error)
                continue
            metadata = CommitMetadata.parse(committed.metadata)
            rows[committed.partition] = replace(
                rows[committed.partition],
                committed=max(committed.offset, NO_OFFSET),
                moved_at=metadata.moved_at,
                block=metadata.block,
            )

    def _apply_oldest(self, rows: dict[int, GroupPartition]) -> None:
        waiting = {row.partition: max(row.committed or 0, row.begin or 0) for row in rows.values() if row.lag}
        if not waiting:
            return
        try:
            oldest = self._oldest.read(waiting, OLDEST_SECONDS)
        except NotPermitted:
            self._problems[f"not permitted: the principal needs READ for topic {self._topic}"] = None
            return
        if oldest.unanswered:
            unanswered = len(oldest.unanswered)
            self._problems[f"the oldest record did not arrive in {OLDEST_SECONDS:.0f} s ({unanswered} partitions)"] = (
                None
            )
        for partition, oldest_at in oldest.times.items():
            rows[partition] = replace(rows[partition], oldest_at=oldest_at)

    def _apply_offsets(self, rows: dict[int, GroupPartition]) -> None:
        answers = self._offsets.answers()
        for partition, row in rows.items():
            rows[partition] = replace(row, begin=answers.begins.get(partition), end=answers.ends.get(partition))
        for error in answers.errors:
            self._note(error.args[0])
        if answers.unanswered:
            leaders = f"the leaders of {len(answers.unanswered)} partitions"
            if len(answers.unanswered) == 1:
                leaders = "the leader of 1 partition"
            self._problems[f"{leaders} did not answer in {ANSWER_SECONDS:.0f} s"] = None

    def _answer(self, answer: Future[Any]) -> Any:
        """The result; None if there is none, which is noted with its reason."""
        try:
            return answer.result()
        except KafkaException as error:
            self._note(error.args[0])
            return None

    def _note(self, error: KafkaError) -> None:
        """Keep once what is wrong, or which right is missing."""
        rights = {
            KafkaError.TOPIC_AUTHORIZATION_FAILED: f"DESCRIBE for topic {self._topic}",
            KafkaError.GROUP_AUTHORIZATION_FAILED: f"DESCRIBE for group {self._group}",
        }
        if error.code() in rights:
            text = f"not permitted: the principal needs {rights[error.code()]}"
        elif error.code() == KafkaError._UNSUPPORTED_FEATURE:
            text = "this broker does not describe groups"
        else:
            text = self._reports.explain(error)
        self._problems[text] = None
