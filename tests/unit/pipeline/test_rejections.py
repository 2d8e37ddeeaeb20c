"""How many rejected records block a partition: in a row in it, in a row in the whole member, and before a success."""

import pytest

from consumer.model import Blocked, DeadLetter, Rejected
from consumer.pipeline.blocks import describe_block
from consumer.pipeline.reject_policy import Discarded, RejectedRecord
from consumer.pipeline.rejections import (
    EVENT_MADE,
    NO_LIMIT,
    NO_REJECTIONS,
    RejectionLimits,
    Rejections,
)
from consumer.reasons import REJECTED, VALUE_REASONS, Reason
from tests.unit.pipeline.records import record

POLICIES = ["dead-letter", "skip"]
MAPPING_REASONS = set(REJECTED) - set(VALUE_REASONS) - {Reason.EMPTY_VALUE, Reason.STEPPED_OVER}


def rejected_record(reason: str, policy: str = "dead-letter", detail: str = "") -> RejectedRecord:
    rejected = Rejected(reason, "mapping", detail)
    return Discarded(rejected) if policy == "skip" else DeadLetter(record(0), rejected)


def passed(
    processed: RejectedRecord, limits: RejectionLimits, rejections: Rejections = NO_REJECTIONS
) -> tuple[int, str | None]:
    """How many such records in a row are passed, at most 50, and why the next one is not."""
    for number in range(50):
        rejections = rejections.after(processed)
        block = rejections.block(limits, processed.rejected)
        if block is not None:
            return number, block.reason
    return 50, None


def after(*reasons: str, rejections: Rejections = NO_REJECTIONS) -> Rejections:
    """After records that were rejected for these reasons, in this order."""
    for reason in reasons:
        rejections = rejections.after(rejected_record(reason))
    return rejections


# In a row, in one partition


@pytest.mark.parametrize("reason", ["empty_value", "integer_too_large", "undecodable"])
def test_records_of_any_other_reason_block_at_the_limit_of_the_setting(reason: str) -> None:
    assert passed(rejected_record(reason), RejectionLimits(20)) == (20, "dead_letter_limit")


@pytest.mark.parametrize("policy", POLICIES)
def test_internal_errors_block_after_ten_whatever_the_setting_is(policy: str) -> None:
    processed = rejected_record("internal_error", policy)
    assert passed(processed, RejectionLimits(1_000_000)) == (10, "internal_error")


def test_a_lower_limit_of_the_setting_holds_for_internal_errors_as_well() -> None:
    assert passed(rejected_record("internal_error"), RejectionLimits(3)) == (3, "dead_letter_limit")


def test_a_missing_write_key_does_not_count_for_its_partition() -> None:
    assert passed(rejected_record("no_write_key"), RejectionLimits(3)) == (50, None)


def test_records_that_are_skipped_do_not_count_for_their_partition() -> None:
    assert passed(rejected_record("undecodable", "skip"), RejectionLimits(3)) == (50, None)


def test_a_block_of_a_partition_names_its_last_rejected_record() -> None:
    last = rejected_record("invalid", detail="the last one")
    rejections = after(*["undecodable"] * 3).after(last)
    assert rejections.block(RejectionLimits(3), last.rejected) == Blocked("dead_letter_limit", last.rejected)


# In a row, in the whole member


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("reason", ["empty_value", "undecodable", "missing_required", "no_write_key"])
def test_rejected_records_of_all_partitions_in_a_row_block(reason: str, policy: str) -> None:
    limits = RejectionLimits(NO_LIMIT, in_member=20)
    assert passed(rejected_record(reason, policy), limits, EVENT_MADE) == (20, "everything_rejected")


def test_what_other_partitions_rejected_counts_and_what_they_made_ends_the_row() -> None:
    limits = RejectionLimits(in_partition=5, in_member=5)
    of_member = after(*["undecodable"] * 4, rejections=EVENT_MADE).of_member
    processed = rejected_record("undecodable")
    assert passed(processed, limits, Rejections(of_member=of_member)) == (1, "everything_rejected")
    assert passed(processed, limits, Rejections(of_member=EVENT_MADE.of_member)) == (5, "dead_letter_limit")


def test_a_block_of_the_member_names_the_most_frequent_reason_with_its_last_detail() -> None:
    rejections = after("undecodable", "undecodable").after(rejected_record("undecodable", detail="the last one"))
    rejections = after("invalid", "invalid", rejections=rejections)
    block = rejections.block(RejectionLimits(NO_LIMIT, in_member=4), Rejected("invalid", "mapping", ""))
    assert block == Blocked("everything_rejected", Rejected("undecodable", "mapping", "the last one"))


# Before the first success

BEFORE = RejectionLimits(NO_LIMIT, before_success=9)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("reason", [*VALUE_REASONS, *sorted(MAPPING_REASONS)])
def test_whatever_a_wrong_setting_can_cause_blocks_before_the_first_success(reason: Reason, policy: str) -> None:
    assert passed(rejected_record(reason, policy), BEFORE) == (9, "rejected_before_success")


