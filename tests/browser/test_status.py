"""The status page in a real browser."""

import re
import time
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import expect

from consumer.observability.recent_logs import LogLine
from consumer.observability.snapshot import Block, PartitionState
from tests.browser.conftest import OpenPage, Service

WIDTH = 360
PHONE: dict[str, Any] = {"viewport": {"width": WIDTH, "height": 740}, "is_mobile": True, "device_scale_factor": 2}


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
        expect(page.locator("#balance")).to_have_text("Every record is accounted for.")
        service.publish(1300, partitions={4: PartitionState(lag=0)})
        expect(page.locator("#records")).to_contain_text("delivered1,300")
        expect(page.locator("#lag")).to_have_text("0")
        expect(page.locator("#partitions tr")).to_have_count(1)


def test_it_shows_why_and_since_when_delivery_is_blocked(service: Service, opened: OpenPage) -> None:
    block = Block("key of production", "http_401", time.time() - 300)
    service.publish(1, blocks=[block], open_until={"production": time.monotonic() + 90})
    with service.served() as address, opened(address) as page:
        expect(page.locator("#state")).to_have_text("blocked")
        expect(page.locator("#blocks")).to_contain_text("key of production is blocked: Segment refuses the write key")
        expect(page.locator("#blocks")).to_contain_text("for 5 min: http_401")
        expect(page.locator("#blocks")).to_contain_text("Nothing is lost.")
        expect(page.locator("#retry_waits")).to_contain_text("next request of production in")
        service.publish(2)
        expect(page.locator("#state")).to_have_text("running")
        expect(page.locator("#blocks")).to_be_empty()


def test_it_names_the_reason_and_the_settings_if_rejected_records_block_a_partition(
    service: Service, opened: OpenPage
) -> None:
    cause = "undecodable", "<b>a hint</b>", "SCHEMA_REGISTRY_URL, AVRO_FRAMING"
    service.publish(1, blocks=[Block("partition 3", "rejected_before_success", time.time(), *cause)])
    with service.served() as address, opened(address) as page:
        expect(page.locator("#blocks")).to_contain_text("partition 3 is blocked")
        expect(page.locator("#blocks")).to_contain_text(
            "Rejected as undecodable: <b>a hint</b>. Check SCHEMA_REGISTRY_URL, AVRO_FRAMING."
        )


def test_an_unaccounted_record_is_shown_as_a_defect(service: Service, opened: OpenPage) -> None:
    service.publish(5, waiting=-1)
    with service.served() as address, opened(address) as page:
        expect(page.locator("#balance")).to_have_text("1 unaccounted for: a defect")


def test_texts_from_outside_are_not_read_as_html(service: Service, opened: OpenPage) -> None:
    service.lines.append(LogLine(time.time(), "error", "<img src=x onerror=alert(1)>", 3, {"error": "<b>bold</b>"}))
    with service.served() as address, opened(address) as page:
        expect(page.locator("#errors")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(page.locator("#errors")).to_contain_text("error=<b>bold</b>")
        expect(page.locator("#errors")).to_contain_text("3 times")
        assert page.locator("#errors img, #errors b").count() == 0


def test_it_survives_a_restart_of_the_service(service: Service, opened: OpenPage) -> None:
    with ExitStack() as first:
        address = first.enter_context(service.served())
        with opened(address, restarts=True) as page:
            service.publish(10)
            expect(page.locator("#records")).to_contain_text("delivered10")
            first.close()
            expect(page.locator("#live")).to_contain_text("no response since", timeout=20_000)
            expect(page.locator("#records")).to_contain_text("delivered10")  # dimmed, and still shown
            service.publish(2)
            with service.served(urlsplit(address).port or 0):
                expect(page.locator("#records")).to_contain_text("delivered2", timeout=20_000)
                expect(page.locator("#live")).to_contain_text("live")


def test_it_follows_the_reader_s_colour_scheme(service: Service, opened: OpenPage) -> None:
    def brightness(scheme: str) -> int:
        with service.served() as address, opened(address, color_scheme=scheme) as page:
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert brightness("dark") < 200
    assert brightness("light") > 600


def test_a_phone_shows_it_without_scrolling_sideways(service: Service, opened: OpenPage) -> None:
    service.publish(
        123_456_789, partitions={number: PartitionState(lag=10**7 + number, records=999) for number in range(12)}
    )
    service.lines.append(LogLine(time.time(), "warning", "Segment request failed", 7, {"reason": "http_503" * 20}))
    with service.served() as address, opened(address, **PHONE) as page:
        expect(page.locator("#partitions tr")).to_have_count(12)
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
