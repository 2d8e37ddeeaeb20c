"""The words that the service counts by: each is declared with its meaning, and each is used."""

import ast
import re
from pathlib import Path

import pytest

from consumer import reasons
from consumer.avro.logical_types import range_reason
from consumer.reasons import BlockReason, Reason
from consumer.settings import NAMES

PACKAGE = Path(reasons.__file__).parent
SOURCES = {path: path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "reasons.py"}
# The demo has words of its own: what it expects must not follow from what the service does.
TEXTS = {
    node.value: path
    for path, text in SOURCES.items()
    if PACKAGE / "demo" not in path.parents
    for node in ast.walk(ast.parse(text))
    if isinstance(node, ast.Constant)
}
REJECTIONS = "FramingError|SchemaError|DecodingError|MappingError"
# The response to a request names the status.
OF_STATUSES = {BlockReason.HTTP_401, BlockReason.HTTP_403, BlockReason.HTTP_404}
# Generated code may name its reasons by their words (contract/code_generator.py).
GENERATED = {Reason.MISSING_REQUIRED}


def members_used(enum: str) -> set[str]:
    return {name for text in SOURCES.values() for name in re.findall(rf"\b{enum}\.([A-Z0-9_]+)", text)}


def raised_as_text(error: str) -> set[str]:
    """Reasons that are raised as a text, in code or in the text of generated code."""
    pattern = rf"(?:{error})\(\s*['\"]([a-z0-9_]+)['\"]"
    return {word for text in SOURCES.values() for word in re.findall(pattern, text)}


def raised(error: str) -> set[Reason]:
    names = {name for text in SOURCES.values() for name in re.findall(rf"(?:{error})\(\s*Reason\.([A-Z0-9_]+)", text)}
    return {Reason[name] for name in names}


def test_every_reason_is_used_and_every_reason_that_is_used_is_declared() -> None:
    used = {Reason[name] for name in members_used("Reason")}
    assert used | GENERATED == set(Reason)
    assert raised_as_text(f"{REJECTIONS}|RecordSkipped") <= GENERATED


def test_a_record_is_skipped_for_one_reason_of_the_service_and_rejected_for_all_others() -> None:
    assert raised("RecordSkipped") == set(reasons.SKIPPED)
    # The result of a look-up, or an operator, gives the reasons that are not raised here.
    others = {Reason.UNKNOWN_SCHEMA, Reason.UNSUPPORTED_SCHEMA, Reason.UNSAFE_SCHEMA, Reason.STEPPED_OVER}
    others |= {Reason.INTERNAL_ERROR}  # no code raises it on purpose
    others |= {range_reason("decimal"), range_reason("date")}  # raised for a value of a logical type
    assert raised(REJECTIONS) | GENERATED | others == set(reasons.REJECTED)


def test_every_reason_to_block_is_used_and_every_one_that_is_used_is_declared() -> None:
    used = {BlockReason[name] for name in members_used("BlockReason")}
    assert used | OF_STATUSES == set(BlockReason)


@pytest.mark.parametrize("word", [*Reason, *BlockReason])
def test_a_declared_word_is_written_in_no_other_module(word: str) -> None:
    """Else the two could differ one day."""
    assert word not in TEXTS, TEXTS[word]


def test_a_word_is_its_text_and_has_a_meaning() -> None:
    for word in (*Reason, *BlockReason):
        assert re.fullmatch("[a-z0-9_]+", word)
        assert f"{word}" == word.value == word.name.lower()
        assert word.meaning


def test_skipped_and_rejected_are_all_reasons() -> None:
    assert set(reasons.SKIPPED) == {"tombstone"}
    assert [*reasons.SKIPPED, *reasons.REJECTED] == list(Reason)


def test_words_of_the_service_are_no_words_of_a_contract() -> None:
    assert all(map(reasons.is_reserved, ["tombstone", "invalid", "http_413", "stuck_http_500", "denied_http_403"]))
    assert not reasons.is_reserved("no_user_id")


def test_the_meaning_of_a_block_says_whether_it_is_the_connection_to_segment_or_a_record() -> None:
    assert "SEGMENT_ACCEPT_ANY_BODY" in reasons.block_meaning("200_not_segment")
    assert "SEGMENT_ENDPOINT" in reasons.block_meaning("http_302")
    for reason in ("http_400", "denied_http_403", "stuck_http_500", "stuck_200_not_segment", "undecodable"):
        assert "ON_REJECTED" in reasons.block_meaning(reason)
    assert all(reasons.block_meaning(reason) == reason.meaning for reason in BlockReason)


def test_why_a_record_was_rejected_is_explained_for_each_word_of_the_service_and_for_no_other() -> None:
    assert reasons.reject_meaning("http_400") == "Segment refuses it with status 400"
    assert reasons.reject_meaning("stuck_http_500") == "it keeps failing while other events succeed"
    assert "http_302" in reasons.reject_meaning("denied_http_302")
    assert all(map(reasons.reject_meaning, reasons.REJECTED))
    assert reasons.reject_meaning("a_word_of_another_service") == ""


def test_each_reason_to_reject_names_settings_that_exist_or_is_about_the_record_alone() -> None:
    assert set(reasons.SETTINGS) == set(reasons.REJECTED)
    assert {name for settings in reasons.SETTINGS.values() for name in settings} <= set(NAMES)
    assert [reason for reason, settings in reasons.SETTINGS.items() if not settings] == ["empty_value", "stepped_over"]
