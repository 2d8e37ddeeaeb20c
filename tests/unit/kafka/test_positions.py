"""Positions against brokers that are away, or answer nothing: a lost offset is never forgotten and never guessed."""

from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition, Uuid

from consumer.kafka.start_offsets import TOPIC_ID, Positions, Reset
from consumer.kafka.topic_id import NO_ID, Identity, known


class Named:
    """A topic's identity that is known at once."""

    current = soon = ""

    def look(self) -> None:
        pass

    def known_within(self, seconds: float) -> str:
        return self.soon

    def renew(self) -> None:
        self.current = ""


class Client:
    """A consumer of partitions 0 to 2 with committed offset 5, of which the broker has 10 to 20."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.marks: tuple[int, int] | None = (10, 20)
        self.offset, self.metadata = 5, ""
        self.assigned: dict[int, int] = {}

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("t", number) for number in range(3)]

    def committed(self, parts: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        self.asked += 1
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return [TopicPartition("t", part.partition, self.offset, self.metadata) for part in parts]

    def get_watermark_offsets(self, part: TopicPartition, timeout: float) -> tuple[int, int] | None:
        return self.marks

    def incremental_unassign(self, parts: list[TopicPartition]) -> None:
        pass

    def incremental_assign(self, parts: list[TopicPartition]) -> None:
        self.assigned |= {part.partition: part.offset for part in parts}


def positions(client: Client, lost: int, from_beginning: bool = True) -> Positions:
    made = Positions(cast(Any, client), cast(Identity, Named()), "t", from_beginning)
    for number in range(lost):
        made.lose(number)
    return made


def test_a_broker_that_is_away_is_asked_once_a_read_and_answers_later() -> None:
    client = Client()
    lost = positions(client, 3)
    client.away = True
    assert lost.resets() == []
    assert client.asked == 1
    client.away = False
    assert lost.resets() == [Reset(number, 5, 10, 20, goes_on=True) for number in range(3)]
    assert client.assigned == dict.fromkeys(range(3), 10)
    assert lost.resets() == []


def test_with_the_policy_error_nothing_is_moved_and_what_is_left_is_told() -> None:
    client = Client()
    client.offset = OFFSET_INVALID
    ours = positions(client, 1, from_beginning=False)
    assert {part.offset for part in ours.starts(client.assignment())} == {OFFSET_INVALID}
    assert ours.resets() == [Reset(0, -1, 10, 20, goes_on=False)]
    assert not client.assigned
    assert {part.offset for part in positions(client, 0).starts(client.assignment())} == {OFFSET_BEGINNING}


def test_without_an_answer_about_what_is_left_nothing_is_guessed() -> None:
    client = Client()
    lost = positions(client, 1)
    client.marks = None
    assert lost.resets() == []
    assert not client.assigned
    client.marks = (10, 20)
    assert len(lost.resets()) == 1


def test_what_is_no_longer_ours_is_not_assigned() -> None:
    client = Client()
    lost = positions(client, 0)
    lost.lose(7)
    assert lost.resets() == []
    assert not client.asked


def test_an_offset_says_of_which_topic_it_is_and_means_nothing_in_another() -> None:
    client, topic = Client(), Named()
    ours = Positions(cast(Any, client), cast(Identity, topic), "t", from_beginning=True)
    ours.starts(client.assignment())
    assert not ours.remade()  # the topic's id is not known yet
    topic.current = "first"
    assert not ours.remade()  # nor was it when these offsets were committed
    assert ours.offset(0, 6).metadata == f"{TOPIC_ID}first"
    topic.current = "second"
    assert ours.remade() == [0, 1, 2]
    assert client.assigned == dict.fromkeys(range(3), OFFSET_BEGINNING)
    assert not ours.remade()
    assert ours.offset(0, 1).metadata == f"{TOPIC_ID}second"


def test_brokers_without_topic_ids_say_nothing_of_which_topic_it_is() -> None:
    """Their ids are all zero; were these taken for one, the first id after an upgrade would begin the topic again."""
    assert (known(str(Uuid(0, 0))), known(str(Uuid(1, 2)))) == ("", str(Uuid(1, 2)))
    client, topic = Client(), Named()
    client.metadata = f"{TOPIC_ID}{NO_ID}"
    ours = Positions(cast(Any, client), cast(Identity, topic), "t", from_beginning=True)
    ours.starts(client.assignment())
    topic.current = "first"
    assert not ours.remade()


def test_of_which_topic_an_offset_is_is_asked_until_it_is_known() -> None:
    client, topic = Client(), Named()
    client.metadata, client.away = f"{TOPIC_ID}first", True
    ours = Positions(cast(Any, client), cast(Identity, topic), "t", from_beginning=True)
    ours.starts(client.assignment())
    topic.current = "second"
    assert not ours.remade()
    assert ours.offset(0, 6).metadata == ""
    assert topic.current == ""  # it is asked for anew, so that a broker that is away is not asked again and again
    assert not ours.remade()
    assert client.asked == 2
    client.away, topic.current = False, "second"
    assert ours.remade() == [0, 1, 2]


def test_after_a_reset_the_topic_may_be_another_one() -> None:
    """
    Then what was read before settles nothing in it. Once it is known to be new, what is read from its start is not
    read so once more.
    """
    client, topic = Client(), Named()
    ours = Positions(cast(Any, client), cast(Identity, topic), "t", from_beginning=True)
    ours.starts(client.assignment())
    topic.current = "first"
    assert not ours.remade()
    ours.lose(0)
    assert len(ours.resets()) == 1
    assert ours.offset(0, 11).metadata == f"{TOPIC_ID}first"
    ours.begin_again(0)
    ours.begin_again(7)  # which is not ours
    assert not ours.offset(0, 11).metadata
    topic.current = "second"
    assert ours.remade() == [1, 2]
    assert ours.offset(0, 12).metadata == f"{TOPIC_ID}second"


def test_after_a_reset_a_topic_with_another_id_is_read_from_its_start() -> None:
    client, topic = Client(), Named()
    ours = Positions(cast(Any, client), cast(Identity, topic), "t", from_beginning=True)
    ours.starts(client.assignment())
    topic.current = "first"
    assert not ours.remade()
    ours.lose(0)
    assert len(ours.resets()) == 1
    topic.current = "second"
    assert ours.remade() == [0, 1, 2]


def test_an_offset_of_another_topic_is_not_begun_at(caplog: pytest.LogCaptureFixture) -> None:
    client, topic = Client(), Named()
    client.metadata = f"{TOPIC_ID}first"
    ours = Positions(cast(Any, client), cast(Identity, topic), "t", from_beginning=True)
    for heard, begin, label in (("", 5, "first"), ("first", 5, "first"), ("second", OFFSET_BEGINNING, "second")):
        topic.soon = heard
        assert {part.offset for part in ours.starts(client.assignment())} == {begin}
        assert ours.offset(0, 6).metadata == TOPIC_ID + label
    assert len(caplog.records) == 3
