"""The status page in a real browser."""

import re
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from consumer.kafka.group_report import group_report
from consumer.kafka.group_view import GroupMember, GroupPartition, GroupState, GroupView
from consumer.observability.recent_logs import LogLine
from consumer.observability.snapshot import Block, PartitionState
from consumer.waits import Wait, WaitKind
from tests.browser.conftest import OpenPage, Service

WIDTH = 360
PHONE: dict[str, Any] = {"viewport": {"width": WIDTH, "height": 740}, "is_mobile": True, "device_scale_factor": 2}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
WINDOWS = pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])

# The words that are on more than one line although they would fit into one, in each block of text.
BROKEN_WORDS = """() => {
  const broken = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const element = text.parentElement;
    for (const { index, 0: word } of text.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      const lines = new Set([...range.getClientRects()].map((rect) => Math.round(rect.top)));
      if (element.checkVisibility() && lines.size > 1 && word.length < 20) broken.push(word);
    }
  }
  return broken;
}"""


def a_group() -> Mapping[str, Any]:
    now = int(time.time() * 1000)
    first = GroupMember("a", "client-of-this-member", "10.0.0.1", partitions=(0,))
    second = GroupMember("b", "client-of-another", "10.0.0.2", partitions=(1,))
    idle = GroupMember("c", "idle-client", "<b>no host</b>")
    partitions = (
        GroupPartition(0, first, committed=93, begin=0, end=100, moved_at=now - 2000, oldest_at=now - 1000, block=""),
        GroupPartition(1, second, committed=5, begin=0, end=9, moved_at=now - 3_600_000, oldest_at=now - 3_600_000),
        GroupPartition(2, None, committed=5, begin=0, end=9, moved_at=now - 2000, oldest_at=now - 1000),
        GroupPartition(3, second),
    )
    return group_report(GroupView("answers", "segment", GroupState.STABLE, partitions, (first, second, idle), now))


def row(page: Page, number: int) -> Any:
    return page.locator("#partitions tr").nth(number)


def test_it_shows_the_present_state_and_its_changes(service: Service, opened: OpenPage) -> None:
    service.publish(1200)
    with service.served() as address, opened(address) as page:
        expect(page).to_have_title("running · sprig-to-segment")
        expect(page.locator("#service")).to_contain_text(
            "answers → events.eu1.segmentapis.com, group segment, version 1.2.3"
        )
        expect(page.locator("#records")).to_contain_text("delivered1,200")
        expect(page.locator("#lag")).to_have_text("7")
        expect(page.locator("#partitions tr")).to_have_count(2)
        expect(page.locator("#partitions")).to_contain_text("paused: its buffer is full")
        expect(page.locator("#balance")).to_contain_text("Every record is accounted for")
        service.publish(1300, partitions={4: PartitionState(lag=0)})
        expect(page.locator("#records")).to_contain_text("delivered1,300")
        expect(page.locator("#lag")).to_have_text("0")
        expect(page.locator("#partitions tr")).to_have_count(1)


def test_it_shows_why_and_since_when_delivery_is_blocked(service: Service, opened: OpenPage) -> None:
    block = Block("key of production", "http_401", time.time() - 300, records="0:17")
    service.publish(1, blocks=[block], open_until={"production": time.monotonic() + 90})
    with service.served() as address, opened(address) as page:
        expect(page.locator("#state")).to_have_text("blocked")
        conditions = page.locator("#conditions")
        expect(conditions).to_contain_text("blocked: key of production")
        expect(conditions).to_contain_text("Segment refuses the write key")
        expect(conditions).to_contain_text("for 5 min")
        expect(conditions).to_contain_text("Nothing is lost.")
        expect(conditions.locator(".command")).to_have_text("sprig-to-segment check")
        expect(page.locator("#retry_waits")).to_contain_text("Next request of production in")
        service.publish(2)
        expect(page.locator("#state")).to_have_text("running")
        expect(conditions).to_contain_text("Nothing stops or slows delivery.")


def test_it_names_the_reason_and_the_settings_if_rejected_records_block_a_partition(
    service: Service, opened: OpenPage
) -> None:
    cause = "undecodable", "<b>a hint</b>", "SCHEMA_REGISTRY_URL, AVRO_FRAMING"
    service.publish(1, blocks=[Block("partition 3", "rejected_before_success", time.time(), *cause)])
    with service.served() as address, opened(address) as page:
        conditions = page.locator("#conditions")
        expect(conditions).to_contain_text("blocked: partition 3")
        expect(conditions).to_contain_text("undecodable: <b>a hint</b>")
        expect(conditions).to_contain_text("SCHEMA_REGISTRY_URL, AVRO_FRAMING")


