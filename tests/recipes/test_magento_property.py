"""Orders in Magento's own shapes against books in memory: whatever is sold, discounted, taxed or given back, they come to the same.

The sandbox's arithmetic makes the orders, with prices, rates, quantities and discounts of all sizes; what is compared are the
totals on the wire, read apart from the connector.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recipe_books import Books, context

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceStatus
from connectors.canonical.money import Money, total
from connectors.canonical.order import Order
from connectors.kit.account import Account
from connectors.kit.errors import NeedsAttention, NothingToDo
from connectors.kit.sandbox_delivery import Courier
from connectors.kit.tame import parse_json
from connectors.platforms.magento import CONNECTOR
from connectors.platforms.magento.sandbox.lifecycle import pay, refund
from connectors.platforms.magento.sandbox.routes import show_order
from connectors.platforms.magento.sandbox.seed import furnish
from connectors.platforms.magento.sandbox.selling import Basket, money_rows, place
from connectors.platforms.magento.sandbox.state import Rate, Shop, build_shop
from connectors.platforms.magento.sandbox.wire import Refusal, plain, without_nulls
from flows.recipes.order_to_invoice import RECIPE

FAST = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
ACCOUNT = Account("p", "https://shop.example", time_zone="America/Toronto", currency="CAD")
READS = CONNECTOR.reads[ObjectType.ORDER]
ZERO, CENT = Decimal(0), Decimal("0.01")
TALLY = {"orders": 0, "rounding": 0}
PERCENTS = ("5", "7", "9.975", "13", "19", "8.25", "8.875", "0.5", "2.125", "21")
STATUSES = "pending,processing,complete,closed"
PLACE = {"firstname": "Iris", "lastname": "Vahl", "street": ["9 Mill Lane"], "city": "Hamilton", "region": "Ontario", "region_code": "ON",
         "postcode": "L8P 1A1", "country_id": "CA", "telephone": "+1 555 0100"}  # fmt: skip


def new_shop(**switches: Any) -> Shop:
    lock, dice = threading.RLock(), Random(1)
    shop = build_shop("https://shop.example", {"now": "2026-03-02T09:15:00+00:00", **switches}, lock, Courier(dice), dice)
    furnish(shop)
    return shop


@dataclass
class Sold:
    """One order of a shop and what became of it, as its API shows both."""

    shop: Shop
    order: dict[str, Any]

    def raw(self) -> dict[str, Any]:
        """What a fetch would bring, over the wire and back."""

        def of_order(table: dict[int, Any]) -> list[Any]:
            return [without_nulls(row) for row in table.values() if row["order_id"] == self.order["entity_id"]]

        found = {
            "order": show_order(self.shop, self.order),
            "invoices": of_order(self.shop.invoices),
            "credit_memos": of_order(self.shop.memos),
            "transactions": of_order(self.shop.transactions),
        }
        return dict(parse_json(json.dumps(plain(found)).encode(), "raw").value)

    def normalised(self) -> Order:
        return READS.normalise(self.raw(), ACCOUNT)

    def worth(self) -> Decimal:
        """By the figures on the wire alone."""
        raw = self.raw()
        return Decimal(raw["order"]["grand_total"]) - sum((Decimal(memo["grand_total"]) for memo in raw["credit_memos"]), ZERO)

    def received(self) -> Decimal:
        raw = self.raw()
        came = sum((Decimal(invoice["grand_total"]) for invoice in raw["invoices"]), ZERO)
        return came - sum((Decimal(memo["grand_total"]) for memo in raw["credit_memos"]), ZERO)


# ---- what is generated -------------------------------------------------------------------------------------


@st.composite
def sales(draw: Any, refundable: bool = False) -> Sold:
    """An order of up to four rows of every kind, in either release's wire format; paid in full, in part or not at all."""
    shop = new_shop(release=draw(st.sampled_from(("2.4.7", "2.4.8"))))
    percents = draw(st.lists(st.sampled_from(PERCENTS), max_size=2, unique=True))
    shop.rates = [Rate("CA", "ON", Decimal(percent), f"RATE-{percent}") for percent in percents]
    for product in shop.products.values():
        if product["price"] or product["type_id"] == "simple":
            product["price"] = draw(st.integers(1, 40_000)) * CENT
    off = Decimal(draw(st.sampled_from((0, 0, 10, 15, 33, 100))))
    basket = Basket(
        rows=tuple(draw(rows(shop)) for _ in range(draw(st.integers(1, 4)))),
        address=PLACE,
        email="iris@vahl.example",
        coupon="COUPON" if off else "",
        off=off,
        shipping=draw(st.integers(0, 3_000)) * CENT,
        shipping_off=off if draw(st.booleans()) else ZERO,
        method=draw(st.sampled_from(("checkmo", "braintree"))),
        store_id=draw(st.sampled_from((1, 1, 2))),
        inclusive=draw(st.booleans()),
        taxed_shipping=draw(st.booleans()),
    )
    sold = Sold(shop, place(shop, basket))
    _shift_a_cent(draw, sold.order)
    _add_fixed_tax(draw, sold.order)
    if sold.order["grand_total"]:
        _paid(draw, sold, in_full=refundable)
    return sold


