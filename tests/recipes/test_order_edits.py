"""An order in the books is cancelled, comes back, changes; its client moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from recipe_books import Books, context
from recipe_order import MUGS, ORDER, PLATE, booked, refund, sync
from recipe_shop import BUYER, PLACED, charge, money, sale

from connectors.canonical.identity import ObjectType
from connectors.canonical.order import OrderState, Tender
from connectors.canonical.settlement import TransactionKind
from connectors.kit.errors import NothingToDo
from flows.recipes.order_to_invoice import RECIPE


@pytest.mark.parametrize("state", [OrderState.CANCELLED, OrderState.DELETED])
def test_cancelled_orders_are_voided_and_come_back(state: OrderState) -> None:
    books = booked()
    assert sync(books, replace(ORDER, state=state)) == ["act payment void", "act invoice void"]
    assert sync(books, replace(ORDER, state=state)) == []
    assert sync(books, ORDER) == ["act invoice restore", "act payment restore"]


HELD = "By the shop's records 50.20 CAD of order 1042 was received and not given back."
HALF_HELD = "By the shop's records 38.90 CAD of order 1042 was received and not given back."


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, HELD),
        ({"refunds": (refund("11.30"),)}, HALF_HELD),
        ({"refunds": (refund("50.20"),)}, ""),
        ({"transactions": ()}, ""),
        ({"transactions": (sale("50.20", kind=TransactionKind.AUTHORISATION),)}, ""),
        ({"transactions": (sale("50.20", "us", "USD"),)}, ""),
        ({"transactions": (), "tenders": (Tender("giftcard", "G-1", money("50.20")),)}, HELD),
    ],
    ids=["paid", "half given back", "given back", "unpaid", "only reserved", "another currency", "paid by card"],
)
def test_money_that_the_shop_keeps_for_a_cancelled_order_is_told(changes: dict[str, Any], told: str) -> None:
    gone = replace(ORDER, state=OrderState.CANCELLED, **changes)
    books = booked()
    last = books.sync(RECIPE, gone, context())[-1]
    assert (last.concern is not None and last.concern.code == "money_held") == bool(told)
    notes = " ".join(last.said)
    assert notes.partition(". ")[2].partition(" Refund it there")[0] == told
    with pytest.raises(NothingToDo) as left_out:  # nor is it kept from whoever looks at an order that was never booked
        Books().sync(RECIPE, gone, context())
    assert (told in left_out.value.message, "not given back" in left_out.value.message) == (True, bool(told))


def test_a_cancelled_order_takes_its_credit_notes_along() -> None:
    books = booked(replace(ORDER, refunds=(refund("11.30"),)), refunds="credit_note")
    gone = replace(ORDER, state=OrderState.CANCELLED)
    assert sync(books, gone, refunds="credit_note") == ["act payment void", "act credit void", "act invoice void"]


def test_a_voided_order_that_no_longer_counts_stays_out() -> None:
    books = booked()
    sync(books, replace(ORDER, state=OrderState.CANCELLED))
    books.writes.clear()
    with pytest.raises(NothingToDo, match="status pending"):
        books.sync(RECIPE, replace(ORDER, status="pending"), context())
    assert books.writes == []


def test_a_booked_order_is_followed_whatever_its_status_becomes() -> None:
    books = booked()
    assert sync(books, replace(ORDER, status="on-hold", refunds=(refund("11.30"),))) == ["update payment", "update invoice"]


def test_a_dearer_order_grows_the_invoice_before_the_payment() -> None:
    books = booked()
    dearer = replace(ORDER, total=money("60.20"), charges=(charge("3", "15.00"),), transactions=(sale("60.20"),))
    assert sync(books, dearer) == ["update invoice", "update payment"]


def test_a_payment_that_arrives_later_is_only_recorded() -> None:
    books = booked(replace(ORDER, transactions=()))
    assert sync(books, ORDER) == ["create payment"]
    assert not books.writes[0].find_first  # nothing is paid, so nothing of ours can be there


def test_a_payment_that_the_shop_takes_back_is_voided() -> None:
    books = booked()
    assert sync(books, replace(ORDER, transactions=())) == ["act payment void"]
    assert sync(books, ORDER) == ["act payment restore"]


def test_the_same_order_again_changes_nothing() -> None:
    books = booked()
    assert sync(books, replace(ORDER, updated_at=PLACED + timedelta(days=9), note="x")) == []


def test_equal_amounts_with_other_zeros_are_the_same_content() -> None:
    books = booked()
    same = replace(ORDER, lines=(replace(MUGS, total=money("30.000"), quantity=Decimal("3.0")), PLATE))
    assert sync(books, same) == []


def test_another_email_moves_the_invoice_to_another_client() -> None:
    books = booked()
    assert sync(books, replace(ORDER, customer=replace(BUYER, email="bo@example.test"))) == ["create customer", "update invoice"]
    assert len(books.all(ObjectType.CUSTOMER)) == 2
    assert books.the(ObjectType.INVOICE).customer_id == books.links[ObjectType.CUSTOMER, "email:bo@example.test"].destination_id


def test_a_later_order_brings_the_clients_new_address_and_an_older_one_does_not_take_it_back() -> None:
    books = booked()
    moved = replace(BUYER, billing=replace(BUYER.billing, line1="2 New St"))
    later = replace(ORDER, id="728", number="1043", customer=moved, placed_at=PLACED + timedelta(days=1))
    books.writes.clear()
    books.sync(RECIPE, later, context())
    assert books.verbs()[0] == "update customer"
    assert books.the(ObjectType.CUSTOMER).billing.line1 == "2 New St"
    assert "update customer" not in sync(books, replace(ORDER, refunds=(refund("11.30"),)))
    assert books.the(ObjectType.CUSTOMER).billing.line1 == "2 New St"


def test_clients_can_be_left_as_they_are() -> None:
    books = booked()
    moved = replace(BUYER, billing=replace(BUYER.billing, line1="2 New St"))
    later = replace(ORDER, id="728", number="1043", customer=moved, placed_at=PLACED + timedelta(days=1))
    books.sync(RECIPE, later, context(update_clients=False))
    assert books.the(ObjectType.CUSTOMER).billing.line1 == "1 Mug St"


def test_a_client_that_people_made_is_not_written_over() -> None:
    books = booked()
    key = (ObjectType.CUSTOMER, "email:bea@example.test")
    books.links[key] = replace(books.links[key], content_hash="")
    moved = replace(BUYER, billing=replace(BUYER.billing, line1="2 New St"))
    assert sync(books, replace(ORDER, customer=moved, placed_at=PLACED + timedelta(days=1))) == ["update invoice"]


def test_a_deleted_client_is_restored_before_it_is_invoiced() -> None:
    books = booked()
    key = (ObjectType.CUSTOMER, "email:bea@example.test")
    books.links[key] = replace(books.links[key], void=True)
    books.writes.clear()
    books.sync(RECIPE, replace(ORDER, id="728", number="1043"), context())
    assert books.verbs()[:2] == ["act customer restore", "create invoice"]
