"""One read of the group: what the brokers answer is shown, what they refuse is named, and each read has a bound."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, Consumer, ConsumerGroupType, KafkaError, KafkaException, TopicPartition
from confluent_kafka import ConsumerGroupState as ClientState

from consumer.errors import NotPermitted
from consumer.kafka import group_reader
from consumer.kafka.group_findings import GroupRule, group_findings
from consumer.kafka.group_reader import GroupReader
from consumer.kafka.group_view import GroupMember, GroupState, GroupView
from consumer.kafka.mock_broker import MockBroker
from consumer.kafka.oldest_records import OldestTimes
from tests.failing_broker import failing_broker


def answered(answer: Any) -> Future[Any]:
    future: Future[Any] = Future()
    if isinstance(answer, KafkaError):
        future.set_exception(KafkaException(answer))
    else:
        future.set_result(answer)
    return future


class FakeAdmin:
    """
    A cluster with the topic `topic` of two partitions, and what the client answers about the group.

    An answer that is an error is raised.
    """

    def __init__(self) -> None:
        self.description: Any = KafkaError(KafkaError.GROUP_ID_NOT_FOUND)
        self.offsets: Any = SimpleNamespace(topic_partitions=[])
        self.listed: Any = SimpleNamespace(offset=10)
        self.partitions: Mapping[str, int] = {"topic": 2}
        self.refusal: KafkaError | None = None

    def list_topics(self, topic: str, timeout: float) -> Any:
        partitions = range(self.partitions.get(topic, 0))
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=partitions, error=self.refusal)})

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> Any:
        return {group: answered(self.description) for group in groups}

    def list_consumer_group_offsets(self, questions: Any, request_timeout: float) -> Any:
        return {"group": answered(self.offsets)}

    def list_offsets(self, questions: Any, request_timeout: float) -> Any:
        return {question: answered(self.listed) for question in questions}


class FakeOldest:
    """Every partition that is asked for has a record of the time 7, unless reading is not permitted."""

    def __init__(self, *_: object) -> None:
        self.is_permitted = True
        self.unanswered = frozenset[int]()

    def read(self, offsets: Mapping[int, int], seconds: float) -> OldestTimes:
        if not self.is_permitted:
            raise NotPermitted("refused")
        return OldestTimes(dict.fromkeys(offsets.keys() - self.unanswered, 7), self.unanswered)

    def close(self) -> None:
        pass


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> FakeAdmin:
    admin = FakeAdmin()
    monkeypatch.setattr(group_reader, "create_client", lambda client_class, config: admin)
    monkeypatch.setattr(group_reader, "OldestRecords", FakeOldest)
    return admin


@pytest.fixture
def reader(admin: FakeAdmin) -> Iterator[GroupReader]:
    with closing(GroupReader("broker:9092", "group", {}, "topic")) as group_reader:
        yield group_reader


def described(state: ClientState, *members: Any, protocol: ConsumerGroupType = ConsumerGroupType.CLASSIC) -> Any:
    return SimpleNamespace(state=state, type=protocol, members=members)


def member(member_id: str, host: str, *owned: TopicPartition, instance_id: str | None = None) -> Any:
    assignment = SimpleNamespace(topic_partitions=owned)
    return SimpleNamespace(
        member_id=member_id, client_id="client", host=host, group_instance_id=instance_id, assignment=assignment
    )


def test_each_partition_has_its_owner_and_each_member_its_partitions(reader: GroupReader, admin: FakeAdmin) -> None:
    members = [
        member("b", "/10.0.0.2", TopicPartition("topic", 1), TopicPartition("another", 0), instance_id="pod-1"),
        member("a", "/10.0.0.1"),
    ]
    admin.description = described(ClientState.STABLE, *members)
    view = reader.read()
    assert view.members == (
        GroupMember("a", "client", "10.0.0.1"),
        GroupMember("b", "client", "10.0.0.2", "pod-1", (1,)),
    )
    assert [row.owner for row in view.partitions] == [None, view.members[1]]
    assert [view.is_ownerless(row) for row in view.partitions] == [True, False]


@pytest.mark.parametrize(
    ("state", "protocol", "expected"),
    [
        (ClientState.STABLE, ConsumerGroupType.CLASSIC, GroupState.STABLE),
        (ClientState.EMPTY, ConsumerGroupType.CONSUMER, GroupState.EMPTY),
        (ClientState.DEAD, ConsumerGroupType.UNKNOWN, GroupState.DEAD),
        (ClientState.PREPARING_REBALANCING, ConsumerGroupType.CLASSIC, GroupState.REBALANCING),
        (ClientState.COMPLETING_REBALANCING, ConsumerGroupType.CLASSIC, GroupState.REBALANCING),
        (ClientState.UNKNOWN, ConsumerGroupType.CONSUMER, GroupState.REBALANCING),
        (ClientState.UNKNOWN, ConsumerGroupType.CLASSIC, GroupState.UNKNOWN),
    ],
)
def test_each_state_of_both_protocols_is_known(
    reader: GroupReader, admin: FakeAdmin, state: ClientState, protocol: ConsumerGroupType, expected: GroupState
) -> None:
    admin.description = described(state, protocol=protocol)
    assert reader.read().state is expected


def test_a_group_that_kafka_does_not_know_is_dead_and_no_problem(reader: GroupReader) -> None:
    view = reader.read()
    assert (view.state, view.problems) == (GroupState.DEAD, ())


GROUP_DENIED = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
TOPIC_DENIED = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)


def test_a_missing_right_to_the_group_is_named_once_and_leaves_the_ends(reader: GroupReader, admin: FakeAdmin) -> None:
    admin.description = admin.offsets = GROUP_DENIED
    view = reader.read()
    assert view.problems == ("not permitted: the principal needs DESCRIBE for group group",)
    assert view.state is GroupState.UNKNOWN
    assert [(row.end, row.committed, row.lag) for row in view.partitions] == [(10, None, None)] * 2


def test_a_missing_right_to_the_topic_is_named_once(reader: GroupReader, admin: FakeAdmin) -> None:
    admin.listed = TOPIC_DENIED
    committed = SimpleNamespace(partition=0, offset=-1001, metadata=None, error=TOPIC_DENIED)
    admin.offsets = SimpleNamespace(topic_partitions=[committed])
    view = reader.read()
    assert view.problems == ("not permitted: the principal needs DESCRIBE for topic topic",)
    assert [(row.end, row.committed) for row in view.partitions] == [(None, None)] * 2


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), "there is no such topic"),
        (TOPIC_DENIED, "not permitted: the principal needs DESCRIBE for topic topic"),
    ],
)
def test_a_topic_that_is_missing_and_one_that_is_hidden_are_told_apart(
    reader: GroupReader, admin: FakeAdmin, answer: KafkaError, problem: str
) -> None:
    admin.partitions, admin.refusal = {"another": 1}, answer
    view = reader.read()
    assert (view.problems, view.partitions) == ((problem,), ())
    assert view.state is GroupState.DEAD, "the group is described all the same"


def committed(partition: int, offset: int, metadata: str | None) -> Any:
    return SimpleNamespace(partition=partition, offset=offset, metadata=metadata, error=None)


NO_OFFSET_IN_TIME = SimpleNamespace(offset=OFFSET_INVALID)  # the client calls that a success


def test_an_answer_that_did_not_come_in_time_is_no_offset(reader: GroupReader, admin: FakeAdmin) -> None:
    admin.listed = NO_OFFSET_IN_TIME
    admin.offsets = SimpleNamespace(topic_partitions=[committed(0, 10, ""), committed(1, 10, "")])
    view = reader.read()
    assert [(row.begin, row.end, row.lag) for row in view.partitions] == [(None, None, None)] * 2
    assert view.problems == ("the leaders of 2 partitions did not answer in 5 s",)
    assert group_findings(view)[0].rule is GroupRule.UNKNOWN


def test_an_open_question_is_not_asked_again_until_it_is_answered(
    reader: GroupReader, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_reader, "ANSWER_SECONDS", 0.01)
    asked: list[TopicPartition] = []
    open_answers: list[Future[Any]] = []

    def ask(questions: Mapping[TopicPartition, Any], request_timeout: float) -> Mapping[TopicPartition, Future[Any]]:
        assert request_timeout > 30, "a question that times out while it is sent can end the process"
        answers = {question: Future[Any]() for question in questions}
        asked.extend(questions)
        open_answers.extend(answers.values())
        return answers

    monkeypatch.setattr(admin, "list_offsets", ask)
    for _ in range(3):
        (problem,) = reader.read().problems
        assert problem.startswith("the leaders of 2 partitions did not answer")
    assert len(asked) == 4  # the first offset and the end of two partitions
    for answer in open_answers:
        answer.set_result(SimpleNamespace(offset=7))
    reader.read()
    assert len(asked) == 8, "what was answered between two reads is asked anew"


def test_a_reader_can_be_closed_while_a_leader_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is destroyed with its questions open."""
    monkeypatch.setattr(group_reader, "ANSWER_SECONDS", 0.2)
    with failing_broker() as broker:
        broker.create_topic("topic", 2)
        with closing(GroupReader(broker.address, "group", {}, "topic")) as reader:
            assert [row.end for row in reader.read().partitions] == [0, 0]
            broker.delay(seconds=0.5)
            view = reader.read()
            assert [(row.begin, row.end) for row in view.partitions] == [(None, None)] * 2
            assert any("did not answer" in problem for problem in view.problems)