@st.composite
def rows(draw: Any, shop: Shop) -> tuple[int, int, tuple[tuple[int, int], ...]]:
    product = draw(st.sampled_from(list(shop.products.values())))
    children = tuple(product.get("children", ()))
    if product["type_id"] == "configurable":
        children = (draw(st.sampled_from(children)),)
    return product["id"], draw(st.integers(1, 9)), children


def _shift_a_cent(draw: Any, order: dict[str, Any]) -> None:
    """Shops that reckon tax on the total carry the rounding from row to row: one row's tax is a cent up, another's a cent down."""
    taxed = [row for row in money_rows(order) if row["tax_amount"] > 1 and not row.get("parent_item_id")]
    if len(taxed) < 2 or not draw(st.booleans()):
        return
    for row, by in ((taxed[0], CENT), (taxed[1], -CENT)):
        row["tax_amount"] += by
        row["row_total_incl_tax"] += by
        entries = order["extension_attributes"]["item_applied_taxes"]
        own = next(entry for entry in entries if entry.get("item_id") == row["item_id"])
        own["applied_taxes"][0] = {**own["applied_taxes"][0], "amount": own["applied_taxes"][0]["amount"] + by}


def _add_fixed_tax(draw: Any, order: dict[str, Any]) -> None:
    """An eco fee on a row now and then: no tax by per cent, and in no total but the last."""
    row = draw(st.sampled_from(money_rows(order)))
    fixed = draw(st.sampled_from((0, 0, 0, 1, 250))) * CENT * row["qty_ordered"]
    if fixed:
        row["weee_tax_applied_row_amount"] = fixed
        row["row_total_incl_tax"] += fixed
        for name in ("grand_total", "total_due"):
            order[name] += fixed


def _paid(draw: Any, sold: Sold, *, in_full: bool) -> None:
    way = "all" if in_full else draw(st.sampled_from(("all", "all", "none", "part", "two")))
    cents = int(sold.order["grand_total"] / CENT)
    if way in ("part", "two"):
        pay(sold.shop, sold.order, draw(st.integers(1, cents)) * CENT, "txn_1")
    if way == "all" or (way == "two" and sold.order["total_due"]):
        pay(sold.shop, sold.order, txn="txn_2" if draw(st.booleans()) else "")


def _give_back(draw: Any, sold: Sold) -> None:
    """A credit memo over some of some rows, with or without shipping, with an extra or a fee kept; too much is refused by the shop."""
    chosen = {
        row["item_id"]: draw(st.integers(0, int(row["qty_ordered"] - row["qty_refunded"])))
        for row in money_rows(sold.order)
        if draw(st.booleans())
    }
    chosen = {item: quantity for item, quantity in chosen.items() if quantity}
    more, less = draw(st.sampled_from((("0", "0"), ("0", "0"), ("0.50", "0"), ("0", "1.25"), ("3.33", "0.10"))))
    before = json.dumps(plain(sold.order))
    try:
        memo = refund(sold.shop, sold.order, chosen, draw(st.booleans()), Decimal(more), Decimal(less))
    except Refusal:
        assert json.dumps(plain(sold.order)) == before
        return
    if memo["grand_total"] <= 0:  # nobody is asked for money by a credit memo
        del sold.shop.memos[memo["entity_id"]]
        sold.order["total_refunded"] -= memo["grand_total"]


# ---- the proof ---------------------------------------------------------------------------------------------