def test_a_wait_has_its_start_its_reason_and_its_next_try(service: Service, opened: OpenPage) -> None:
    now = time.monotonic()
    service.publish(1, waits=[Wait(WaitKind.SEGMENT, "production", now - 300, "http_503", now + 3000)])
    with service.served() as address, opened(address) as page:
        expect(page.locator("#state")).to_have_text("waiting for Segment")
        expect(page.locator("#state")).to_have_class(re.compile("warn"))
        for text in ("http_503", "for 5 min", "in 50 min"):
            expect(page.locator("#conditions")).to_contain_text(text)


def test_the_worst_condition_is_open_and_an_opened_one_stays_open(service: Service, opened: OpenPage) -> None:
    waits = [Wait(WaitKind.REGISTRY, "", time.monotonic() - 9, "no route"), Wait(WaitKind.KAFKA, "", 0.0, "no broker")]
    service.publish(1, waits=waits)
    with service.served() as address, opened(address) as page:
        expect(page.locator("#state")).to_have_text("no answer from Kafka")
        expect(page.locator("#conditions")).to_contain_text("no broker")
        other = page.locator("#conditions details")
        other.locator("summary").click()
        service.publish(77, waits=waits)
        expect(page.locator("#records")).to_contain_text("delivered77")
        expect(other.get_by_text("no route")).to_be_visible()


def test_a_condition_leads_to_its_section_of_the_runbook(service: Service, opened: OpenPage) -> None:
    service.publish(1, blocks=[Block("key", "http_404", time.time())])
    with service.served() as address, opened(address) as page:
        page.get_by_role("link", name="Open the runbook at this section.").click()
        expect(page.locator("tr:target")).to_contain_text("There is no batch endpoint")


def test_the_whole_group_is_shown_and_another_member_is_linked(service: Service, opened: OpenPage) -> None:
    service.publish(1, partitions={0: PartitionState(lag=7)})
    service.group = a_group()
    with service.served() as address, opened(address) as page:
        expect(page.locator("#partitions tr")).to_have_count(4)
        expect(row(page, 0)).to_contain_text("client-of-this-member at 10.0.0.1 (this member)")
        expect(row(page, 1)).to_contain_text("does not move")
        expect(row(page, 1).get_by_role("link")).to_have_attribute("href", "http://10.0.0.2:8080/")
        expect(row(page, 2)).to_contain_text("no owner")
        expect(page.locator("#idle")).to_contain_text("idle-client at <b>no host</b>")
        assert page.locator("#idle a, #idle b").count() == 0


def test_the_state_of_an_own_partition_says_what_this_member_knows(service: Service, opened: OpenPage) -> None:
    service.group = a_group()
    service.publish(1, partitions={0: PartitionState(lag=7)})
    with service.served() as address, opened(address) as page:
        expect(row(page, 0).locator("[data-label='State']")).to_have_text("7 waiting")
        waits = [Wait(WaitKind.SEGMENT, "", time.monotonic(), "http_503")]
        service.publish(1, partitions={0: PartitionState(lag=7)}, waits=waits)
        expect(row(page, 0).locator("[data-label='State']")).to_contain_text("waiting: see above")
        service.publish(1, partitions={0: PartitionState(lag=7, block="http_401")})
        expect(row(page, 0).locator("[data-label='State']")).to_have_text("blocked: http_401")


def test_a_record_in_memory_waits_although_the_group_was_read_before_it_came(
    service: Service, opened: OpenPage
) -> None:
    report = a_group()
    settled = {**report["partitions"][0], "lag": 0}
    service.group = {**report, "partitions": [settled, *report["partitions"][1:]]}
    waits = [Wait(WaitKind.SEGMENT, "", time.monotonic(), "http_503")]
    service.publish(1, partitions={0: PartitionState(lag=2, records=2)}, waits=waits)
    with service.served() as address, opened(address) as page:
        expect(row(page, 0).locator("[data-label='State']")).to_contain_text("waiting: see above")
        service.publish(1, partitions={0: PartitionState(lag=2, records=2)})
        expect(row(page, 0).locator("[data-label='State']")).to_have_text("2 waiting")


def test_an_old_group_and_unknown_members_are_said_to_be_so(service: Service, opened: OpenPage) -> None:
    service.publish(1)
    old = GroupView("answers", "segment", GroupState.UNKNOWN, read_at=int((time.time() - 90) * 1000))
    service.group = group_report(old)
    with service.served() as address, opened(address) as page:
        expect(page.locator("#group_about")).to_contain_text("Old:")
        expect(page.locator("#group_about")).to_contain_text("its members unknown")


def test_what_is_not_known_is_shown_as_unknown(service: Service, opened: OpenPage) -> None:
    service.publish(1, partitions={0: PartitionState(lag=-1)})
    service.group = a_group()
    with service.served() as address, opened(address) as page:
        expect(page.locator("#lag")).to_have_text("unknown")
        for label in ("State", "Lag", "Offset last moved", "Oldest waiting"):
            expect(row(page, 3).locator(f"[data-label='{label}']")).to_have_text("unknown")


