"""The record mapper: every record becomes exactly one thing, and always the same."""

import json
import re
from collections.abc import Callable, Hashable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from consumer.avro.framing import Framed
from consumer.avro.repaired_texts import RepairedRecord
from consumer.avro.schema import LARGE_PART, AvroType, WriterSchema
from consumer.errors import (
    MAX_DETAIL_LENGTH,
    DecodingError,
    FramingError,
    MappingError,
    RecordSkipped,
    SchemaError,
    ServiceError,
)
from consumer.jsonio import dumps
from consumer.model import DeadLetter, MappedRecord, Pending, Record, Rejected, Skipped, TrackEvent, WriteKey
from consumer.pipeline.message_id import message_id_prefix
from consumer.pipeline.record_mapper import MAX_COMPILED, DecodeStages, RecordMapper
from consumer.pipeline.record_processor import RecordProcessor
from consumer.pipeline.reject_policy import RejectPolicy
from consumer.pipeline.write_keys import NO_ENVIRONMENT, UNKNOWN_ENVIRONMENT, WriteKeys
from consumer.segment_limits import MAX_EVENT_BYTES

PRODUCTION, DEVELOPMENT = WriteKey("production", "p"), WriteKey("development", "d")
BOTH_KEYS = {"production": PRODUCTION, "development": DEVELOPMENT}
ONE_KEY = {"": PRODUCTION}


class FakeStages:
    """
    Stages for which a record is JSON text behind one digit, which is the number of its schema.

    Schema 7 has a contract, 8 is being looked up, 9 has no contract, and 5 was refused. 6 is a union of 7 and 9, whose
    values begin with a digit for the branch.
    """

    def __init__(self) -> None:
        self.compiled = self.large = 0
        self.schemas: dict[Hashable, WriterSchema] = {}

    def frame(self, record: Record) -> Framed:
        if record.value is None:
            raise RecordSkipped("tombstone")
        if not record.value:
            raise FramingError("empty_value")
        return Framed(record.value[0] - ord("0"), 1, record.value)

    def schema(self, key: Hashable) -> WriterSchema | Pending:
        if key == 8:
            return Pending(key)
        if key == 5:
            raise SchemaError("unsafe_schema", "too large")
        branches = (schema_of(7), schema_of(9)) if key == 6 else ()
        return self.schemas.setdefault(key, schema_of(key, branches))

    def branch(self, value: bytes, start: int) -> tuple[int, int]:
        return value[start] - ord("0"), start + 1

    def decode(self, schema: WriterSchema, value: bytes, start: int) -> Any:
        try:
            return json.loads(value[start:])
        except ValueError:
            raise DecodingError("undecodable", "ValueError") from None

    def mapping(self, schema: WriterSchema) -> "FakeStages":
        self.compiled += 1
        if schema.parsed == 9:
            raise MappingError("unknown_record", "no contract is for it")
        return self

    @property
    def environment(self) -> Callable[[Any], str]:
        return lambda decoded: str(decoded.get("environment", ""))

    @property
    def fields(self) -> tuple[str, ...]:
        return ()

    def body(self, decoded: Any, record: Record, message_id: str, is_large: bool = False) -> bytes:
        self.large += is_large
        if "userId" not in decoded:
            raise RecordSkipped("no_user_id")
        return dumps({**decoded, "messageId": message_id})

    def stages(self) -> DecodeStages:
        return DecodeStages(self.frame, self.schema, self.branch, self.decode, self.mapping)


def schema_of(key: Hashable, branches: tuple[WriterSchema, ...] = ()) -> WriterSchema:
    return WriterSchema(f"schema id {key}", AvroType("record"), key, key, 1000, branches)


def mapper_of(keys: dict[str, WriteKey], stages: FakeStages) -> RecordMapper:
    return RecordMapper(stages.stages(), WriteKeys(keys, lambda key: f"namespace of {key.environment}", "topic"))


def mapped(value: bytes | None, keys: dict[str, WriteKey] = BOTH_KEYS) -> MappedRecord:
    return mapper_of(keys, FakeStages()).map(Record(3, 42, 1_700_000_000_000, None, value, ()))


def event_of(result: MappedRecord) -> TrackEvent:
    assert isinstance(result, TrackEvent)
    return result


def body_of(result: MappedRecord) -> Any:
    return json.loads(event_of(result).body)


