"""What stories do on pages."""

from __future__ import annotations

import time

from playwright.sync_api import Page


def reload_until(page: Page, text: str, seconds: float = 60) -> None:
    """Look again until the page says it, as a person waiting for an order does."""
    deadline = time.monotonic() + seconds
    while not page.get_by_text(text).first.is_visible():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {text!r} on {page.url}:\n{page.locator('body').inner_text()[:3000]}"
        page.wait_for_timeout(300)
        page.reload()


def find(page: Page, text: str) -> None:
    """Use the search that every page carries."""
    box = page.get_by_role("searchbox").first
    box.fill(text)
    box.press("Enter")
    page.wait_for_load_state()