def test_the_oldest_record_is_read_where_records_wait(reader: GroupReader, admin: FakeAdmin) -> None:
    admin.listed = SimpleNamespace(offset=10)  # both the first offset and the end
    admin.offsets = SimpleNamespace(topic_partitions=[committed(0, 10, "committed-at:5"), committed(1, -1001, None)])
    assert [row.oldest_at for row in reader.read().partitions] == [None, None]


@pytest.mark.parametrize(
    ("is_permitted", "unanswered", "problem"),
    [
        (False, (), "not permitted: the principal needs READ for topic topic"),
        (True, (1,), "the oldest record did not arrive in 3 s (1 partitions)"),
    ],
)
def test_an_oldest_record_that_cannot_be_read_is_a_problem(
    reader: GroupReader,
    admin: FakeAdmin,
    monkeypatch: pytest.MonkeyPatch,
    is_permitted: bool,
    unanswered: tuple[int, ...],
    problem: str,
) -> None:
    offsets = iter([0, 0, 10, 10])  # the first offsets, and then the ends
    monkeypatch.setattr(
        admin,
        "list_offsets",
        lambda questions, request_timeout: {
            question: answered(SimpleNamespace(offset=next(offsets))) for question in questions
        },
    )
    admin.offsets = SimpleNamespace(topic_partitions=[committed(0, 4, ""), committed(1, 4, "")])
    oldest: Any = reader._oldest
    oldest.is_permitted, oldest.unanswered = is_permitted, frozenset(unanswered)
    view = reader.read()
    assert view.problems == (problem,)
    assert [row.lag for row in view.partitions] == [6, 6]
    assert [row.oldest_at for row in view.partitions] == [7 if is_permitted else None, None]


