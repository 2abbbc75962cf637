"""Headless Chromium of the system, driven by Playwright.

Example:
    with browser.chromium() as chromium:
        page = chromium.new_page()
        page.goto("http://127.0.0.1:8500/")
        page.evaluate("document.title")
"""

import contextlib
import shutil
from collections.abc import Iterator

import pytest
from playwright import sync_api

_BINARY = shutil.which("chromium")

needs_chromium = pytest.mark.skipif(
    _BINARY is None, reason="Chromium is not installed (Debian: chromium)"
)


@contextlib.contextmanager
def chromium() -> Iterator[sync_api.Browser]:
    """Yields a browser, which is closed at the end of the block."""
    with sync_api.sync_playwright() as playwright:
        # The sandbox refuses root; containers have little shared memory.
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=_BINARY, args=flags)
        try:
            yield browser
        finally:
            browser.close()