@pytest.mark.parametrize("reason", [Reason.EMPTY_VALUE, Reason.STEPPED_OVER, "http_400"])
def test_what_no_setting_can_cause_does_not_count_before_the_first_success(reason: str) -> None:
    assert passed(rejected_record(reason), BEFORE) == (50, None)


def test_all_reasons_count_together_and_the_most_frequent_one_that_counts_is_named() -> None:
    rejections = after(*["empty_value"] * 30, *["undecodable"] * 4, "invalid", *["trailing_bytes"] * 4)
    assert rejections.block(BEFORE, Rejected("", "", "")) is None
    block = after("undecodable", rejections=rejections).block(BEFORE, Rejected("", "", ""))
    assert block == Blocked("rejected_before_success", Rejected("undecodable", "mapping", ""))


@pytest.mark.parametrize("reason", REJECTED)
def test_after_an_event_nothing_counts_as_before_the_first_success(reason: Reason) -> None:
    limits = RejectionLimits(NO_LIMIT, NO_LIMIT, before_success=1)
    rejections = after(*[reason] * 5, rejections=EVENT_MADE)
    assert rejections.of_member.block(limits) is None


@pytest.mark.parametrize("reason", VALUE_REASONS)
def test_a_record_that_a_contract_skips_shows_that_values_are_read_in_the_right_way(reason: Reason) -> None:
    rejections = after(*[reason] * 9).after_skips(["no_user_id"])
    assert passed(rejected_record(reason), BEFORE, rejections) == (50, None)


@pytest.mark.parametrize("reason", sorted(MAPPING_REASONS - {Reason.INTERNAL_ERROR}))
def test_a_record_that_a_contract_skips_hides_no_wrong_contract_and_no_wrong_write_key(reason: Reason) -> None:
    rejections = NO_REJECTIONS.after_skips(["no_user_id"])
    assert passed(rejected_record(reason), BEFORE, rejections) == (9, "rejected_before_success")


@pytest.mark.parametrize("skipped", [[], ["tombstone"], ["tombstone", "undecodable", "unknown_record", "http_400"]])
def test_what_is_skipped_for_a_reason_of_the_service_shows_nothing(skipped: list[str]) -> None:
    rejections = NO_REJECTIONS.after_skips(skipped)
    assert passed(rejected_record("undecodable"), BEFORE, rejections) == (9, "rejected_before_success")


def test_a_success_that_was_seen_is_not_forgotten() -> None:
    rejections = NO_REJECTIONS.after_skips(["no_user_id"]).after_skips([]).after(rejected_record("invalid"))
    assert passed(rejected_record("undecodable"), BEFORE, rejections) == (50, None)


def test_more_may_be_rejected_up_to_each_limit() -> None:
    limits = RejectionLimits(NO_LIMIT, in_member=4, before_success=2)
    undecodable = after("undecodable").of_member
    assert undecodable.may_reject_more(limits)
    for _ in range(2):
        undecodable = undecodable.after(Rejected("undecodable", "decoding", ""))
        assert not undecodable.may_reject_more(limits)
    after_event = after(*["undecodable"] * 3, rejections=EVENT_MADE).of_member
    assert after_event.may_reject_more(limits)
    assert not after_event.after(Rejected("undecodable", "decoding", "")).may_reject_more(limits)


# What an operator is told


@pytest.mark.parametrize(
    ("reason", "most_likely"),
    [
        ("undecodable", "SCHEMA_REGISTRY_URL"),
        ("trailing_bytes", "SCHEMA_REGISTRY_URL"),
        ("unknown_schema", "SCHEMA_REGISTRY_URL"),
        ("not_framed", "AVRO_FRAMING"),
        ("unknown_record", "SCHEMAS_DIR"),
        ("missing_required", "SCHEMAS_DIR"),
        ("no_write_key", "SEGMENT_WRITE_KEYS"),
    ],
)
def test_a_block_names_the_most_likely_setting_first(reason: str, most_likely: str) -> None:
    fields = describe_block(0, Blocked("rejected_before_success", Rejected(reason, "mapping", "a hint")))
    assert (fields["reject_reason"], fields["detail"]) == (reason, "a hint")
    assert fields["settings"].split(", ")[0] == most_likely


def test_a_block_for_a_record_alone_names_no_setting_and_a_block_for_no_rejected_record_says_nothing() -> None:
    assert describe_block(0, Blocked("dead_letter_limit", Rejected("empty_value", "framing", "")))["settings"] == ""
    assert describe_block(0, Blocked("dead_letter_limit", Rejected("http_400", "delivery", "")))["settings"] == ""
    assert describe_block(0, Blocked("unreadable_batch")) == {}
