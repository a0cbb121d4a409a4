"""A bookkeeper who may connect sets WooCommerce -> FreshBooks up from nothing, leaves, comes back, and sees the first invoice."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.installation import Company
from tests.browser.test_every_page import cut_off, serious, sticking_out

BOOKED = (
    "SELECT COUNT(*) >= {count} FROM flows_syncrecord r JOIN flows_flow f ON f.id = r.flow_id "
    "WHERE f.organization_id = {organization} AND r.outcome IN ('done', 'adopted')"
)


def is_sound(page: Page) -> None:
    """By axe in light and dark, and on a phone's width, where no panel hides a part of itself."""
    faults = [*serious(page), *sticking_out(page), *cut_off(page)]
    assert faults == [], (page.url, faults)


def go_on(page: Page, button: str = "Continue") -> None:
    page.get_by_role("button", name=button, exact=True).click()


def connect_shop(page: Page, company: Company) -> None:
    """The shop hands its keys over: its administrator approves there."""
    page.get_by_label("Address:").fill(company.sandboxes["woocommerce"]["connection"]["base_url"])
    go_on(page, "Make this connection")
    expect(page.get_by_role("heading", name="Where to find this: the guide to WooCommerce")).to_be_visible()
    is_sound(page)
    go_on(page, "Let WooCommerce hand over its keys")
    page.get_by_role("link", name="Approve").click()
    expect(page.get_by_text("is connected and answers.")).to_be_visible()


def connect_books(page: Page, company: Company) -> None:
    """A sign-in at the books."""
    wanted = company.sandboxes["freshbooks"]["connection"]
    go_on(page, "Make this connection")
    page.get_by_label("Client ID:").fill(wanted["secrets"]["client_id"])
    page.get_by_label("Client secret:").fill(wanted["secrets"]["client_secret"])
    page.get_by_text("More settings").click()
    page.get_by_label("Other addresses:").fill(json.dumps(wanted["urls"]))
    go_on(page, "Save and sign in at FreshBooks")
    go_on(page, "Allow")
    expect(page.get_by_text("is connected and answers.")).to_be_visible()
    expect(page.get_by_role("heading", level=1, name="Connect FreshBooks")).to_be_visible()


def writes(company: Company) -> list[str]:
    """What was changed at either side, by the sandboxes' own count."""
    counted = {name for platform in ("woocommerce", "freshbooks") for name in company.ask(platform, "counters")}
    return sorted(name for name in counted if name.startswith(("POST ", "PUT ", "PATCH ", "DELETE ")) and "token" not in name)


def test_from_nothing_to_the_first_invoice(new_company: Company, sign_in: SignIn) -> None:
    new_company.place_orders(5, seed=3)
    page = sign_in(new_company.user("everything"))
    page.locator("#content").get_by_role("link", name="Set up a flow").click()
    page.get_by_label("From:").select_option(label="WooCommerce")
    page.get_by_label("To:").select_option(label="FreshBooks")
    go_on(page)
    expect(page.get_by_label("Orders become invoices")).to_be_checked()
    is_sound(page)
    go_on(page)
    connect_shop(page, new_company)
    go_on(page)
    connect_books(page, new_company)

    # left here, and resumed from the first page by a bookkeeper who holds no keys
    page = sign_in(new_company.user("bookkeeper"))
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_text("FreshBooks is connected and answered to its last test.")).to_be_visible()
    expect(page.get_by_label("Client secret:")).to_have_count(0)
    go_on(page)
    expect(page.get_by_role("button", name="Test both sides")).to_have_count(0)

    page = sign_in(new_company.user("everything"))
    page.get_by_role("link", name="Go on").click()
    go_on(page, "Test both sides")
    expect(page.get_by_role("row", name="Change orders and write notes on them ok")).to_be_visible()
    expect(page.get_by_role("row", name="Read invoices ok")).to_be_visible()
    is_sound(page)
    go_on(page)

    is_sound(page)
    page.get_by_label("Invoice number prefix:").fill("WEB-")
    go_on(page, "Save and continue")
    expect(page.get_by_label("What stands for PayPal")).to_have_value("PayPal")
    is_sound(page)
    for platform in ("woocommerce", "freshbooks"):
        new_company.ask(platform, "forget")
    go_on(page, "Save and continue")
    go_on(page, "Try it out")
    expect(page.get_by_role("status")).to_contain_text("5")
    exact = page.locator("section.trial", has=page.get_by_text("exact", exact=True))
    numbers = [text.strip() for text in exact.locator(".tried-number").all_inner_texts()]
    assert numbers
    is_sound(page)
    assert writes(new_company) == [], "a dry run writes nothing"
    go_on(page)

    is_sound(page)
    page.get_by_label("Also bring over what is there already since that day").check()
    page.get_by_label("From:").fill("2020-01-01")
    go_on(page, "Switch it on")
    expect(page.get_by_text("arrived", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("cell", name="exact")).to_be_visible()
    is_sound(page)
    new_company.wait_for(BOOKED.format(count=len(numbers), organization="{organization}"))
    invoices = {invoice["number"] for invoice in new_company.books("books")["invoices"]}
    assert invoices == {f"WEB-{number}" for number in numbers}

    page.get_by_role("link", name="To the first page").click()
    expect(page.locator("#content").get_by_role("link", name="Set up a flow")).to_be_visible()
    expect(page.get_by_role("link", name="Go on")).to_have_count(0)
    reader = sign_in(new_company.user("support"))
    expect(reader.get_by_role("link", name="Set up a flow")).to_have_count(0)
