"""Payments in the books and what the shop hears of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from recipe_books import NOW, Books
from recipe_shop import PLACED, money, order

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, OrderNote, OrderStatusChange, Payment
from connectors.canonical.order import Order
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.contract import Context, Mappings
from flows.recipes.looks import More, OpenOrders, OwnerOf, View
from flows.recipes.payment_to_order_status import RECIPE

INVOICE = Invoice(
    "c-1", "WC-1042", "1042", date(2026, 7, 1), "CAD", (), id="88", amount=money("50"), paid=money("50"), outstanding=money("0")
)
PAYMENT = Payment("88", money("50"), date(2026, 7, 3), "Check", "", id="990", invoice=INVOICE)
PART = replace(PAYMENT, amount=money("20"), invoice=replace(INVOICE, paid=money("20"), outstanding=money("30")))
WAITING = order("50", id="727", number="1042", status="on-hold")


def context(**options: Any) -> Context:
    defaults = {setting.name: setting.default for setting in RECIPE.options}
    return Context({**defaults, **options}, Mappings(), "books-1", "Ledger", "CAD", NOW)


def shop(*orders: Order, status: str = "on-hold", owned: bool = True) -> Books:
    books = Books(open_orders=orders or (WAITING,))
    books.things[ObjectType.ORDER_STATUS, "727"] = OrderStatusChange("727", status)
    if owned:
        books.owners[ObjectType.INVOICE, "88"] = "727"
    return books


def test_a_full_payment_moves_the_order_and_leaves_one_note() -> None:
    books = shop()
    plans = books.sync(RECIPE, PAYMENT, context())
    assert len(plans) == 2
    status, note = [change.value for change in books.writes]
    assert status == OrderStatusChange("727", "processing", "WC-1042/990")
    assert note == OrderNote(
        "727",
        "Ledger books1:990: Payment of 50.00 CAD (Check, 2026-07-03) was recorded on invoice WC-1042, which is now paid in full.",
        "Ledger books1:990",
    )
    assert [(c.verb, c.object_type, c.key) for c in books.writes] == [
        ("create", ObjectType.ORDER_STATUS, "727:990"),
        ("create", ObjectType.ORDER_NOTE, "990:727"),
    ]
    books.sync(RECIPE, PAYMENT, context())
    assert len(books.writes) == 2


def test_the_status_is_an_option_and_can_be_mapped() -> None:
    books = shop()
    books.sync(RECIPE, PAYMENT, context(paid_status="completed"))
    assert books.writes[0].value.status == "completed"
    mapped = replace(context(), mappings=Mappings(values={("status", "paid"): "packing"}))
    books = shop()
    books.sync(RECIPE, PAYMENT, mapped)
    assert books.writes[0].value.status == "packing"


def test_a_part_only_leaves_a_note() -> None:
    books = shop()
    books.sync(RECIPE, PART, context())
    assert books.verbs() == ["create order_note"]
    assert books.writes[0].value.text.endswith("was recorded on invoice WC-1042; 30.00 CAD is still outstanding.")


@pytest.mark.parametrize("status", ["processing", "completed", "cancelled", "refunded", "trash"])
def test_orders_that_no_longer_wait_are_not_moved(status: str) -> None:
    books = shop(status=status)
    books.sync(RECIPE, PAYMENT, context())
    assert books.verbs() == ["create order_note"]


def test_our_own_payment_echoes_into_nothing() -> None:
    books = shop()
    books.owners[ObjectType.PAYMENT, "990"] = "727:paid"
    with pytest.raises(NothingToDo) as raised:
        books.sync(RECIPE, PAYMENT, context())
    assert raised.value.code == "echo"
    assert books.writes == []


def test_the_invoice_of_another_shop_concerns_this_one_not() -> None:
    """Several shops write into the same books: what is paid there for one of them is no manual review for the others."""
    books = shop(owned=False)
    books.strangers[ObjectType.INVOICE, "88"] = "Tea shop"
    with pytest.raises(NothingToDo) as raised:
        books.sync(RECIPE, PAYMENT, context())
    assert (raised.value.code, "Tea shop" in raised.value.message) == ("other_shop", True)
    assert books.writes == []


def test_the_invoices_owner_is_asked_for_before_the_payments() -> None:
    """That look waits while the order's own job runs; asked the other way round, a payment confirmed in between is taken for a person's."""
    with pytest.raises(More) as asked:
        RECIPE.plan(RECIPE.desire(PAYMENT, context()), View())
    assert asked.value.looks == (OwnerOf(ObjectType.INVOICE, "88"),)


def test_a_payment_without_invoice_concerns_no_order() -> None:
    with pytest.raises(NothingToDo):
        RECIPE.desire(replace(PAYMENT, invoice=None), context())


def test_exactly_one_waiting_order_of_that_amount_matches_and_stays_matched() -> None:
    other = order("51", id="728", number="1043", status="on-hold")
    books = shop(WAITING, other, owned=False)
    books.sync(RECIPE, PAYMENT, context())
    assert [c.value.order_id for c in books.writes] == ["727", "727"]
    books.open_orders = ()
    books.sync(RECIPE, PAYMENT, context())
    assert len(books.writes) == 2


def test_the_number_on_the_invoice_decides_between_equals() -> None:
    twin = order("50", id="728", number="1043", status="on-hold")
    books = shop(WAITING, twin, owned=False)
    books.sync(RECIPE, PAYMENT, context())
    assert books.writes[0].value.order_id == "727"


@pytest.mark.parametrize(
    "orders",
    [
        (replace(WAITING, number="1"), replace(WAITING, id="728", number="2")),
        (replace(WAITING, total=money("50.01")),),
        (replace(WAITING, total=money("50", "USD"), currency="USD"),),
        (replace(WAITING, placed_at=PLACED + timedelta(days=5)),),
        (replace(WAITING, placed_at=PLACED - timedelta(days=40)),),
        (replace(WAITING, status="processing"),),
    ],
)
def test_anything_else_is_a_manual_review(orders: tuple[Order, ...]) -> None:
    books = shop(*orders, owned=False)
    with pytest.raises(NeedsAttention) as raised:
        books.sync(RECIPE, PAYMENT, context())
    assert raised.value.code == "manual_review"
    assert raised.value.subject == "payment:990"
    if len(orders) == 2:
        assert "1 (Bea Buyer, 50.00 CAD), 2 (Bea Buyer, 50.00 CAD)" in raised.value.message
    else:
        assert "Waiting orders of that amount: none." in raised.value.message
    assert books.writes == []


def test_unmatched_payments_can_be_left_alone_but_not_several() -> None:
    books = shop(replace(WAITING, total=money("1")), owned=False)
    with pytest.raises(NothingToDo, match=r"No waiting order matches the payment of 50\.00 CAD"):
        books.sync(RECIPE, PAYMENT, context(unmatched="ignore"))
    books = shop(replace(WAITING, number="1"), replace(WAITING, id="728", number="2"), owned=False)
    with pytest.raises(NeedsAttention):
        books.sync(RECIPE, PAYMENT, context(unmatched="ignore"))


def test_the_search_looks_back_as_far_as_told() -> None:
    desired = RECIPE.desire(PAYMENT, context(match_days="10"))
    assert (desired.since.isoformat(), desired.until) == ("2026-06-23T00:00:00+00:00", NOW)
    assert OpenOrders(desired.since, desired.until, desired.waiting).statuses == ("pending", "on-hold")


def test_a_deleted_payment_is_told_once_to_whoever_knew_of_it() -> None:
    books = shop()
    gone = replace(PAYMENT, void=True, invoice=replace(INVOICE, paid=money("0"), outstanding=money("50")))
    with pytest.raises(NothingToDo, match="before the shop was told"):
        books.sync(RECIPE, gone, context())
    books.sync(RECIPE, PAYMENT, context())
    books.writes.clear()
    books.sync(RECIPE, gone, context())
    books.sync(RECIPE, gone, context())
    assert books.verbs() == ["create order_note"]
    assert books.writes[0].value.text.startswith("Ledger books1:990 deleted: The payment of 50.00 CAD was deleted from invoice WC-1042.")


def test_a_vanished_order_is_nothing_to_do() -> None:
    books = shop()
    del books.things[ObjectType.ORDER_STATUS, "727"]
    with pytest.raises(NothingToDo, match="no longer in the shop"):
        books.sync(RECIPE, PAYMENT, context())
    assert RECIPE.describe(PAYMENT) == ("WC-1042", money("50"))
