"""A new order: which changes, in which order, with which values; and every reason to leave it out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from recipe_books import Books, context
from recipe_shop import BUYER, charge, line, money, order, sale, tax

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceLine, InvoiceTax
from connectors.canonical.order import Discount, OrderState
from connectors.canonical.party import Customer
from connectors.kit.errors import NeedsAttention, NothingToDo, Rejected
from flows.recipes.looks import Link
from flows.recipes.order_to_invoice import RECIPE

MUGS = line("1", "20.00", tax("HST", "2.60", "13", code="CA-ON"), quantity="2", sku="MUG-1", discount="10.00")
SHIP = charge("2", "5.00", tax("HST", "0.65", "13", code="CA-ON"))
ORDER = order(
    "28.25",
    MUGS,
    charges=(SHIP,),
    transactions=(sale("28.25"),),
    discounts=(Discount("SUMMER", money("10.00")),),
    payment_method="stripe",
    payment_method_title="Credit card",
)


def knowing(books: Books) -> Books:
    """Client and item are known."""
    books.links[ObjectType.CUSTOMER, "email:bea@example.test"] = Link(ObjectType.CUSTOMER, "email:bea@example.test", "c-9", "")
    books.links[ObjectType.PRODUCT, "sku:MUG-1"] = Link(ObjectType.PRODUCT, "sku:MUG-1", "i-9", "")
    return books


def first(placed: Any, books: Books | None = None, **options: Any) -> list[Any]:
    ctx = context(**options)
    return list((books or Books()).plan(RECIPE, RECIPE.desire(placed, ctx)))


def test_known_client_and_items_make_exactly_three_changes() -> None:
    changes = first(ORDER, knowing(Books()))
    assert [(c.verb, c.object_type, c.action, c.key) for c in changes] == [
        ("create", ObjectType.INVOICE, "", "727"),
        ("act", ObjectType.INVOICE, "mark_sent", "727"),
        ("create", ObjectType.PAYMENT, "", "727:paid"),
    ]
    invoice, _, payment = changes
    assert invoice.find_first
    assert not payment.find_first
    assert payment.fill == (("invoice_id", (ObjectType.INVOICE, "727")),)
    assert invoice.value.customer_id == "c-9"
    assert invoice.fill == ()
    assert (invoice.value.number, invoice.value.reference, invoice.value.currency) == ("WC-1042", "1042", "CAD")
    assert invoice.value.issued_on == date(2026, 7, 1)  # half past two UTC is still the evening before in Toronto
    assert invoice.value.billing == BUYER
    hst = (InvoiceTax("HST", Decimal(13)),)
    assert invoice.value.lines == (
        InvoiceLine("Mug", "SKU MUG-1; 10.00 discount already taken off (SUMMER)", Decimal(2), money("10.00"), hst),
        InvoiceLine("Flat rate", "", Decimal(1), money("5.00"), hst),
    )
    assert payment.value.amount == money("28.25")
    assert payment.value.received_on == date(2026, 7, 1)
    assert payment.value.note == "shop1:1042:paid | ch_9"
    assert payment.value.method == "Other"


def test_an_unknown_client_and_item_come_first_and_are_shared() -> None:
    changes = first(ORDER)
    assert [(c.verb, c.object_type, c.key, c.shared) for c in changes[:3]] == [
        ("create", ObjectType.CUSTOMER, "email:bea@example.test", True),
        ("create", ObjectType.PRODUCT, "sku:MUG-1", True),
        ("create", ObjectType.INVOICE, "727", False),
    ]
    assert changes[2].fill == (("customer_id", (ObjectType.CUSTOMER, "email:bea@example.test")),)
    assert changes[0].several == "first"


def test_the_last_plan_is_empty_and_carries_the_proof() -> None:
    books = knowing(Books())
    plans = books.sync(RECIPE, ORDER, context())
    assert len(plans) == 2
    proof = plans[1].tie_out
    assert proof is not None
    assert (proof.number, proof.source_total, proof.invoiced, proof.captured, proof.paid) == ("1042", *[money("28.25")] * 4)
    assert proof.exact
    assert not replace(proof, paid=money("28.24")).exact
    assert not replace(proof, invoiced=money("28.26")).exact


def test_payments_wait_where_the_rounding_rule_would_matter() -> None:
    two = [line(id, "0.50", tax("GST", "0.03", "5")) for id in "12"]
    placed = order("1.05", *two, transactions=(sale("1.05"),))
    books = Books(per_line=True)
    plans = books.sync(RECIPE, placed, context())
    assert [c.object_type for c in plans[0]] == [ObjectType.CUSTOMER, ObjectType.INVOICE, ObjectType.INVOICE]
    assert "read back" in plans[0].notes[0]
    assert books.the(ObjectType.INVOICE).amount == money("1.05")
    assert books.the(ObjectType.PAYMENT).amount == money("1.05")


# ---- left out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("placed", "options", "code", "words"),
    [
        (replace(ORDER, state=OrderState.DRAFT, status="checkout-draft"), {}, "draft", "still a basket"),
        (replace(ORDER, test=True), {}, "test_order", "test order"),
        (replace(ORDER, status="pending"), {}, "left_out", "status pending"),
        (replace(ORDER, status="completed"), {"statuses": "processing, on-hold"}, "left_out", "processing, on-hold do"),
        (ORDER, {"start_date": "2026-07-02"}, "left_out", "placed on 2026-07-01"),
        (ORDER, {"skip_methods": "cod, stripe"}, "left_out", "paid with stripe"),
        (ORDER, {"skip_methods": "Credit card"}, "left_out", "paid with Credit card"),
        (ORDER, {"minimum": "28.26"}, "left_out", "minimum of 28.26"),
        (order("0", line("1", "0")), {}, "nothing_booked", "worth nothing"),
        (replace(ORDER, state=OrderState.CANCELLED, status="cancelled"), {}, "nothing_booked", "cancelled"),
        (replace(ORDER, state=OrderState.DELETED, status="trash"), {}, "nothing_booked", "deleted"),
    ],
)
def test_left_out_with_a_sentence(placed: Any, options: dict[str, Any], code: str, words: str) -> None:
    books = Books()
    with pytest.raises(NothingToDo) as raised:
        books.sync(RECIPE, placed, context(**options))
    assert raised.value.code == code
    assert words in raised.value.message
    assert books.writes == []


@pytest.mark.parametrize(
    ("placed", "options"),
    [
        (ORDER, {"start_date": "2026-07-01"}),
        (ORDER, {"minimum": "28.25"}),
        (replace(ORDER, test=True), {"test_orders": "book"}),
        (replace(ORDER, status="whatever"), {"statuses": ""}),
        (order("0", line("1", "0", quantity="3")), {"zero_orders": "book"}),
    ],
)
def test_booked_at_the_edge(placed: Any, options: dict[str, Any]) -> None:
    books = Books()
    plans = books.sync(RECIPE, placed, context(**options))
    assert plans[-1].tie_out is not None
    assert books.the(ObjectType.INVOICE).amount == placed.total


def test_a_left_out_order_with_impossible_amounts_bothers_nobody() -> None:
    odd = replace(ORDER, status="pending", total=money("28.251"))
    with pytest.raises(NothingToDo, match="status pending"):
        Books().sync(RECIPE, odd, context())


# ---- stopped -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("placed", "options", "code"),
    [
        (replace(ORDER, total=money("28.255")), {}, "too_fine"),
        (replace(ORDER, transactions=(sale("28.25", currency="USD"),)), {}, "currency_mismatch"),
        (replace(ORDER, total=money("-1")), {}, "negative_total"),
        (replace(ORDER, total=money("28.31")), {}, "rounding_beyond_bound"),
        (replace(ORDER, total=money("28.19")), {}, "rounding_beyond_bound"),
        (ORDER, {"rounding_bound": "much"}, "bad_option"),
        (ORDER, {"start_date": "soon"}, "bad_option"),
        (ORDER, {"tax_unmapped": "attention"}, "tax_unmapped"),
        (ORDER, {"unknown_sku": "attention"}, "sku_unmapped"),
        (replace(ORDER, customer=Customer(id="7", given_name="Bo")), {"no_email": "attention"}, "no_email"),
        (replace(ORDER, customer=Customer()), {"no_email": "default_client"}, "no_email"),
    ],
)
def test_stopped_with_a_sentence_and_nothing_written(placed: Any, options: dict[str, Any], code: str) -> None:
    books = Books()
    with pytest.raises(NeedsAttention) as raised:
        books.sync(RECIPE, placed, context(**options))
    assert raised.value.code == code
    assert raised.value.message.endswith(".")
    assert books.writes == []


def test_the_rounding_sentence_names_both_values() -> None:
    with pytest.raises(NeedsAttention, match=r"28\.25 CAD but the order says 28\.31 CAD.*0\.05 CAD"):
        RECIPE.desire(replace(ORDER, total=money("28.31")), context())


def test_every_sku_that_waits_is_named() -> None:
    two = order("40.00", line("1", "20.00", sku="MUG-1"), line("2", "20.00", sku="POT-2"), transactions=(sale("40.00"),))
    with pytest.raises(NeedsAttention, match=r"mapped to the SKUs MUG-1, POT-2 of order 1042\. Choose one for each"):
        Books().sync(RECIPE, two, context(unknown_sku="attention"))


def test_subjects_release_waiting_jobs() -> None:
    with pytest.raises(NeedsAttention) as raised:
        RECIPE.desire(ORDER, context(tax_unmapped="attention"))
    assert raised.value.subject == "tax:CA-ON"
    with pytest.raises(NeedsAttention) as raised:
        Books().sync(RECIPE, ORDER, context(unknown_sku="attention"))
    assert raised.value.subject == "sku:MUG-1"


def test_an_unknown_time_zone_is_rejected() -> None:
    with pytest.raises(Rejected, match="Mars/Olympus"):
        RECIPE.desire(replace(ORDER, time_zone="Mars/Olympus"), context())


@pytest.mark.parametrize(("zone", "day"), [("+09:30", 2), ("UTC-5", 1), ("UTC", 2), ("Asia/Tokyo", 2)])
def test_dates_are_the_shops(zone: str, day: int) -> None:
    assert RECIPE.desire(replace(ORDER, time_zone=zone), context()).invoice.issued_on == date(2026, 7, day)  # type: ignore[union-attr]


# ---- clients -----------------------------------------------------------------------------------------------------


def test_without_email_the_client_is_the_shops_customer_and_not_shared() -> None:
    [client, *_] = first(replace(ORDER, customer=Customer(id="7", given_name="Bo")))
    assert (client.key, client.shared, client.value.note) == ("customer:7", False, "shop1:customer:7")


def test_a_guest_without_email_has_a_client_per_order() -> None:
    [client, *_] = first(replace(ORDER, customer=Customer(given_name="Bo")))
    assert (client.key, client.shared) == ("order:727", False)


def test_the_default_client_takes_orders_without_email() -> None:
    changes = first(replace(ORDER, customer=Customer()), no_email="default_client", default_client="c-1", unknown_sku="line")
    assert [c.object_type for c in changes] == [ObjectType.INVOICE, ObjectType.INVOICE, ObjectType.PAYMENT]
    assert changes[0].value.customer_id == "c-1"


def test_several_clients_with_one_email_can_be_asked_about() -> None:
    assert first(ORDER, several_clients="attention")[0].several == "attention"
