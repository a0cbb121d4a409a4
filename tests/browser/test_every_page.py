"""Every page that can be reached by links: no serious accessibility fault in light or dark, and nothing sticks out of a phone's screen."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page

from tests.browser.conftest import SignIn
from tests.browser.installation import Company

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"light": LEVELS, "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}  # the rest is the same in the dark
AXE = Axe().axe_script
NO_PAGES = ("/logout/", "/jsi18n/", "/autocomplete/", "/password_change/done/", ".png")
ENOUGH = 200  # patterns of addresses
DJANGOS = ("search-label-icon", "vDateField", "vTimeField")  # widgets of Django's own, on pages that only superusers open


def test_every_page_in_light_in_dark_and_on_a_phone(shop_and_books: Company, sign_in: SignIn) -> None:
    _some_of_everything(shop_and_books)
    faults: dict[str, list[str]] = {}
    seen: set[str] = set()
    for person in ("everything", "root"):
        page = sign_in(shop_and_books.user(person))
        seen.discard("/admin/")  # a superuser's leads further
        for pattern in reachable(page, seen):
            found = [*serious(page), *sticking_out(page)]
            if found:
                faults[pattern] = found
    assert not faults, json.dumps(faults, indent=1)
    assert len(seen) > 40


def _some_of_everything(made: Company) -> None:
    """Orders that went through, one that waits for a person, and a connection that has seen polls and webhooks."""
    made.place_orders(4)
    made.wait_for_orders(4)


def reachable(page: Page, seen: set[str]) -> Iterator[str]:
    """Opens one page of each kind that links lead to from here, and says its address with numbers as N."""
    waiting = deque([page.url])
    while waiting and len(seen) < ENOUGH:
        address = waiting.popleft()
        pattern = re.sub(r"\d+", "N", urlsplit(address).path)
        if pattern in seen or pattern.endswith(NO_PAGES):
            continue
        seen.add(pattern)
        if opens(page, address):
            yield pattern
            links = page.eval_on_selector_all("a[href]:not([hidden])", "links => links.map(link => link.href)")
            waiting += [
                link for link in links if urlsplit(link).netloc == urlsplit(page.url).netloc and ("/admin/" in link or "/account/" in link)
            ]


def opens(page: Page, address: str) -> bool:
    """Whether it is a page; a file to download is none."""
    try:
        answer = page.goto(address)
    except Error as error:
        if "Download is starting" in str(error):
            return False
        raise
    assert answer is not None
    assert answer.status == 200, f"{answer.status} {address}"
    return "html" in (answer.header_value("content-type") or "")


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical, and where."""
    page.evaluate(AXE)
    faults = []
    for scheme, rules in RULES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        options = {"resultTypes": ["violations"], "runOnly": rules, "preload": False}  # preloading injects styles, which our policy refuses
        found = page.evaluate("options => axe.run(document, options).then(found => found.violations)", options)
        places = ((one["id"], node["html"]) for one in found if one["impact"] in ("serious", "critical") for node in one["nodes"])
        faults += [f"{scheme}: {rule}: {html[:200]}" for rule, html in places if not any(widget in html for widget in DJANGOS)]
    return faults


def sticking_out(page: Page) -> list[str]:
    """How far the page is wider than a phone's screen, if it is."""
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if size:
        page.set_viewport_size(size)
    return [f"{wide} px wider than a phone"] if wide > 0 else []


def cut_off(page: Page) -> list[str]:
    """Panels that show a part of their width only, on a small screen and on a phone."""
    size, found = page.viewport_size, []
    for width in (1100, 390):
        page.set_viewport_size({"width": width, "height": 844})
        wide = "panels => panels.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText.slice(0, 40))"
        found += [f"cut off at {width} px: {one}" for one in page.eval_on_selector_all("#content .panel", wide)]
    if size:
        page.set_viewport_size(size)
    return found
