"""Shopify orders against the books before anything is written, what an order may be, and what the audit keeps of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from audit.models import AuditRecord
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceTax
from connectors.platforms.shopify.points import bucket_of
from connectors.registry import get_connector
from credentials.accounts import account_with
from credentials.services import open_api
from flows.models import SyncJob, ValueMapping
from tests.flows.conftest import Town
from tests.flows.teas import MakeTown, amounts, place, visible_payments

QUEBEC = [["GST", "0.05"], ["QST", "0.09975"]]


def know(town: Town, name: str, percent: str) -> None:
    """A tax that somebody keeps in the books."""
    ledger = town.orders.destination
    get_connector(ledger.platform).writes[ObjectType.TAX].create(open_api(ledger), InvoiceTax(name, Decimal(percent)))


def taxes(town: Town, name: str) -> list[tuple[str, str]]:
    ledger = town.orders.destination
    find = get_connector(ledger.platform).writes[ObjectType.TAX].find
    return [(tax.name, str(tax.percent)) for tax in find(open_api(ledger), InvoiceTax(name, Decimal(1)))]


# ---- rates and currencies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["match", "create"])
def test_another_rate_in_the_books_names_both_and_writes_nothing(tea_town: MakeTown, policy: str) -> None:
    town = tea_town(tax_rates=policy)
    know(town, "QST", "9.5")
    know(town, "GST", "5")
    order = place(town, taxes=QUEBEC)
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "tax_rate_differs")
    assert "9.975 %" in job.reason
    assert "9.5 %" in job.reason
    assert town.ledger()["invoices"] == []


def test_missing_taxes_are_asked_for_or_created_and_then_the_order_is_booked(tea_town: MakeTown) -> None:
    town = tea_town(tax_rates="match")
    order = place(town, taxes=QUEBEC)
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, "no tax of that name" in job.reason) == ("attention", True)
    town.orders.options = {"tax_rates": "create"}
    town.orders.save()
    assert town.book(order).state == "done"
    assert (taxes(town, "GST"), taxes(town, "QST")) == ([("GST", "5")], [("QST", "9.975")])
    assert amounts(town, order) == ("21.62", "21.62")  # 18.80 + 0.94 + 1.88


@pytest.mark.parametrize(("side", "code"), [("shop", "CAD"), ("presentment", "JPY")])
def test_a_currency_that_the_books_cannot_hold_names_both(tea_town: MakeTown, side: str, code: str) -> None:
    town = tea_town(currencies="EUR, USD", order_currency=side)
    order = place(town, buyer=["JPY", "112.4"])
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "currency_not_taken")
    assert f"is in {code}, but the books take EUR, USD only" in job.reason
    town.orders.options = {"currencies": code, "order_currency": side}
    town.orders.save()
    assert town.book(order, force=True).state == "done"
    assert town.invoice(order)["currency"] == code


# ---- what an order may be ----------------------------------------------------------------------------------


def test_test_orders_and_orders_over_nothing_by_option(tea_town: MakeTown) -> None:
    town = tea_town(test_orders="book", zero_orders="book")
    test, free = place(town, test=True), place(town, discounts=[{"code": "FREE", "percent": "100"}])
    assert [town.book(order).state for order in (test, free)] == ["done", "done"]
    assert (amounts(town, test), amounts(town, free)) == (("21.24", "21.24"), ("0.00", "0.00"))
    town.orders.options = {}
    town.orders.save()
    other, nothing = place(town, test=True), place(town, discounts=[{"code": "FREE", "percent": "100"}])
    with town.untouched(town.books):
        assert [town.book(order).reason_code for order in (other, nothing)] == ["test_order", "nothing_booked"]


def test_gift_cards_and_store_credit_pay_and_a_sold_card_has_its_account(tea_town: MakeTown) -> None:
    town = tea_town()
    for kind, source, target in (("gateway", "gift_card", "Credit"), ("gateway", "shopify_store_credit", "Cash"),
                                 ("account", "gift_card", "Gift cards owed")):  # fmt: skip
        ValueMapping.objects.create(flow=town.orders, kind=kind, source=source, target=target)
    card = {"name": "Gift card", "price": "25.00", "quantity": 2, "taxable": False, "shipped": False, "gift_card": True}
    payments = [["SALE", "gift_card", "0.3"], ["SALE", "shopify_store_credit", "0.2"], ["SALE", "shopify_payments", "0.5"]]
    order = place(town, lines=[card, {"sku": "SH-ASSAM-100", "quantity": 2}], payments=payments)
    assert town.book(order).state == "done"
    assert visible_payments(town, order) == [("Credit", "21.37"), ("Cash", "14.25"), ("Other", "35.62")]
    assert [line["name"] for line in town.invoice(order)["lines"]] == ["Assam Gold - 100 g", "Gift cards owed"]
    assert amounts(town, order) == ("71.24", "71.24")


def test_exchanges_move_the_difference_only(tea_town: MakeTown) -> None:
    town = tea_town()
    cheaper, dearer = place(town, lines=[{"sku": "SH-KETTLE-R"}], taxes=[]), place(town, lines=[{"sku": "SH-OOLONG"}], taxes=[])
    assert [town.book(order).state for order in (cheaper, dearer)] == ["done", "done"]
    town.ask(town.shop, "add_line", id=cheaper["id"], line={"sku": "SH-OOLONG"})
    town.ask(town.shop, "refund", id=cheaper["id"], units={"0": 1}, money="49.01")
    town.ask(town.shop, "add_line", id=dearer["id"], line={"sku": "SH-KETTLE-R"})
    town.ask(town.shop, "remove_units", id=dearer["id"], units={"0": 1})
    town.ask(town.shop, "capture", id=dearer["id"], weight="0.6205", kind="SALE")
    assert [town.book(order).state for order in (cheaper, dearer)] == ["done", "done"]
    assert amounts(town, cheaper) == ("14.99", "14.99")
    assert amounts(town, dearer)[0] == "64.00"


def test_a_paid_order_is_edited_and_what_left_goes_back_later(tea_town: MakeTown) -> None:
    town = tea_town()
    order = place(town)
    town.book(order)
    town.ask(town.shop, "remove_units", id=order["id"], units={"0": 1})
    job = town.book(order)
    assert (job.state, amounts(town, order)) == ("done", ("10.62", "10.62"))
    assert "holds 10.62 CAD more" in job.reason
    town.ask(town.shop, "refund", id=order["id"], money="10.62")
    job = town.book(order)
    assert (job.state, amounts(town, order), job.reason) == ("done", ("10.62", "10.62"), "")


def test_a_double_payment_is_clamped_told_and_harmless_when_it_goes_back(tea_town: MakeTown) -> None:
    town = tea_town()
    order = place(town, payments=[["SALE", "shopify_payments", "1"], ["SALE", "manual", "1"]])
    job = town.book(order)
    assert "holds 21.24 CAD more" in job.reason
    assert (amounts(town, order), visible_payments(town, order)) == (("21.24", "21.24"), [("Other", "21.24")])
    town.ask(town.shop, "refund", id=order["id"], money="21.24")
    assert town.book(order).state == "done"
    assert (amounts(town, order), visible_payments(town, order)) == (("21.24", "21.24"), [("Other", "21.24")])


# ---- what the records say ----------------------------------------------------------------------------------


def test_the_invoice_has_the_shop_s_number_day_and_the_ids_of_its_payments(tea_town: MakeTown) -> None:
    """03:30 UTC on the ninth is still the eighth in Toronto."""
    town = tea_town(invoice_prefix="T-")
    order = place(town, created="2026-03-09T03:30:00+00:00", payments=[["AUTHORIZATION", "paypal", "1"], ["CAPTURE", "paypal", "1"]])
    town.book(order)
    invoice = town.invoice(order)
    assert (invoice["number"], invoice["reference"], invoice["date"]) == (f"T-{order['number']}", order["number"], "2026-03-08")
    capture = town.shop.sandbox.state.orders[int(order["id"])].payments[1]
    (payment,) = invoice["payments"]
    assert f":{order['number']}:{capture.id}" in payment["note"]


def test_every_record_names_the_order_its_times_and_how_it_was_mapped(tea_town: MakeTown) -> None:
    town = tea_town(invoice_prefix="T-")
    ValueMapping.objects.create(flow=town.orders, kind="gateway", source="shopify_payments", target="Credit Card")
    town.ask(town.shop, "clock", now="2026-09-14T15:20:00+00:00")
    order = place(town)
    job = town.book(order)
    records = list(AuditRecord.objects.filter(job_id=job.pk).order_by("id"))
    assert [record.action for record in records][-1] == "sync order"
    assert len(records) >= 4
    at = "2026-09-14T15:20:00+00:00"
    origin = {"id": order["id"], "name": order["number"], "placed at": at, "changed at": at}
    for record in records:
        assert record.evidence["source"] == origin
        assert record.mapping["recipe"] == "order_to_invoice"
        assert record.mapping["options"] == {"invoice_prefix": "T-"}
        assert record.mapping["values"] == {"gateway:shopify_payments": "Credit Card"}


def test_a_wait_for_points_leaves_no_record(tea_town: MakeTown) -> None:
    """Reading by POST is reading all the same."""
    town = tea_town({"bucket": 100.0, "restore": 5.0})
    order = place(town)
    town.shop.sandbox.state.points = -200.0
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code, job.attempts) == ("waiting", "rate_limited", 0)
    assert not AuditRecord.objects.filter(job_id=job.pk).exists()
    assert SyncJob.objects.count() == 1
    town.ask(town.shop, "switch", bucket=20000.0, restore=1000.0)
    town.shop.sandbox.state.points = 20000.0
    bucket_of(account_with(town.orders.source, {})).told_at = 0.0  # as if much time had passed
    town.due_now()
    town.work()
    assert amounts(town, order) == ("21.24", "21.24")