def test_a_record_becomes_an_event_with_the_key_of_its_environment() -> None:
    event = event_of(mapped(b'7{"userId": "u", "environment": "development"}'))
    assert event.key is DEVELOPMENT
    assert body_of(event)["userId"] == "u"


def test_each_branch_of_a_union_is_a_record_of_its_own() -> None:
    assert body_of(mapped(b'60{"userId": "u", "environment": "development"}'))["userId"] == "u"


def test_one_key_is_for_every_environment() -> None:
    only = WriteKey("", "o")
    for value in (b'7{"userId": "u", "environment": "staging"}', b'7{"userId": "u"}'):
        assert event_of(mapped(value, {"": only})).key is only


def test_a_record_of_an_environment_without_a_key_goes_nowhere_else() -> None:
    rejected = mapped(b'7{"userId": "u", "environment": "staging"}')
    assert isinstance(rejected, Rejected)
    assert (rejected.reason, rejected.stage) == ("no_write_key", "mapping")
    assert rejected.detail == UNKNOWN_ENVIRONMENT
    assert "SEGMENT_WRITE_KEYS" in rejected.detail
    assert "staging" not in rejected.detail


@pytest.mark.parametrize("environment", ["Development", "DEVELOPMENT", " development\\n"])
def test_upper_and_lower_case_of_an_environment_do_not_matter(environment: str) -> None:
    event = event_of(mapped(b'7{"userId": "u", "environment": "%s"}' % environment.encode()))
    assert event.key is DEVELOPMENT
    event = event_of(mapped(b'7{"userId": "u", "environment": "a"}', {" A ": PRODUCTION}))
    assert event.key is PRODUCTION


@pytest.mark.parametrize("value", [b'7{"userId": "u"}', b'7{"userId": "u", "environment": "  "}'])
def test_a_record_that_names_no_environment_is_told_from_one_without_a_key(value: bytes) -> None:
    rejected = mapped(value)
    assert isinstance(rejected, Rejected)
    assert (rejected.reason, rejected.detail) == ("no_write_key", NO_ENVIRONMENT)


def test_a_record_with_nothing_to_send_needs_no_key() -> None:
    assert mapped(b'7{"environment": "staging"}') == Skipped("no_user_id")
    assert mapped(b"7{}") == Skipped("no_user_id")


def test_the_message_id_names_the_record_and_is_its_own_in_each_source() -> None:
    ids = [
        body_of(mapped(b'7{"userId": "u", "environment": "%s"}' % environment))["messageId"]
        for environment in (b"production", b"development")
    ]
    assert ids[0].endswith("-3-42-1700000000000")
    assert ids[0] == body_of(mapped(b'7{"userId": "v", "environment": "production"}'))["messageId"]
    assert ids[0] != ids[1]
    assert all(len(message_id) < 100 for message_id in ids)
    assert message_id_prefix("n", "a") != message_id_prefix("n", "b")


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, Skipped("tombstone")),
        (b"7{}", Skipped("no_user_id")),
        (b"8{}", Pending(8)),
        (b"", Rejected("empty_value", "framing", "", "")),
        (b"5{}", Rejected("unsafe_schema", "schema", "too large", "5")),
        (b"7{", Rejected("undecodable", "decoding", "ValueError", "7")),
        (b"9{}", Rejected("unknown_record", "mapping", "no contract is for it", "9")),
        (b"60{}", Skipped("no_user_id")),
        (b"61{}", Rejected("unknown_record", "mapping", "no contract is for it", "6")),
        (b"62{}", Rejected("undecodable", "decoding", "no branch of the union", "6")),
    ],
)
def test_every_other_record_has_its_reason(value: bytes | None, result: MappedRecord) -> None:
    assert mapped(value) == result


