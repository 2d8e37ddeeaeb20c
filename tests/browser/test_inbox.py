"""The inbox of the Segment stand-in, and the demo that keeps both pages up."""

import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
from playwright.sync_api import expect

from consumer.demo import inbox
from consumer.demo.segment_server import SegmentStandIn
from tests.browser.conftest import OpenPage
from tests.support import COMMAND

KEY = "key-that-no-page-shows"


@contextmanager
def stand_in() -> Iterator[SegmentStandIn]:
    with SegmentStandIn([KEY]) as segment:
        segment.pages = inbox.pages(segment, {KEY: "production"})
        yield segment


def post(segment: SegmentStandIn, *events: Mapping[str, object]) -> None:
    batch = [{"type": "track", "messageId": str(id(event)), **event} for event in events]
    body = {"batch": batch, "writeKey": KEY}
    httpx.post(segment.url, json=body, trust_env=False).raise_for_status()


def test_received_events_are_listed_and_can_be_opened(opened: OpenPage) -> None:
    properties = {"questionType": "nps", "response": 9}
    event: dict[str, object] = {"event": "Answered", "userId": "u-1", "properties": properties}
    with stand_in() as segment, opened(segment.front) as page:
        expect(page.locator("#accepted")).to_have_text("0")
        post(segment, event)
        expect(page.locator("#events details")).to_have_count(1)
        page.locator("#events summary").click()
        expect(page.locator("#events pre")).to_contain_text('"response": 9')
        post(segment, event | {"userId": "u-2"})
        expect(page.locator("#events details").first).to_contain_text("u-2")
        expect(page.locator("#events pre")).to_be_visible()  # an opened event stays open
        assert KEY not in page.content()


def test_events_that_a_200_dropped_are_listed(opened: OpenPage) -> None:
    with stand_in() as segment, opened(segment.front) as page:
        post(segment, {"event": "No user"})
        expect(page.locator("#dropped tr")).to_have_count(1)
        expect(page.locator("#dropped")).not_to_contain_text("nothing")
        expect(page.locator("#accepted")).to_have_text("0")


def test_the_demo_keeps_both_pages_up_until_it_is_interrupted(opened: OpenPage) -> None:
    command = [COMMAND, "demo", "--count", "200", "--keep"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
        try:
            assert demo.stdout
            printed = iter(demo.stdout.readline, "")
            addresses: list[str] = []
            while len(addresses) < 2:
                addresses += re.findall(r"http://127\.0\.0\.1:\d+/\S*", next(printed))
            status, inbox_address = addresses
            with opened(status) as page:
                expect(page.locator("#state")).to_have_text("running")
            with opened(inbox_address) as page:
                expect(page.locator("#events details").first).to_be_visible()
            demo.send_signal(signal.SIGINT)
            assert demo.wait(30) == 0
        finally:
            demo.kill()
