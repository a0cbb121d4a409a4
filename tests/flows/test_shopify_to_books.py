"""Shopify orders into the books, all the way: exact in both currencies, whatever happens to them afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from flows.models import SyncRecord
from tests.flows.teas import MakeTown, amounts, place, visible_payments


def test_a_busy_morning_is_in_the_books_to_the_cent(tea_town: MakeTown) -> None:
    town = tea_town()
    for order in town.place(40, seed=11):
        job = town.book(order)
        assert job.state == "done", job.reason
        owed, held = (Decimal(order[name]) - Decimal(order["refunded"]) for name in ("total", "captured"))
        assert tuple(map(Decimal, amounts(town, order))) == (owed, held)
    records = SyncRecord.objects.filter(flow=town.orders)
    assert records.count() == 40 == len(town.ledger()["invoices"])
    for order in town.place(1, seed=12):
        town.book(order)
        with town.untouched(town.books):
            town.book(order, force=True)


def test_in_the_buyer_s_currency_nothing_of_the_shop_s_gets_in(tea_town: MakeTown) -> None:
    town = tea_town(order_currency="presentment")
    order = place(town, buyer=["JPY", "112.4"], shipping="8.50", tip="2.00")
    assert town.book(order).state == "done"
    invoice = town.invoice(order)
    assert (invoice["currency"], invoice["amount"], invoice["paid"]) == ("JPY", "3693", "3693")
    assert {line["unit_cost"]["code"] for line in invoice["lines"]} == {"JPY"}


def test_a_refund_over_two_payments_comes_off_both(tea_town: MakeTown) -> None:
    town = tea_town()
    order = place(town, payments=[["SALE", "gift_card", "0.5"], ["SALE", "paypal", "0.5"]], shipping="8.50")
    town.book(order)
    assert visible_payments(town, order) == [("Other", "15.43"), ("Other", "15.42")]
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1}, shipping=True)
    job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("10.62", "10.62")
    assert visible_payments(town, order) == [("Other", "10.62")]  # the newest payment is used up, the rest is the gift card's


def test_a_pending_refund_waits_for_its_money(tea_town: MakeTown) -> None:
    town = tea_town()
    order = place(town)
    town.book(order)
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1}, status="PENDING")
    with town.untouched(town.books):
        town.book(order)
    assert amounts(town, order) == ("21.24", "21.24")
    town.ask(town.shop, "settle_refund", id=order["id"], status="SUCCESS")
    town.book(order)
    assert amounts(town, order) == ("10.62", "10.62")


def test_edits_before_payment_move_the_invoice(tea_town: MakeTown) -> None:
    town = tea_town(statuses=["authorized", "paid", "partially_paid"])
    order = place(town, payments=[["AUTHORIZATION", "shopify_payments", "1"]], lines=[{"name": "Cup", "price": "48.00", "quantity": 2}],
                  discounts=[{"code": "TWENTY", "percent": "20"}])  # fmt: skip
    town.book(order)
    assert amounts(town, order) == ("86.78", "0.00")  # 76.80 + 13 %
    town.ask(town.shop, "remove_units", id=order["id"], units={"0": 1})
    town.book(order)
    assert amounts(town, order) == ("43.39", "0.00")
    town.ask(town.shop, "add_line", id=order["id"], line={"sku": "SH-SHORT", "quantity": 1})
    town.book(order)
    grown = next(each for each in town.ask(town.shop, "orders")["orders"] if each["id"] == order["id"])
    assert amounts(town, order) == (grown["total"], "0.00")


@pytest.mark.parametrize("repay", [True, False])
def test_a_cancelled_order_leaves_the_books_with_its_money(tea_town: MakeTown, repay: bool) -> None:
    town = tea_town()
    order = place(town)
    town.book(order)
    town.ask(town.shop, "cancel", id=order["id"], repay=repay)
    town.book(order)
    if repay:
        assert town.invoice(order)["vis_state"] == 1
        assert visible_payments(town, order) == []
        return
    assert (town.invoice(order)["vis_state"], *amounts(town, order)) == (0, "21.24", "21.24")
    town.ask(town.shop, "refund", id=order["id"], money="21.24")
    town.book(order)
    assert town.invoice(order)["vis_state"] == 1


@pytest.mark.parametrize("followed", [True, False], ids=["followed", "first seen afterwards"])
def test_the_same_books_whenever_an_order_is_first_seen(tea_town: MakeTown, followed: bool) -> None:
    town = tea_town()
    order = place(town, lines=[{"sku": "SH-ASSAM-100", "quantity": 3}, {"sku": "SH-OOLONG"}], shipping="8.50")
    steps: list[dict[str, Any]] = [
        {"units": {"0": 1}},
        {"money": "2.00"},
        {"units": {"1": 1}, "shipping": True},
    ]
    for step in steps:
        if followed:
            assert town.book(order).state == "done"
        town.ask(town.shop, "refund", id=order["id"], **step)
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("19.25", "19.25")  # 2 x 9.40 + 13 % - 2.00


def test_test_orders_and_open_ones_never_reach_the_books(tea_town: MakeTown) -> None:
    town = tea_town()
    for order in (place(town, test=True), place(town, payments=[]), place(town, payments=[["AUTHORIZATION", "paypal", "1"]])):
        with town.untouched(town.books):
            assert town.book(order).state == "nothing"
    assert town.ledger()["invoices"] == []