class FakeHints:
    """A hint for each reason, which remembers its questions."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def hint(self, record: Record, reason: str) -> str:
        self.questions.append(reason)
        return f"set something for {reason} at {record.offset}"


def test_the_detail_of_a_rejected_record_has_a_hint_and_no_other_record_is_looked_at() -> None:
    hints = FakeHints()
    mapper = mapper_of(BOTH_KEYS, FakeStages())
    mapper._stages = replace(mapper._stages, hint=hints.hint)
    values = (None, b"", b"5{}", b"7{", b'7{"userId": "u", "environment": "production"}', b"8{}", b"7{}")
    results = [mapper.map(Record(0, offset, 0, None, value, ())) for offset, value in enumerate(values)]
    assert [result.detail for result in results if isinstance(result, Rejected)] == [
        "set something for empty_value at 1",
        "too large; set something for unsafe_schema at 2",
        "ValueError; set something for undecodable at 3",
    ]
    assert hints.questions == ["empty_value", "unsafe_schema", "undecodable"]


def test_a_defect_in_a_hint_does_not_hide_the_reason() -> None:
    mapper = mapper_of(BOTH_KEYS, FakeStages())
    mapper._stages = replace(mapper._stages, hint=lambda *_: str(1 / 0))
    assert mapper.map(Record(0, 0, 0, None, b"5{}", ())) == Rejected("unsafe_schema", "schema", "too large", "5")


def test_an_event_over_the_limit_is_never_sent() -> None:
    overhead = len(event_of(mapped(b'7{"userId": "u", "x": ""}', ONE_KEY)).body)
    fits = mapped(b'7{"userId": "u", "x": "%s"}' % (b"y" * (MAX_EVENT_BYTES - overhead)), ONE_KEY)
    assert len(event_of(fits).body) == MAX_EVENT_BYTES
    rejected = mapped(b'7{"userId": "u", "x": "%s"}' % (b"y" * (MAX_EVENT_BYTES - overhead + 1)), ONE_KEY)
    assert isinstance(rejected, Rejected)
    assert (rejected.reason, rejected.stage) == ("event_too_large", "mapping")


def test_a_schema_is_compiled_once_whether_there_is_a_contract_or_not() -> None:
    stages = FakeStages()
    mapper = mapper_of(BOTH_KEYS, stages)
    for value in (b"7{}", b"9{}") * 3:
        mapper.map(Record(0, 0, 0, None, value, ()))
    assert stages.compiled == 2


def test_a_branch_of_a_union_is_compiled_for_its_first_record() -> None:
    """A schema can have thousands of branches, which would delay all partitions if they were compiled at once."""
    stages = FakeStages()
    mapper = mapper_of(BOTH_KEYS, stages)
    for value, compiled in ((b"60{}", 1), (b"60{}", 1), (b"61{}", 2), (b"61{}", 2)):
        mapper.map(Record(0, 0, 0, None, value, ()))
        assert stages.compiled == compiled


@pytest.mark.parametrize("branch", [b"62{}", b"6/{}"])
def test_a_branch_that_the_union_does_not_have_is_rejected(branch: bytes) -> None:
    rejected = mapped(branch)
    assert isinstance(rejected, Rejected)
    assert (rejected.reason, rejected.detail) == ("undecodable", "no branch of the union")


def test_what_was_compiled_is_forgotten_together_with_its_schema() -> None:
    stages = FakeStages()
    mapper = mapper_of(BOTH_KEYS, stages)
    for value in (b"7{}", b"9{}", b"60{}"):
        mapper.map(Record(0, 0, 0, None, value, ()))
    assert len(mapper._compiled) == 3
    del stages.schemas[6]
    assert len(mapper._compiled) == 2
    del stages.schemas[7], stages.schemas[9]
    assert not mapper._compiled


def test_no_more_than_a_bounded_number_of_schemas_is_compiled_at_a_time() -> None:
    stages = FakeStages()
    schemas = [schema_of(number) for number in range(3 * MAX_COMPILED)]
    mapper = mapper_of(BOTH_KEYS, stages)
    for schema in schemas:
        stages.schemas[7] = schema
        mapper.map(Record(0, 0, 0, None, b"7{}", ()))
        assert len(mapper._compiled) <= MAX_COMPILED


class Panic(BaseException):
    """As a library in Rust raises it."""


@pytest.mark.parametrize("error", [KeyError, RecursionError, MemoryError, StopIteration, Panic])
@pytest.mark.parametrize("stage", ["frame", "schema", "branch", "decode", "mapping", "environment", "body"])
def test_an_unforeseen_exception_is_of_one_record_alone(stage: str, error: type[BaseException]) -> None:
    def fail(*_: object) -> Any:
        raise error("data of the record")

    stages, broken = FakeStages(), FakeStages()
    mapping = SimpleNamespace(environment=stages.environment, body=stages.body, fields=())
    if stage in ("environment", "body"):
        setattr(mapping, stage, fail)
        broken.mapping = lambda _: mapping  # type: ignore[method-assign, assignment, return-value]
    else:
        setattr(broken, stage, fail)
    mapper = mapper_of(BOTH_KEYS, broken)
    rejected = mapper.map(Record(0, 0, 0, None, b'60{"userId": "u", "environment": "production"}', ()))
    assert isinstance(rejected, Rejected)
    assert (rejected.reason, rejected.stage) == ("internal_error", "internal")
    assert re.fullmatch(rf"{error.__name__} at consumer/pipeline/record_mapper\.py:\d+", rejected.detail)
    assert rejected.schema == ("" if stage == "frame" else "6")
    mapper._stages = stages.stages()
    mapping.environment, mapping.body = stages.environment, stages.body
    assert body_of(mapper.map(Record(0, 1, 0, None, b'60{"userId": "u", "environment": "production"}', ())))


def test_a_value_that_cannot_be_serialised_rejects_its_record() -> None:
    stages = FakeStages()
    stages.body = lambda *_: dumps({"deep": object()})  # type: ignore[method-assign]
    rejected = mapper_of(BOTH_KEYS, stages).map(Record(0, 0, 0, None, b'7{"environment": "production"}', ()))
    assert isinstance(rejected, Rejected)
    assert re.fullmatch(r"\w+ at consumer/jsonio\.py:\d+", rejected.detail)


@pytest.mark.parametrize("error", [ServiceError, KeyboardInterrupt, SystemExit])
def test_an_error_that_is_not_about_the_record_is_passed_on(error: type[BaseException]) -> None:
    """A command that waits for the registry ends if the registry does not answer."""

    def fail(_: object) -> Any:
        raise error

    stages = FakeStages()
    stages.schema = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(error):
        mapper_of(BOTH_KEYS, stages).map(Record(0, 0, 0, None, b"7{}", ()))


def test_a_detail_has_a_bounded_length() -> None:
    stages = FakeStages()

    def fail(_: object) -> Any:
        raise MappingError("unknown_record", "no contract is for " + "a" * 1_000_000)

    stages.mapping = fail  # type: ignore[method-assign, assignment]
    rejected = mapper_of(BOTH_KEYS, stages).map(Record(0, 0, 0, None, b"7{}", ()))
    assert isinstance(rejected, Rejected)
    assert len(rejected.detail) == MAX_DETAIL_LENGTH


def test_a_dead_letter_of_an_event_that_segment_refuses_names_its_schema_as_any_other() -> None:
    event = event_of(mapped(b'7{"userId": "u", "environment": "production"}'))
    processor = RecordProcessor(lambda _: event, RejectPolicy("dead-letter", "dead-letter"))
    dead_letter = processor.reject_event(event, "http_400", attempts=2)
    assert isinstance(dead_letter, DeadLetter)
    assert dead_letter.record is event.record
    rejected = dead_letter.rejected
    assert (rejected.schema, dead_letter.attempts, rejected.stage) == ("7", 2, "delivery")
    assert dead_letter.event == event.body
    assert rejected.detail == "Segment refuses it with status 400"


def test_a_record_that_could_take_much_memory_is_mapped_as_a_large_one() -> None:
    stages = FakeStages()
    mapper = mapper_of({"": WriteKey("", "o")}, stages)
    for size, large in ((1000 // LARGE_PART, 0), (1000 // LARGE_PART + 1, 1)):
        value = b'7{"userId": "u"}'
        event_of(mapper.map(Record(3, 42, 1_700_000_000_000, None, value.ljust(size), ())))
        assert stages.large == large


class RepairingStages(FakeStages):
    """Decodes a value that has "damaged" in it to a repaired record."""

    def decode(self, schema: WriterSchema, value: bytes, start: int) -> Any:
        decoded = super().decode(schema, value, start)
        return RepairedRecord(decoded) if b"damaged" in value else decoded


@pytest.mark.parametrize(
    ("value", "events"),
    [
        (b'7{"userId": "u", "text": "damaged \\ufffd"}', 1),
        (b'7{"userId": "u", "text": "damaged \\ufffd \\ufffd", "more": "\\ufffd"}', 1),
        (b'7{"userId": "u", "text": "damaged, but not where it is sent"}', 0),
        (b'7{"userId": "u", "text": "good \\ufffd"}', 0),
    ],
)
def test_an_event_with_a_repaired_text_is_counted(value: bytes, events: int) -> None:
    mapper = mapper_of({"": WriteKey("", "o")}, RepairingStages())
    event_of(mapper.map(Record(3, 42, 1_700_000_000_000, None, value, ())))
    assert mapper.changed_values["text_repaired"] == events
