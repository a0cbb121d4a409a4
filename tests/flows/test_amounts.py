"""Whatever an order is made of, its invoice comes to the order's total and its payments to what was captured."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from flows.models import SyncJob, SyncRecord
from tests.flows.conftest import Town

QUEBEC = {"first_name": "Luc", "last_name": "Roy", "email": "luc@roy.example", "state": "QC", "country": "CA"}
ISLAND = {**QUEBEC, "email": "anne@green.example", "state": "PE"}
TEAS = [{"sku": "TEA-EG-100", "quantity": 3}, {"sku": "CUP-PAIR", "quantity": 1}, {"sku": "FILTER-100", "quantity": 7}]
SHIPPING = [{"method_id": "flat_rate", "method_title": "Flat rate", "total": "7.95"}]
BASKETS: dict[str, dict[str, Any]] = {
    "plain": {"line_items": TEAS, "shipping_lines": SHIPPING},
    "two taxes": {"line_items": TEAS, "billing": QUEBEC, "shipping_lines": SHIPPING},
    "tax on tax": {"line_items": TEAS, "billing": ISLAND},
    "percent coupon": {"line_items": TEAS, "coupon_lines": [{"code": "spring7"}]},
    "fixed coupon": {"line_items": TEAS, "coupon_lines": [{"code": "odd"}], "billing": QUEBEC},
    "fee": {"line_items": TEAS, "fee_lines": [{"name": "Gift wrapping", "total": "4.00"}]},
    "untaxed fee": {"line_items": TEAS, "fee_lines": [{"name": "Handling", "total": "1.50", "tax_status": "none"}]},
    "negative fee": {"line_items": TEAS, "fee_lines": [{"name": "Loyalty credit", "total": "-3.00"}], "billing": QUEBEC},
    "negative untaxed fee": {"line_items": TEAS, "fee_lines": [{"name": "Voucher", "total": "-5.55", "tax_status": "none"}]},
    "three for ten": {"line_items": [{"sku": "SPOON-3", "quantity": 3, "subtotal": "10.00", "total": "10.00"}], "billing": QUEBEC},
}


def check(town: Town, order: dict[str, Any]) -> dict[str, Any]:
    """Sync, then compare both sides to the last minor unit; the invoice."""
    job = town.book(order)
    assert job.state == SyncJob.State.DONE, (order, job.reason)
    invoice, raw = town.invoice(order), town.raw(order)
    assert Decimal(invoice["amount"]) == Decimal(raw["total"]), (invoice["lines"], raw)
    assert Decimal(invoice["paid"]) == Decimal(raw["total"] if raw["date_paid"] else "0")
    assert (invoice["currency"], invoice["draft"], invoice["vis_state"]) == (raw["currency"], False, 0)
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    assert (record.exact, record.total, record.invoiced) == (True, Decimal(raw["total"]), Decimal(raw["total"]))
    return invoice


@pytest.mark.parametrize("rounding", ["bucket", "line"])
@pytest.mark.parametrize(
    "shop",
    [{}, {"prices_include_tax": True}, {"round_at_subtotal": True}, {"prices_include_tax": True, "round_at_subtotal": True}],
    ids=["exclusive", "inclusive", "round at subtotal", "inclusive, round at subtotal"],
)
def test_every_kind_of_basket_ties_out(make_town: Callable[..., Town], shop: dict[str, Any], rounding: str) -> None:
    town = make_town(shop, {"rounding": rounding})
    for basket in BASKETS.values():
        check(town, town.order(**basket))
    assert len(town.ledger()["invoices"]) == len(BASKETS)
    assert town.ask(town.books, "crashes") == []


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("KWD", 3)])
@pytest.mark.parametrize("rounding", ["bucket", "line"])
def test_currencies_without_and_with_three_decimals(make_town: Callable[..., Town], currency: str, decimals: int, rounding: str) -> None:
    town = make_town({"currency": currency}, {"currency": currency, "rounding": rounding})
    for order in town.place(8, seed=11):
        if order["status"] == "on-hold":
            continue
        invoice = check(town, order)
        assert len(invoice["amount"].partition(".")[2]) == decimals
        assert invoice["currency"] == currency


def test_an_order_in_a_foreign_currency_keeps_it(make_town: Callable[..., Town]) -> None:
    town = make_town({"currencies": ["EUR"]})
    for order in town.place(4, seed=3):
        if order["status"] != "on-hold":
            assert check(town, order)["currency"] == "EUR"


def test_where_the_books_round_otherwise_the_invoice_is_corrected_before_it_is_paid(make_town: Callable[..., Town]) -> None:
    """Six lines of 3.33 with two taxes: each line's tax rounded is not the tax of the sum, so the amount shown first is another."""
    town = make_town({"round_at_subtotal": True}, {"rounding": "line"})
    lines = [{"sku": "FILTER-100", "quantity": 1, "name": f"Filter {n}"} for n in range(6)]
    order = town.order(line_items=lines, billing=QUEBEC)
    town.books.sandbox.command("forget", {})
    invoice = check(town, order)
    updates = [entry for entry in town.ask(town.books, "requests") if entry["method"] == "PUT" and '"lines"' in entry["body"]]
    payments = [entry for entry in town.ask(town.books, "requests") if entry["method"] == "POST" and "/payments" in entry["path"]]
    assert len(updates) >= 1
    assert len(payments) == 1
    assert payments[0]["at"] > updates[-1]["at"]
    assert [payment["overpayment_id"] for payment in invoice["payments"]] == [None]
    assert sum(line["name"] == "Rounding" for line in invoice["lines"]) <= 1


def test_the_lines_say_what_was_sold_and_what_is_taken_off(town: Town) -> None:
    charge = [{**SHIPPING[0], "tax_status": "none"}]
    order = town.order(line_items=[{"sku": "CUP-PAIR", "quantity": 2}], coupon_lines=[{"code": "welcome10"}], shipping_lines=charge)
    (cups, shipping) = check(town, order)["lines"]
    assert (cups["name"], cups["qty"], cups["unit_cost"]["amount"]) == ("2 x Pair of cups", "1", "42.03")
    assert cups["description"] == "SKU CUP-PAIR; 4.67 discount already taken off (welcome10)"
    assert (shipping["name"], shipping["unit_cost"]["amount"], shipping["taxName1"]) == ("Flat rate", "7.95", None)
    assert cups["taxName1"] == "HST"


def test_beyond_the_bound_nothing_is_written(make_town: Callable[..., Town]) -> None:
    """A plugin that changes the total past its lines: no rounding line papers over that."""
    town = make_town()
    order = town.order()
    town.shop.sandbox.state.orders[int(order["id"])].total += Decimal("0.50")
    town.shop.sandbox.state.orders[int(order["id"])].rendered = None
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "rounding_beyond_bound")
    assert town.ledger()["invoices"] == []
