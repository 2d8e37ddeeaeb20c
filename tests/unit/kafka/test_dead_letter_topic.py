"""What each setting of the dead-letter topic means for dead letters, beside the settings of the topic that is read."""

import math
from typing import Any

import pytest

from consumer.kafka.admin import KafkaAdmin
from consumer.kafka.dead_letter_topic import TopicFinding, TopicSettings, UnseenSettings, judge
from consumer.kafka.mock_broker import MockBroker

DAY = 24 * 60 * 60 * 1000
SAFE = TopicSettings("", "delete", math.inf, math.inf, 2_000_000, 2, 3)
CLEANUP, RETENTION, REPLICAS, SIZE = (
    f"{aspect} of dead letters" for aspect in ("cleanup", "retention", "replicas", "size")
)
NOT_PERMITTED = UnseenSettings("not permitted: the principal needs DESCRIBE_CONFIGS")


def findings(dead_letters: dict[str, Any], source: dict[str, Any]) -> dict[str, TopicFinding]:
    """The findings by their subject, for topics that differ from safe ones in these settings."""
    settings = {
        "topic": SAFE._replace(name="topic", max_message_bytes=1_000_000, **source),
        "dead-letters": SAFE._replace(name="dead-letters", **dead_letters),
    }
    return {finding.subject: finding for finding in judge("topic", "dead-letters", settings)}


