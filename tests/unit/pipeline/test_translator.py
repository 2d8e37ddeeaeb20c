"""The translator: every record gets exactly one treatment, and always the same."""

import json
from collections.abc import Hashable
from typing import Any

import pytest

from consumer.avro.schema import AvroType, WriterSchema
from consumer.errors import SkipRecord, UnprocessableRecord
from consumer.model import Call, Letter, Message, Pending, Skipped, Translation, Unprocessable, WriteKey
from consumer.pipeline.record_processor import EVENT_MAX_BYTES, NO_ENVIRONMENT, Steps, Translator, message_id_prefix
from consumer.pipeline.reject_policy import Policy, Treater
from consumer.request import Part

SCHEMA = WriterSchema("schema id 7", AvroType("record"), {}, 1000)
PRODUCTION, DEVELOPMENT = WriteKey("production", "p"), WriteKey("development", "d")
BOTH = {"production": PRODUCTION, "development": DEVELOPMENT}


class Rooms:
    """
    Rooms in which a record is JSON text, its schema is 7, 8 is being looked up, and 9 has no contract.

    6 is a union of 7 and 9; a digit says which of them a value is.
    """

    compiled = 0

    def frame(self, message: Message) -> tuple[Hashable, int]:
        if message.value is None:
            raise SkipRecord("tombstone")
        if not message.value:
            raise UnprocessableRecord("empty_value")
        return message.value[0] - ord("0"), 1

    def schema(self, key: Hashable) -> WriterSchema | Pending:
        if key == 8:
            return Pending(key)
        branches = (schema_of(7), schema_of(9)) if key == 6 else ()
        return schema_of(key, branches)

    def branch(self, value: bytes, start: int) -> tuple[int, int]:
        return value[start] - ord("0"), start + 1

    def decode(self, schema: WriterSchema, value: bytes, start: int) -> Any:
        try:
            return json.loads(value[start:])
        except ValueError:
            raise UnprocessableRecord("undecodable", "ValueError") from None

    def mapper(self, schema: WriterSchema) -> "Rooms":
        self.compiled += 1
        if schema.parsed == 9:
            raise UnprocessableRecord("unknown_record", "no contract is for it")
        return self

    def environment(self, record: Any) -> str:
        return str(record.get("environment", ""))

    def call(self, record: Any, message: Message, message_id: str) -> dict[str, Any]:
        if "userId" not in record:
            raise SkipRecord("no_user_id")
        return {**record, "messageId": message_id}

    def steps(self) -> Steps:
        return Steps(self.frame, self.schema, self.branch, self.decode, self.mapper)


def schema_of(key: Hashable, branches: tuple[WriterSchema, ...] = ()) -> WriterSchema:
    return WriterSchema(f"schema id {key}", AvroType("record"), key, 1000, branches)


def translate(value: bytes | None, keys: dict[str, WriteKey] = BOTH, rooms: Rooms | None = None) -> Translation:
    translator = Translator((rooms or Rooms()).steps(), "topic", keys, lambda key: f"namespace of {key.environment}")
    return translator.translate(Message(3, 42, 1_700_000_000_000, None, value, ()))


def body(made: Translation) -> Any:
    assert isinstance(made, Call)
    return json.loads(made.body)


def test_a_record_becomes_a_call_with_the_key_of_its_environment() -> None:
    made = translate(b'7{"userId": "u", "environment": "development"}')
    assert isinstance(made, Call)
    assert made.key is DEVELOPMENT
    assert body(made)["userId"] == "u"


def test_each_branch_of_a_union_is_a_record_of_its_own() -> None:
    assert body(translate(b'60{"userId": "u", "environment": "development"}'))["userId"] == "u"


def test_one_key_is_for_every_environment() -> None:
    only = WriteKey("", "o")
    for value in (b'7{"userId": "u", "environment": "staging"}', b'7{"userId": "u"}'):
        made = translate(value, {"": only})
        assert isinstance(made, Call)
        assert made.key is only


def test_a_record_of_an_environment_without_a_key_goes_nowhere_else() -> None:
    made = translate(b'7{"userId": "u", "environment": "staging"}')
    assert isinstance(made, Unprocessable)
    assert (made.reason, made.stage) == ("no_write_key", "mapping")
    assert "SEGMENT_WRITE_KEYS" in made.detail
    assert "staging" not in made.detail


