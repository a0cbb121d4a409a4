"""A webhook that died is switched on again and its gap filled; a refund that nobody told of is found, repaired, and shown exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.installation import Company
from tests.browser.pages import find, reload_until


def switch_off(company: Company, *topics: str) -> None:
    """As the shop does after failed deliveries, without telling anybody; all that was told before is done with."""
    jobs = "FROM flows_syncjob j JOIN flows_flow f ON f.id = j.flow_id WHERE f.organization_id = {organization}"
    company.house.wait("deliveries", lambda: not company.shop("settled")["pending"], 30)
    company.wait_for("SELECT COUNT(*) = 0 FROM flows_inboundevent WHERE state = 'received'")
    company.wait_for(f"SELECT COUNT(*) = 0 {jobs} AND j.state IN ('waiting', 'running')")
    for hook in company.shop("webhooks")["webhooks"]:
        if hook["topic"] in topics:
            company.shop("set_webhook", id=hook["id"], status="disabled")


def statuses(company: Company, topic: str) -> list[str]:
    return [hook["status"] for hook in company.shop("webhooks")["webhooks"] if hook["topic"] == topic]


def listening(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="Webhooks and schedules").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Webhooks and schedules")


def test_a_dead_webhook_is_switched_on_again_and_its_gap_filled(shop_and_books: Company, sign_in: SignIn) -> None:
    company = shop_and_books
    company.paid_order()
    switch_off(company, "order.created", "order.updated")
    [missed] = company.place_orders(1, seed=99)
    page = sign_in(company.user("everything"))
    page.goto(f"/admin/credentials/connection/{_shop(company)}/change/")
    page.get_by_role("button", name="Set up webhooks").click()
    expect(page.locator(".messagelist")).to_contain_text("was switched off by the platform")

    listening(page)
    expect(page.get_by_text("Not all of its webhooks arrive.")).to_be_visible()
    for topic in ("order.created", "order.updated"):
        row = page.get_by_role("row", name=topic)
        expect(row).to_contain_text("switched off by the platform")
        row.get_by_role("link", name="Re-enable").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(f"Switch it on again: {topic}?")
        assert statuses(company, topic) == ["disabled"]
        page.get_by_role("button", name="Switch it on again").click()
        expect(page.locator(".messagelist")).to_contain_text(f"The webhook {topic} of")
        assert statuses(company, topic) == ["active"]
    expect(page.get_by_text("Not all of its webhooks arrive.")).to_have_count(0)

    page.get_by_role("region", name="Periods read again").get_by_role("link").first.click()
    expect(page.get_by_text("finished", exact=True)).to_be_visible(timeout=90_000)
    company.wait_for_orders(5, 90)
    find(page, missed["number"])
    expect(page.get_by_text(missed["total"]).filter(visible=True).first).to_be_visible()
    assert [one for one in company.books("books")["invoices"] if one["number"].endswith(missed["number"])]


def test_a_refund_that_no_webhook_told_of_is_found_and_repaired(shop_and_books: Company, sign_in: SignIn) -> None:
    company = shop_and_books
    order = company.paid_order()
    switch_off(company, "order.updated")
    company.shop("refund", id=order["id"], amount="1.00")
    before, after = Decimal(order["total"]), Decimal(order["total"]) - 1
    page = sign_in(company.user("bookkeeper"))
    page.get_by_role("link", name="Reconciliation").first.click()
    page.get_by_role("link", name="Compare both sides").first.click()
    page.get_by_label("Flow").select_option(label=_orders_flow(company))
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_text("differs", exact=True).first).to_be_visible(timeout=90_000)
    row = page.get_by_role("row", name=order["number"]).first
    for amount in (before, after):
        expect(row).to_contain_text(f"{amount} ")
    page.reload()
    with page.expect_download() as sheet:
        page.get_by_role("link", name="Export CSV").click()
    text = sheet.value.path().read_text(encoding="utf-8-sig")
    assert f"{order['number']},{order['id']}," in text
    assert f"{after}" in text

    row.get_by_role("button", name="Repair").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Repair 1 record?")
    assert _invoiced(company, order) == before
    page.get_by_role("button", name="Yes, repair 1 record").click()
    expect(page.get_by_text("exact now").first).to_be_visible(timeout=60_000)
    assert _invoiced(company, order) == after
    assert company.query(
        "SELECT actor FROM audit_auditrecord WHERE action = 'repair differences' AND organization_id = {organization}"
    ) == [(company.user("bookkeeper"),)]

    page.get_by_role("link", name="Reconciliation").first.click()
    expect(page.locator("#result_list")).to_contain_text(company.user("bookkeeper"))


def test_a_period_is_read_again_and_the_page_survives_a_reload(shop_and_books: Company, sign_in: SignIn) -> None:
    company = shop_and_books
    company.paid_order()
    page = sign_in(company.user("bookkeeper"))
    listening(page)
    page.get_by_role("row", name=_orders_flow(company)).get_by_role("link", name="Read a period").click()
    today = company.query("SELECT CURRENT_DATE")[0][0]
    page.get_by_label("From:").fill(str(today))
    page.get_by_label("To:").fill(str(today))
    page.get_by_role("button", name="Read it again").click()
    reload_until(page, "finished")
    expect(page.get_by_role("columnheader", name="Failed")).to_be_visible()


def _shop(company: Company) -> int:
    return int(
        company.query("SELECT id FROM credentials_connection WHERE platform = 'woocommerce' AND organization_id = {organization}")[0][0]
    )


def _orders_flow(company: Company) -> str:
    label: Any = company.query("SELECT label FROM flows_flow WHERE recipe = 'order_to_invoice' AND organization_id = {organization}")[0][0]
    return str(label)


def _invoiced(company: Company, order: dict[str, Any]) -> Decimal:
    return next(Decimal(one["amount"]) for one in company.books("books")["invoices"] if one["number"].endswith(order["number"]))