RISKS: list[tuple[str, dict[str, Any], dict[str, Any], str, str, str]] = [
    ("compact", {"cleanup_policy": "compact"}, {}, CLEANUP, "problem", "set cleanup.policy=delete"),
    ("compact and delete", {"cleanup_policy": "compact,delete"}, {}, CLEANUP, "problem", "is compact,delete"),
    (
        "deleted earlier",
        {"retention_ms": 7 * DAY},
        {"retention_ms": 30 * DAY},
        *(RETENTION, "warning", "keeps dead letters for 7 days, but topic keeps records for 30 days"),
    ),
    (
        "deleted, and the topic keeps all",
        {"retention_ms": 30 * DAY},
        {},
        *(RETENTION, "warning", "keeps dead letters for 30 days, but topic keeps records for ever"),
    ),
    (
        "deleted within hours, and later than the records",
        {"retention_ms": DAY // 2},
        {"retention_ms": DAY // 24},
        *(RETENTION, "warning", "dead-letters deletes dead letters after only 12 hours, before anybody may see them"),
    ),
    (
        "a limit in bytes",
        {"retention_bytes": 1_000_000},
        {},
        *(
            RETENTION,
            "warning",
            "retention.bytes of dead-letters is 1,000,000 bytes, but that of topic is without limit",
        ),
    ),
    (
        "more in-sync replicas than replicas",
        {"min_insync_replicas": 4},
        {},
        *(REPLICAS, "warning", "brokers before Kafka 3.7 accept no dead letter"),
    ),
    (
        "a single replica",
        {"replicas": 1, "min_insync_replicas": 1},
        {},
        *(REPLICAS, "warning", "letters has 1 replica, but topic has 3"),
    ),
    (
        "a single in-sync replica",
        {"min_insync_replicas": 1},
        {},
        *(REPLICAS, "warning", "a confirmed dead letter may be on one broker only"),
    ),
    ("too small", {"max_message_bytes": 999_999}, {}, SIZE, "warning", "1,004,096 would be enough"),
    ("no room for headers", {"max_message_bytes": 1_000_000}, {}, SIZE, "note", "1,004,096 would be enough"),
]


@pytest.mark.parametrize(
    ("dead_letters", "source", "subject", "state", "text"), [row[1:] for row in RISKS], ids=[row[0] for row in RISKS]
)
def test_a_setting_that_can_cost_dead_letters_is_found_alone(
    dead_letters: dict[str, Any], source: dict[str, Any], subject: str, state: str, text: str
) -> None:
    by_subject = findings(dead_letters, source)
    assert (by_subject[subject].state, text in by_subject[subject].detail) == (state, True), by_subject[subject]
    assert {other.state for other in by_subject.values() if other.subject != subject} == {"ok"}


SAFE_SETTINGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("the same", {}, {}),
    ("both delete at the same age", {"retention_ms": 7 * DAY}, {"retention_ms": 7 * DAY}),
    ("a day, and later than the records", {"retention_ms": DAY}, {"retention_ms": DAY // 2}),
    ("both have one replica", {"replicas": 1, "min_insync_replicas": 1}, {"replicas": 1, "min_insync_replicas": 1}),
    ("one in-sync replica for both", {"min_insync_replicas": 1}, {"min_insync_replicas": 1}),
    ("two replicas of three", {"replicas": 2}, {}),
    ("nothing is deleted", {"cleanup_policy": ""}, {}),
    ("room for headers", {"max_message_bytes": 1_004_096}, {}),
]


@pytest.mark.parametrize(
    ("dead_letters", "source"), [row[1:] for row in SAFE_SETTINGS], ids=[row[0] for row in SAFE_SETTINGS]
)
def test_settings_that_cost_no_dead_letter_are_ok(dead_letters: dict[str, Any], source: dict[str, Any]) -> None:
    by_subject = findings(dead_letters, source)
    assert set(by_subject) == {CLEANUP, RETENTION, REPLICAS, SIZE}
    assert {finding.state for finding in by_subject.values()} == {"ok"}


def test_settings_that_are_not_seen_are_noted_and_the_others_are_judged() -> None:
    dead_letter_topic = SAFE._replace(name="dead-letters", cleanup_policy="compact", retention_ms=DAY // 4)
    settings: dict[str, TopicSettings | UnseenSettings] = {"topic": NOT_PERMITTED, "dead-letters": dead_letter_topic}
    unseen, *judged = judge("topic", "dead-letters", settings)
    assert unseen == TopicFinding("note", "settings of topic", f"not seen, so not judged: {NOT_PERMITTED.error}")
    assert {finding.subject: finding.state for finding in judged} == {
        CLEANUP: "problem",
        RETENTION: "warning",
        REPLICAS: "ok",
        SIZE: "ok",
    }
    notes = judge("topic", "dead-letters", dict.fromkeys(("topic", "dead-letters"), NOT_PERMITTED))
    assert [(note.state, note.subject) for note in notes] == [
        ("note", "settings of topic"),
        ("note", "settings of dead-letters"),
    ]


def test_nothing_is_said_about_topics_that_are_missing() -> None:
    assert judge("topic", "dead-letters", {}) == []
    assert {finding.state for finding in judge("topic", "dead-letters", {"dead-letters": SAFE})} == {"ok"}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ("delete", 7 * DAY, math.inf)),
        ({"retention.ms": None}, ("delete", 7 * DAY, math.inf)),
        ({"cleanup.policy": "delete", "retention.ms": "-1"}, ("delete", math.inf, math.inf)),
        ({"retention.ms": str(2**63 - 1), "retention.bytes": str(2**63 - 1)}, ("delete", math.inf, math.inf)),
        ({"retention.ms": "1000", "retention.bytes": "5"}, ("delete", 1000, 5)),
        ({"cleanup.policy": "compact,delete", "retention.ms": "1000"}, ("compact,delete", 1000, math.inf)),
        # Without `delete` the limits do not apply.
        ({"cleanup.policy": "compact", "retention.ms": "1000"}, ("compact", math.inf, math.inf)),
        ({"cleanup.policy": "", "retention.bytes": "5"}, ("", math.inf, math.inf)),
    ],
)
def test_limits_are_those_that_the_broker_applies(
    config: dict[str, str | None], expected: tuple[str, float, float]
) -> None:
    settings = TopicSettings.parse("dead-letters", config, 3)
    assert (settings.cleanup_policy, settings.retention_ms, settings.retention_bytes) == expected


def test_a_broker_that_describes_no_settings_is_not_waited_for() -> None:
    broker = MockBroker()
    broker.create_topic("topic")
    assert KafkaAdmin(broker.address, {}).topic_settings(["topic"]) == {}


def test_the_settings_of_brokers_that_do_not_answer_are_not_seen() -> None:
    (unseen,) = KafkaAdmin("127.0.0.1:1", {}).topic_settings(["topic"]).values()
    assert isinstance(unseen, UnseenSettings)
    assert "no broker can be reached" in unseen.error
