"""Takes the pictures of docs/: both pages of a demo that goes on for half a minute, by hand: `make screenshots`."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from tests.support import COMMAND

DOCS = Path(__file__).parents[2] / "docs"
WATCHED = 40_000  # milliseconds, for some points of the lines over time
WINDOW = ViewportSize(width=1180, height=900)


def main() -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, "Chromium is not here: install Debian's package chromium, or name another by CHROMIUM"
    with (
        subprocess.Popen([COMMAND, "demo", "--keep"], stdout=subprocess.PIPE, text=True) as demo,
        sync_playwright() as it,
    ):
        assert demo.stdout
        addresses: list[str] = []
        while len(addresses) < 2:
            addresses += re.findall(r"http://127\.0\.0\.1:\d+/\S*", demo.stdout.readline())
        browser = it.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, address in zip(("status", "inbox"), addresses, strict=True):
            page = browser.new_page(viewport=WINDOW, color_scheme="light", device_scale_factor=1.5)
            page.goto(address)
            if name == "status":
                page.wait_for_timeout(WATCHED)
            else:
                page.locator("#events summary").first.click()
            page.screenshot(path=DOCS / f"{name}.png")
        browser.close()
        demo.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