@pytest.fixture(scope="module")
def broker() -> MockBroker:
    return MockBroker()


def read(address: str, topic: str) -> GroupView:
    with closing(GroupReader(address, "group", {}, topic)) as reader:
        return reader.read()


def test_what_the_broker_has_is_read_with_its_times(broker: MockBroker) -> None:
    before = int(time.time() * 1000)
    broker.create_topic("read")
    for partition in (0, 1, 2):
        for _ in range(5):
            broker.produce("read", partition, None, b"value")
    broker.flush()
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "group"})
    with closing(consumer):
        offsets = [
            TopicPartition("read", 0, 1, "topic-id:x blocked:http_401 committed-at:5"),
            TopicPartition("read", 1, 5, "of another client"),
        ]
        consumer.commit(offsets=offsets, asynchronous=False)
    view = read(broker.address, "read")
    assert view.problems == ("this broker does not describe groups",)
    assert view.state is GroupState.UNKNOWN
    assert [row.committed for row in view.partitions] == [1, 5, -1, -1]
    assert [row.lag for row in view.partitions] == [4, 0, 5, 0]
    assert [row.moved_at for row in view.partitions] == [5, None, None, None]
    assert [row.block for row in view.partitions] == ["http_401", None, None, None]
    assert [bool(row.oldest_at and row.oldest_at >= before) for row in view.partitions] == [True, False, True, False]
    assert before <= view.read_at


def test_a_topic_that_does_not_exist_is_not_created(broker: MockBroker) -> None:
    for _ in range(2):  # the mock creates a topic for a question that does not forbid it
        view = read(broker.address, "missing")
        assert (view.partitions, view.problems[0]) == ((), "there is no such topic")


def test_without_a_broker_the_read_ends_and_says_so() -> None:
    view = read("127.0.0.1:1", "topic")
    (problem,) = view.problems
    assert "check KAFKA_BOOTSTRAP_SERVERS" in problem
    assert (view.state, view.partitions, view.lag) == (GroupState.UNKNOWN, (), None)