def prove(books: Books, sold: Sold, **options: Any) -> None:
    """Plan until nothing is missing: the invoice is the order less its credit memos, payments are what was captured less those."""
    TALLY["orders"] += 1
    order = sold.normalised()
    ctx = context({"negative_lines": "refused"}, statuses=STATUSES, **options)
    writes = len(books.writes)
    try:
        plans = books.sync(RECIPE, order, ctx)
    except NothingToDo:
        assert not sold.worth()
        assert len(books.writes) == writes
        return
    invoice, worth = books.the(ObjectType.INVOICE), sold.worth()
    if worth:
        assert (invoice.amount.amount, invoice.amount.currency) == (worth, sold.order["order_currency_code"])
        assert invoice.paid.amount == max(sold.received(), ZERO)
        assert invoice.status is InvoiceStatus.SENT
        TALLY["rounding"] += any(line.name == "Rounding" for line in invoice.lines)
    else:
        assert invoice.status is InvoiceStatus.VOID
        assert not books.payments(invoice.id)
    proof = plans[-1].tie_out
    assert proof is not None
    assert proof.exact
    before = len(books.writes)
    assert books.sync(RECIPE, order, ctx)[0].changes == ()
    assert len(books.writes) == before


def lines_come_to_the_total(order: Order) -> None:
    """To the cent, before any recipe has looked at it, and tax for tax."""
    parts = [*order.lines, *order.charges]
    taxes = total((tax.amount for part in parts for tax in part.taxes), order.currency)
    assert total((part.total for part in parts), order.currency) + taxes == order.total
    assert taxes == order.total_tax


@settings(max_examples=400, **FAST)
@given(sales(), st.booleans())
def test_whatever_is_sold_ties_out(sold: Sold, per_line: bool) -> None:
    lines_come_to_the_total(sold.normalised())
    prove(Books(per_line=per_line, negative_lines=False), sold)


@settings(max_examples=300, **FAST)
@given(st.data(), st.booleans())
def test_whatever_is_given_back_ties_out_one_memo_after_the_other(data: st.DataObject, per_line: bool) -> None:
    sold, books = data.draw(sales(refundable=True)), Books(per_line=per_line, negative_lines=False)
    prove(books, sold)
    for _ in range(data.draw(st.integers(1, 3))):
        _give_back(data.draw, sold)
        prove(books, sold)


@settings(max_examples=200, **FAST)
@given(st.data(), st.booleans())
def test_as_credit_notes_each_memo_is_one_over_its_amount(data: st.DataObject, per_line: bool) -> None:
    sold, books = data.draw(sales(refundable=True)), Books(per_line=per_line, negative_lines=False)
    for _ in range(data.draw(st.integers(1, 2))):
        _give_back(data.draw, sold)
    order, raw = sold.normalised(), sold.raw()
    try:
        books.sync(RECIPE, order, context({"negative_lines": "refused"}, statuses=STATUSES, refunds="credit_note"))
    except NothingToDo:
        assert not raw["order"]["grand_total"]
        return
    credits = {credit.number: credit.amount for credit in books.all(ObjectType.CREDIT)}
    currency = order.currency
    assert credits == {
        f"WC-{order.number}-R{memo['entity_id']}": Money(Decimal(memo["grand_total"]), currency) for memo in raw["credit_memos"]
    }
    invoice = books.the(ObjectType.INVOICE)
    assert (invoice.amount, invoice.paid) == (order.total, order.total)


@settings(max_examples=150, **FAST)
@given(sales(), st.integers(-900, 900).filter(lambda cents: abs(cents) > 60))
def test_what_an_extension_added_is_never_booked_by_guess(sold: Sold, cents: int) -> None:
    """A fee that no field tells of: a person is asked before anything is planned."""
    worth = sold.order["grand_total"] + cents * CENT
    if worth <= 0:
        return
    sold.order["grand_total"] = worth
    with pytest.raises(NeedsAttention) as raised:
        sold.normalised()
    assert raised.value.code == "does_not_reconcile"


def test_the_figures_are_not_the_connectors_own() -> None:
    """Two rows, ten per cent off, tax of 8.25 % in the prices, discounted shipping: reckoned by hand."""
    shop = new_shop()
    shop.rates = [Rate("CA", "ON", Decimal("8.25"), "R")]
    ids = {product["sku"]: product["id"] for product in shop.products.values()}
    basket = Basket(rows=((ids["CORD-3M"], 2, ()), (ids["STAMP"], 1, ())), address=PLACE, email="a@b.example", coupon="TEN",
                    off=Decimal(10), shipping=Decimal("25.00"), shipping_off=Decimal(10), inclusive=True)  # fmt: skip
    order = Sold(shop, place(shop, basket)).normalised()
    assert [line.total.text() for line in order.lines] == ["16.61", "4.50"]  # 17.98 / 1.0825; 4.50 bears no tax
    assert [charge.total.text() for charge in order.charges] == ["20.79"]  # 22.50 / 1.0825 is 20.785...
    assert (order.total.text(), order.total_tax.text()) == ("44.98", "3.08")
    assert replace(order, refunds=()) == order
