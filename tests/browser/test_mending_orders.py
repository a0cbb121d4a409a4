"""Support staff find an order by number, read why it is stuck and replay it; many at once; and a look back with today's options."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.installation import Company
from tests.browser.pages import find, reload_until
from tests.browser.test_every_page import cut_off


def booked(made: Company) -> tuple[dict[str, Any], dict[str, Any]]:
    """A paid order and its invoice."""
    order = made.paid_order()
    proven = "SELECT COUNT(*) > 0 FROM flows_syncrecord r JOIN flows_flow f ON f.id = r.flow_id WHERE f.organization_id = {organization}"
    made.wait_for(f"{proven} AND r.number = '{order['number']}' AND r.exact")
    return order, next(one for one in made.books("books")["invoices"] if one["number"] == order["number"])


def order_page(page: Page, made: Company, order: dict[str, Any]) -> None:
    """The order's own page, by the search that every page carries."""
    find(page, order["number"])
    expect(page.get_by_role("heading", name="Order and invoice")).to_be_visible()


def do(page: Page, what: str, reason: str = "") -> None:
    """Press a button that asks first, and say yes."""
    page.locator("summary", has_text=what).first.click()
    if reason:
        page.get_by_label("Why?").fill(reason)
    page.get_by_role("button", name=f"Yes, {what.lower()}").click()


def test_an_order_is_found_by_number_its_cause_read_and_replayed(shop_and_books: Company, sign_in: SignIn) -> None:
    order, invoice = booked(shop_and_books)
    shop_and_books.books("lock_invoice", invoice_id=invoice["id"])
    shop_and_books.shop("refund", id=order["id"], amount="1.00")
    shop_and_books.wait_for(
        "SELECT COUNT(*) > 0 FROM flows_syncjob j JOIN flows_flow f ON f.id = j.flow_id "
        "WHERE f.organization_id = {organization} AND j.reason_code = 'invoice_locked'"
    )
    page = sign_in(shop_and_books.user("support"))
    order_page(page, shop_and_books, order)
    standing = page.get_by_label("How it stands")
    expect(standing).to_contain_text("a person has to decide something")
    expect(standing).to_contain_text("is locked in the books")
    assert cut_off(page) == []
    page.get_by_role("link", name="Compare now").click()
    expect(page.get_by_text("off by 1.00").first).to_be_visible()
    assert cut_off(page) == []
    page.go_back()
    shop_and_books.books("lock_invoice", invoice_id=invoice["id"], locked=False)
    do(page, "Retry")
    reload_until(page, "agrees with the shop to the last cent")
    expect(page.get_by_text(shop_and_books.user("support")).first).to_be_visible()
    after = next(one for one in shop_and_books.books("books")["invoices"] if one["id"] == invoice["id"])
    assert float(after["amount"]) == float(order["total"]) - 1


def test_an_order_is_skipped_with_a_reason_until_somebody_goes_on(shop_and_books: Company, sign_in: SignIn) -> None:
    order, _ = booked(shop_and_books)
    page = sign_in(shop_and_books.user("support"))
    order_page(page, shop_and_books, order)
    do(page, "Skip", "Booked by hand.")
    standing = page.get_by_label("How it stands")
    expect(standing).to_contain_text("is skipped since")
    expect(standing).to_contain_text(f"{shop_and_books.user('support')}: Booked by hand.")
    do(page, "Go on")
    reload_until(page, "agrees with the shop to the last cent")


def test_all_that_match_are_replayed_and_the_progress_outlives_a_reload(shop_and_books: Company, sign_in: SignIn) -> None:
    shop_and_books.place_orders(6)
    shop_and_books.wait_for_orders(6)
    page = sign_in(shop_and_books.user("support"))
    page.goto("/admin/flows/syncrecord/")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option(label="Replay the chosen ones")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("Records that somebody skipped are left alone.")).to_be_visible()
    page.get_by_role("button", name="Yes, replay").click()
    expect(page.get_by_role("heading", name="How far it is")).to_be_visible()
    page.reload()
    expect(page.get_by_text("6 of 6 records are through")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "6")


def test_todays_options_are_tried_on_what_was_posted_and_one_row_is_repaired(shop_and_books: Company, sign_in: SignIn) -> None:
    order, _ = booked(shop_and_books)
    page = sign_in(shop_and_books.user("owner"))
    page.goto("/admin/flows/flow/")
    page.get_by_role("link", name="orders", exact=True).click()
    flow = page.url
    page.get_by_label("Invoice number prefix").fill("W-")
    page.get_by_role("button", name="Save", exact=True).click()
    writes = sum(_writes(shop_and_books).values())
    page.goto(flow)
    page.get_by_role("link", name="Time travel").click()
    today = page.evaluate("new Date().toISOString().slice(0, 10)")
    page.get_by_label("From:").fill(_day_before(today))
    page.get_by_label("To:").fill(today)
    page.get_by_role("button", name="Show what would differ").click()
    row = page.get_by_role("row").filter(has_text=f"W-{order['number']}").first
    expect(row).to_be_visible(timeout=60_000)
    expect(page.get_by_text("4 of 4 records are through")).to_be_visible(timeout=60_000)
    assert sum(_writes(shop_and_books).values()) == writes
    page.reload()
    assert cut_off(page) == []
    page.get_by_label(f"Repair order {order['id']}", exact=True).check()
    page.locator("summary", has_text="Repair").click()
    page.get_by_role("button", name="Yes, repair the ticked ones").click()
    expect(page.get_by_text("1 of 1 records are through")).to_be_visible(timeout=60_000)
    numbers = {one["reference"]: one["number"] for one in shop_and_books.books("books")["invoices"]}
    assert numbers.pop(order["number"]) == f"W-{order['number']}"
    assert all(not number.startswith("W-") for number in numbers.values())


def _writes(made: Company) -> dict[str, int]:
    """The calls that changed something in the books so far."""
    return {name: n for name, n in made.books("counters").items() if name.startswith(("POST ", "PUT ", "DELETE ")) and "token" not in name}


def _day_before(day: str) -> str:
    from datetime import date, timedelta

    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
