"""Takes the pictures of docs/, both pages of a demo that runs for half a minute; run with `make screenshots`."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from tests.support import COMMAND

DOCS = Path(__file__).parents[2] / "docs"
WAIT_MS = 40_000  # until the lines over time have some points
WINDOW = ViewportSize(width=1180, height=900)


def main() -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, "no Chromium: install Debian's package chromium, or name another with CHROMIUM"
    with (
        subprocess.Popen([COMMAND, "demo", "--keep"], stdout=subprocess.PIPE, text=True) as demo,
        sync_playwright() as playwright,
    ):
        assert demo.stdout
        addresses: list[str] = []
        while len(addresses) < 2:
            addresses += re.findall(r"http://127\.0\.0\.1:\d+/\S*", demo.stdout.readline())
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, address in zip(("status", "inbox"), addresses, strict=True):
            page = browser.new_page(viewport=WINDOW, color_scheme="light", device_scale_factor=1.5)
            page.goto(address)
            if name == "status":
                page.wait_for_timeout(WAIT_MS)
            else:
                page.locator("#events summary").first.click()
            page.screenshot(path=DOCS / f"{name}.png")
        browser.close()
        demo.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