def test_the_value_under_the_pointer_is_shown_with_its_time(service: Service, opened: OpenPage) -> None:
    service.publish(1)
    start = int(time.time()) - 300
    service.points = [(float(start + 5 * index), 50 * index, 3.0) for index in range(4)]
    second = time.strftime("%H:%M:%S", time.gmtime(start + 5))
    with service.served() as address, opened(address) as page:
        expect(page.locator("#rates .axis").last).to_contain_text(second)
        page.locator("#rates svg").hover(position={"x": 2, "y": 10})
        expect(page.locator("#rates .readout")).to_have_text(f"{second}: 10.0 / s")
        page.locator("#state").hover()
        expect(page.locator("#rates .readout")).to_be_empty()


def test_each_reason_has_the_command_that_lists_its_dead_letters(service: Service, opened: OpenPage) -> None:
    service.publish(1)
    service.snapshot.counters.dead_lettered["undecodable"] += 3
    with service.served() as address, opened(address) as page:
        expect(page.locator("#dead_lettered")).to_contain_text("its schema does not describe these bytes")
        command = page.locator("#dead_lettered .command")
        expect(command).to_have_text("sprig-to-segment dead-letters list --reason undecodable")
        page.locator("#dead_lettered button").click()
        expect(page.locator("#dead_lettered button")).to_have_text(re.compile("Copied|Selected"))


def test_an_unaccounted_record_is_shown_as_a_defect(service: Service, opened: OpenPage) -> None:
    service.publish(5, waiting=-1)
    with service.served() as address, opened(address) as page:
        expect(page.locator("#balance")).to_have_text("1 unaccounted for: a defect")
        expect(page.locator("#state")).to_have_text("defect")


def test_texts_from_outside_are_not_read_as_html(service: Service, opened: OpenPage) -> None:
    service.lines.append(LogLine(time.time(), "error", "<img src=x onerror=alert(1)>", 3, {"error": "<b>bold</b>"}))
    with service.served() as address, opened(address) as page:
        expect(page.locator("#errors")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(page.locator("#errors")).to_contain_text("error=<b>bold</b>")
        expect(page.locator("#errors")).to_contain_text("3 times")
        assert page.locator("#errors img, #errors .fields b").count() == 0


def test_the_badge_says_that_the_service_is_gone_and_the_page_survives_its_restart(
    service: Service, opened: OpenPage
) -> None:
    with ExitStack() as first:
        address = first.enter_context(service.served())
        with opened(address, restarts=True) as page:
            service.publish(10)
            expect(page.locator("#records")).to_contain_text("delivered10")
            first.close()
            expect(page.locator("#state")).to_have_text("no answer from the service", timeout=20_000)
            expect(page.locator("#state")).to_have_class(re.compile("bad"))
            expect(page.locator("#conditions")).to_contain_text(re.compile(r"since \d\d:\d\d:\d\d UTC"))
            expect(page.locator("#live")).to_contain_text("no answer since")
            expect(page.locator("#records")).to_contain_text("delivered10")  # dimmed, and still shown
            service.publish(2)
            with service.served(urlsplit(address).port or 0):
                expect(page.locator("#records")).to_contain_text("delivered2", timeout=20_000)
                expect(page.locator("#state")).to_have_text("running")
                expect(page.locator("#live")).to_contain_text("live")


def test_it_follows_the_reader_s_colour_scheme(service: Service, opened: OpenPage) -> None:
    def brightness(scheme: str) -> int:
        with service.served() as address, opened(address, color_scheme=scheme) as page:
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert brightness("dark") < 200
    assert brightness("light") > 600


def has_room(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@WINDOWS
def test_nothing_is_cut_off_and_no_word_is_broken(service: Service, opened: OpenPage, window: dict[str, Any]) -> None:
    now = time.monotonic()
    waits = [Wait(kind, "production", now - 9, "a reason: " + "x" * 300) for kind in WaitKind]
    blocks = [
        Block("partition 3", "rejected_before_success", time.time(), "undecodable", "y" * 90, "KAFKA_TOPIC", "3:1")
    ]
    partitions = {number: PartitionState(lag=10**7 + number, records=999) for number in range(2)}
    service.publish(123_456_789, partitions=partitions, waits=waits, blocks=blocks)
    service.snapshot.counters.dead_lettered["missing_required"] += 10**7
    service.group = a_group()
    service.lines.append(LogLine(time.time(), "warning", "Segment request failed", 7, {"reason": "http_503" * 20}))
    with service.served() as address, opened(address, **window) as page:
        expect(page.locator("#partitions tr")).to_have_count(4)
        for summary in page.locator("#conditions summary").all():
            summary.click()
        assert page.evaluate(BROKEN_WORDS) == []
        assert has_room(page)


@WINDOWS
def test_the_runbook_has_room_in_each_window(service: Service, opened: OpenPage, window: dict[str, Any]) -> None:
    with service.served() as address, opened(f"{address}docs/runbook", **window) as page:
        expect(page.locator("h1")).to_have_text("Runbook")
        assert has_room(page)
