"""Everything that a mouse reaches is reached by the keyboard alone, and whoever tabs there sees where they are."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.installation import Company
from tests.browser.pages import find

# What has the focus: its name, whether it lies in the page's own part, and whether it can be seen that it has it.
FOCUS = """() => {
    const here = document.activeElement, box = here.getBoundingClientRect(), style = getComputedStyle(here);
    const marked = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
    const name = (here.getAttribute('aria-label') || here.innerText || here.value || here.name || '').trim();
    return {name, tag: here.tagName, shown: box.width > 0 && box.height > 0, marked};
}"""
REACHABLE = """() => [...document.querySelectorAll('#content :is(a[href], button, input:not([type=hidden]), select, summary)')]
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled && one.tabIndex >= 0).length"""
INSIDE = "() => document.activeElement.closest('#content') !== null"


def tab_to(page: Page, name: str, most: int = 150) -> None:
    """Press Tab until that has the focus; each stop on the way must be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUS)
        assert here["tag"] == "BODY" or (here["shown"] and here["marked"]), (page.url, here)
        if here["name"] == name:
            return
    raise AssertionError(f"Tab never came to {name!r} on {page.url}")


def test_an_order_is_found_looked_at_and_replayed_without_a_mouse(shop_and_books: Company, sign_in: SignIn) -> None:
    order = shop_and_books.paid_order()
    page = sign_in(shop_and_books.user("support"))
    find(page, order["number"])
    reachable, stops = page.evaluate(REACHABLE), 0
    for _ in range(300):
        page.keyboard.press("Tab")
        stops += page.evaluate(INSIDE)
        if stops and not page.evaluate(INSIDE):
            break
    assert stops == reachable, "each link and button of the page is one stop"
    page.reload()
    tab_to(page, "Replay")
    page.keyboard.press("Enter")  # it asks first
    tab_to(page, "Yes, replay", most=3)
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("is queued again")
