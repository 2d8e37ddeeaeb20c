"""How many rejected records in a row block their partition, by reason."""

import pytest

from consumer.model import DeadLetter, Rejected, Skipped
from consumer.pipeline.rejections import NO_REJECTIONS
from tests.unit.pipeline.records import record


def passed(reason: str, max_dead_letters: int, policy: str = "dead-letter") -> tuple[int, str | None]:
    """How many records with this reason in a row are passed, at most 50, and why the next one is not."""
    processed = Skipped(reason) if policy == "skip" else DeadLetter(record(0), Rejected(reason, "mapping", ""))
    rejections = NO_REJECTIONS
    for number in range(50):
        rejections = rejections.after(processed)
        block_reason = rejections.block_reason(max_dead_letters)
        if block_reason is not None:
            return number, block_reason
    return 50, None


@pytest.mark.parametrize("reason", ["empty_value", "integer_too_large", "undecodable"])
def test_records_of_any_other_reason_block_at_the_limit_of_the_setting(reason: str) -> None:
    assert passed(reason, max_dead_letters=20) == (20, "dead_letter_limit")


@pytest.mark.parametrize("policy", ["dead-letter", "skip"])
def test_internal_errors_block_after_ten_whatever_the_setting_is(policy: str) -> None:
    assert passed("internal_error", 1_000_000, policy) == (10, "internal_error")


def test_a_lower_limit_of_the_setting_holds_for_internal_errors_as_well() -> None:
    assert passed("internal_error", max_dead_letters=3) == (3, "dead_letter_limit")


def test_a_missing_write_key_does_not_block() -> None:
    assert passed("no_write_key", max_dead_letters=3) == (50, None)