@pytest.mark.parametrize("spelt", ["Development", "DEVELOPMENT", " development\\n"])
def test_upper_and_lower_case_of_an_environment_do_not_matter(spelt: str) -> None:
    made = translate(b'7{"userId": "u", "environment": "%s"}' % spelt.encode())
    assert isinstance(made, Call)
    assert made.key is DEVELOPMENT
    made = translate(b'7{"userId": "u", "environment": "a"}', {" A ": PRODUCTION})
    assert isinstance(made, Call)


@pytest.mark.parametrize("value", [b'7{"userId": "u"}', b'7{"userId": "u", "environment": "  "}'])
def test_a_record_that_names_no_environment_is_told_from_one_without_a_key(value: bytes) -> None:
    made = translate(value)
    assert isinstance(made, Unprocessable)
    assert (made.reason, made.detail) == ("no_write_key", NO_ENVIRONMENT)


def test_a_record_with_nothing_to_send_needs_no_key() -> None:
    assert translate(b'7{"environment": "staging"}') == Skipped("no_user_id")
    assert translate(b"7{}") == Skipped("no_user_id")


def test_the_message_id_names_the_record_and_is_its_own_in_each_source() -> None:
    ids = [
        body(translate(b'7{"userId": "u", "environment": "%s"}' % name))["messageId"]
        for name in (b"production", b"development")
    ]
    assert ids[0].endswith("-3-42-1700000000000")
    assert ids[0] == body(translate(b'7{"userId": "v", "environment": "production"}'))["messageId"]
    assert ids[0] != ids[1]
    assert all(len(one) < 100 for one in ids)
    assert message_id_prefix("n", "a") != message_id_prefix("n", "b")


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (None, Skipped("tombstone")),
        (b"7{}", Skipped("no_user_id")),
        (b"8{}", Pending(8)),
        (b"", Unprocessable("empty_value", "framing", "", "")),
        (b"7{", Unprocessable("undecodable", "decoding", "ValueError", "7")),
        (b"9{}", Unprocessable("unknown_record", "mapping", "no contract is for it", "9")),
        (b"60{}", Skipped("no_user_id")),
        (b"61{}", Unprocessable("unknown_record", "mapping", "no contract is for it", "6")),
        (b"62{}", Unprocessable("undecodable", "decoding", "no branch of the union", "6")),
    ],
)
def test_every_other_record_has_its_reason(value: bytes | None, made: Translation) -> None:
    assert translate(value) == made


def test_an_event_over_the_limit_never_leaves() -> None:
    exact = len(translate_body(b""))
    fits = translate(b'7{"userId": "u", "x": "%s"}' % (b"y" * (EVENT_MAX_BYTES - exact)), {"": PRODUCTION})
    assert len(body_bytes(fits)) == EVENT_MAX_BYTES
    made = translate(b'7{"userId": "u", "x": "%s"}' % (b"y" * (EVENT_MAX_BYTES - exact + 1)), {"": PRODUCTION})
    assert isinstance(made, Unprocessable)
    assert made.reason == "event_too_large"


def translate_body(text: bytes) -> bytes:
    return body_bytes(translate(b'7{"userId": "u", "x": "%s"}' % text, {"": PRODUCTION}))


def body_bytes(made: Translation) -> bytes:
    assert isinstance(made, Call)
    return made.body


def test_a_schema_is_met_once_whether_there_is_a_contract_or_not() -> None:
    rooms = Rooms()
    translator = Translator(rooms.steps(), "topic", BOTH, lambda key: "")
    for value in (b"7{}", b"9{}") * 3:
        translator.translate(Message(0, 0, 0, None, value, ()))
    assert rooms.compiled == 2


def test_a_letter_of_a_call_that_segment_refuses_names_its_schema_as_any_other() -> None:
    call = translate(b'7{"userId": "u", "environment": "production"}')
    assert isinstance(call, Call)
    treater = Treater(lambda _: call, Policy("dead-letter", "dead-letter"))
    letter = treater.refused(Part(3, PRODUCTION, (call,), attempts=2), "http_400")
    assert isinstance(letter, Letter)
    assert (letter.schema, letter.attempts, letter.stage) == ("7", 2, "delivery")
    assert letter.detail == "Segment refuses it with status 400"
