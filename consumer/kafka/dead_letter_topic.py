"""What the settings of the dead-letter topic mean for dead letters: how long and how safely the topic keeps them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, Self

DEAD_LETTER_HEADER_BYTES = 4096  # generous, for the headers that a dead letter has besides those of its record
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# Limits from here on are none in practice: some operators write the largest possible number for "no limit".
_NO_LIMIT_MS, _NO_LIMIT_BYTES = 3650 * _DAY_MS, 2**50

# Kafka's defaults (kafka.apache.org/documentation, "Topic Configs"), for a broker that does not name a setting.
_DEFAULTS: Mapping[str, str] = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "max.message.bytes": "1048588",
    "min.insync.replicas": "1",
}


class TopicSettings(NamedTuple):
    """
    The settings of a topic that say how long and how safely it keeps a record.

    `retention_ms` and `retention_bytes` (of one partition) are infinite if there is no limit. `replicas` is the number
    of the partition with the fewest.
    """

    name: str
    cleanup_policy: str
    retention_ms: float
    retention_bytes: float
    max_message_bytes: int
    min_insync_replicas: int
    replicas: int

    @classmethod
    def parse(cls, name: str, config: Mapping[str, str | None], replicas: int) -> Self:
        """The settings in `config`, which has Kafka's names and texts."""
        texts = {**_DEFAULTS, **{key: text for key, text in config.items() if text is not None}}
        cleanup_policy, retention_ms, retention_bytes = texts["cleanup.policy"], math.inf, math.inf
        if "delete" in cleanup_policy:
            retention_ms = _limit(texts["retention.ms"], _NO_LIMIT_MS)
            retention_bytes = _limit(texts["retention.bytes"], _NO_LIMIT_BYTES)
        sizes = int(texts["max.message.bytes"]), int(texts["min.insync.replicas"])
        return cls(name, cleanup_policy, retention_ms, retention_bytes, *sizes, replicas)


class UnseenSettings(NamedTuple):
    """The settings of a topic could not be read, because of `error`."""

    error: str


class TopicFinding(NamedTuple):
    """
    What the settings mean for dead letters.

    A `problem` would cost dead letters for certain, a `warning` may. A `note` has no such risk, or names what was not
    seen.
    """

    state: Literal["ok", "note", "warning", "problem"]
    subject: str
    detail: str


# Each comparison with a topic whose settings are not known holds.
_UNKNOWN = TopicSettings("", "", 0, 0, 0, 0, 0)


def judge(
    topic: str, dead_letter_topic: str, settings: Mapping[str, TopicSettings | UnseenSettings]
) -> Sequence[TopicFinding]:
    """What the settings of the dead-letter topic mean, also beside those of the topic; nothing for missing topics."""
    findings = [
        TopicFinding("note", f"settings of {name}", f"not seen, so not judged: {unseen.error}")
        for name, unseen in settings.items()
        if isinstance(unseen, UnseenSettings)
    ]
    source, dead_letters = settings.get(topic), settings.get(dead_letter_topic)
    if not isinstance(source, TopicSettings):
        source = _UNKNOWN
    if isinstance(dead_letters, TopicSettings):
        findings.append(_cleanup(dead_letters))
        kept = f"kept for {_duration(dead_letters.retention_ms)}"
        findings.append(_finding("retention of dead letters", kept, _retention_risks(dead_letters, source)))
        replicas = f"replicas: {dead_letters.replicas}, min.insync.replicas: {dead_letters.min_insync_replicas}"
        findings.append(_finding("replicas of dead letters", replicas, _replica_risks(dead_letters, source)))
        findings.append(_size(dead_letters, source))
    return findings


def _finding(subject: str, summary: str, risks: Iterator[str]) -> TopicFinding:
    details = list(risks)
    if details:
        return TopicFinding("warning", subject, "; ".join(details))
    return TopicFinding("ok", subject, summary)


def _cleanup(dead_letters: TopicSettings) -> TopicFinding:
    subject, policy = "cleanup of dead letters", dead_letters.cleanup_policy
    if "compact" not in policy:
        return TopicFinding("ok", subject, f"cleanup.policy: {policy or 'none'}")
    return TopicFinding(
        "problem",
        subject,
        f"cleanup.policy of {dead_letters.name} is {policy}: dead letters with the same key delete each other, and the "
        "topic refuses a dead letter without a key, which blocks its partition; set cleanup.policy=delete",
    )


def _retention_risks(dead_letters: TopicSettings, source: TopicSettings) -> Iterator[str]:
    name, kept = dead_letters.name, _duration(dead_letters.retention_ms)
    if dead_letters.retention_ms < _DAY_MS:
        yield f"{name} deletes dead letters after only {kept}, before anybody may see them: set a longer retention.ms"
    if dead_letters.retention_ms < source.retention_ms:
        source_kept = _duration(source.retention_ms)
        yield f"{name} keeps dead letters for {kept}, but {source.name} keeps records for {source_kept}"
    if dead_letters.retention_bytes < source.retention_bytes:
        limit, source_limit = _size_limit(dead_letters.retention_bytes), _size_limit(source.retention_bytes)
        yield f"retention.bytes of {name} is {limit}, but that of {source.name} is {source_limit}"


def _replica_risks(dead_letters: TopicSettings, source: TopicSettings) -> Iterator[str]:
    name, replicas, in_sync = dead_letters.name, dead_letters.replicas, dead_letters.min_insync_replicas
    if in_sync > replicas:
        # Since 3.7 Kafka takes the smaller of the two numbers (KAFKA-15583). Before, it refuses each dead letter.
        excess = f"min.insync.replicas of {name} is {in_sync}, above its replicas ({replicas})"
        yield f"{excess}: brokers before Kafka 3.7 accept no dead letter"
    if replicas == 1 < source.replicas:
        yield f"{name} has 1 replica, but {source.name} has {source.replicas}: the loss of a broker loses dead letters"
    if in_sync == 1 < min(replicas, source.min_insync_replicas):
        difference = f"min.insync.replicas of {name} is 1, but that of {source.name} is {source.min_insync_replicas}"
        yield f"{difference}: a confirmed dead letter may be on one broker only"


def _size(dead_letters: TopicSettings, source: TopicSettings) -> TopicFinding:
    """A record that fits into the topic must fit into the dead-letter topic, with its reason and address."""
    subject, sufficient = "size of dead letters", source.max_message_bytes + DEAD_LETTER_HEADER_BYTES
    limit = f"max.message.bytes of {dead_letters.name} is {dead_letters.max_message_bytes:,}"
    if source is not _UNKNOWN:
        limit += f", that of {source.name} {source.max_message_bytes:,}"
    if dead_letters.max_message_bytes >= sufficient:
        return TopicFinding("ok", subject, limit)
    detail = f"{limit}: the largest records would block their partition; {sufficient:,} would be enough"
    if dead_letters.max_message_bytes >= source.max_message_bytes:
        return TopicFinding("note", subject, detail)
    return TopicFinding("warning", subject, detail)


def _limit(text: str, no_limit: int) -> float:
    """The limit as a number; infinite for -1, and for a number that is as good as none."""
    limit = int(text)
    return limit if 0 <= limit < no_limit else math.inf


def _duration(millis: float) -> str:
    if math.isinf(millis):
        return "ever"
    if millis < 2 * _DAY_MS:
        return f"{round(millis / _HOUR_MS, 2):g} hours"
    return f"{round(millis / _DAY_MS, 1):g} days"


def _size_limit(size: float) -> str:
    return "without limit" if math.isinf(size) else f"{size:,} bytes"
