"""The guided path from nothing to the first invoice, as an owner clicks through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from tests.browser.installation import Company
from tests.browser.test_setting_up import connect_books


def begin(page: Page, _: Company) -> None:
    page.get_by_label("From:").select_option(label="WooCommerce")
    page.get_by_label("To:").select_option(label="FreshBooks")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Connect WooCommerce", level=1).wait_for()
    page.get_by_label("Name:").fill("Tea shop")
    page.get_by_label("Address:").fill("https://tearoom.example")
    page.get_by_role("button", name="Make this connection").click()


def shop_keys(page: Page, made: Company) -> None:
    known = made.sandboxes["woocommerce"]["connection"]
    page.get_by_label("Address:").fill(known["base_url"])
    page.get_by_label("Consumer key:").fill(known["secrets"]["consumer_key"])
    page.get_by_label("Consumer secret:").fill(known["secrets"]["consumer_secret"])
    page.get_by_role("button", name="Save and continue").click()


def books_sign_in(page: Page, made: Company) -> None:
    connect_books(page, made)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Test both sides").click()


def presses(name: str) -> Callable[[Page, Company], None]:
    """A step where what is proposed is taken."""
    return lambda page, _: page.get_by_role("button", name=name).click()


def mappings(page: Page, made: Company) -> None:
    presses("Save and continue")(page, made)
    presses("Try it out")(page, made)


def start(page: Page, made: Company) -> None:
    presses("Switch it on")(page, made)
    made.shop("place_orders", count=1, seed=8)
    page.get_by_text("arrived", exact=True).wait_for(timeout=60_000)


STEPS: Mapping[str, Callable[[Page, Company], None]] = {
    "Set up a flow": begin,
    "Connect WooCommerce": shop_keys,
    "Connect FreshBooks": books_sign_in,
    "Test both sides": presses("Continue"),
    "How it works": presses("Save and continue"),
    "What is called what": mappings,
    "Try it out": presses("Continue"),
    "Switch it on": start,
}


def follow(page: Page, made: Company, until: str) -> None:
    """From the first page on, wherever the path was left, to the step with this heading."""
    goes_on = page.get_by_role("link", name="Go on")
    (goes_on if goes_on.count() else page.get_by_role("link", name="Set up a flow")).first.click()
    while (heading := page.locator("h1").first.inner_text()) != until:
        STEPS[heading](page, made)
        page.wait_for_load_state()
