"""Support staff are asked for an order and find it from any page, with its proof."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.browser.installation import Company
from tests.browser.pages import find


def test_an_order_is_found_by_its_number_with_what_was_booked_for_it(shop_and_books: Company, sign_in: SignIn) -> None:
    order = shop_and_books.paid_order()
    page = sign_in(shop_and_books.user("support"))
    expect(page).to_have_title("Console | Tillbridge")
    find(page, order["number"])
    expect(page.get_by_text(order["total"]).filter(visible=True).first).to_be_visible()
    invoice = next(one for one in shop_and_books.books("books")["invoices"] if one["number"].endswith(order["number"]))
    expect(page.get_by_text(invoice["number"]).first).to_be_visible()
