"""Refunds of an order in the books: taken off, as credit notes, or left out; and taken back again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from recipe_books import Books, context
from recipe_order import ORDER, booked, lines_of, refund, refund_line, stopped, sync
from recipe_shop import money, sale

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceStatus
from connectors.kit.errors import NothingToDo
from flows.recipes.order_to_invoice import RECIPE


def test_a_line_refund_lowers_the_payment_first_and_then_the_quantity() -> None:
    books = booked()
    back = replace(ORDER, refunds=(refund("11.30", refund_line("1", "1", "10.00", "1.30")),))
    assert sync(books, back) == ["update payment", "update invoice"]
    assert lines_of(books) == [("Mug", "2", "10.00"), ("Plate", "1", "10.00"), ("Flat rate", "1", "5.00")]
    assert books.the(ObjectType.PAYMENT).amount == books.the(ObjectType.INVOICE).amount == money("38.90")


def test_part_of_a_price_back_keeps_the_quantity_where_it_divides() -> None:
    books = booked()
    sync(books, replace(ORDER, refunds=(refund("3.39", refund_line("1", "0", "3.00", "0.39")),)))
    assert lines_of(books)[0] == ("Mug", "3", "9.00")


def test_an_excess_that_goes_back_lowers_payments_alone() -> None:
    """Paid twice: the invoice is worth 50.20 before and after 50.20 went back, and of a refund of 55.00 only 4.80 lowers it."""
    twice = replace(ORDER, transactions=(sale("50.20", "first"), sale("50.20", "second")))
    books = booked(twice)
    assert sync(books, replace(twice, refunds=(refund("50.20", excess=money("50.20"), transaction_id="second"),))) == []
    assert (books.the(ObjectType.INVOICE).amount, books.the(ObjectType.PAYMENT).amount) == (money("50.20"), money("50.20"))
    sync(books, replace(twice, refunds=(refund("55.00", excess=money("50.20")),)))
    assert (books.the(ObjectType.INVOICE).amount, books.the(ObjectType.INVOICE).paid) == (money("45.40"), money("45.40"))


def test_no_credit_note_is_written_for_an_excess() -> None:
    twice = replace(ORDER, transactions=(sale("50.20", "first"), sale("50.20", "second")))
    back = replace(twice, refunds=(refund("50.20", excess=money("50.20")), refund("55.00", id="902", excess=money("50.20"))))
    books = booked(back, refunds="credit_note")
    assert [credit.amount for credit in books.all(ObjectType.CREDIT)] == [money("4.80")]


def test_a_line_refunded_whole_leaves_the_invoice() -> None:
    books = booked()
    sync(books, replace(ORDER, refunds=(refund("11.30", refund_line("2", "1", "10.00", "1.30")),)))
    assert lines_of(books) == [("Mug", "3", "10.00"), ("Flat rate", "1", "5.00")]


def test_an_amount_only_refund_is_spread_and_ties_out() -> None:
    books = booked()
    assert sync(books, replace(ORDER, refunds=(refund("10.04"),))) == ["update payment", "update invoice"]
    invoice = books.the(ObjectType.INVOICE)
    assert (invoice.amount, invoice.paid) == (money("40.16"), money("40.16"))
    assert [one.name for one in invoice.lines][:3] == ["Mug", "Plate", "Flat rate"]
    assert [one.unit_price.text() for one in invoice.lines][:3] == ["8.00", "8.00", "4.00"]


def test_a_full_refund_voids_payment_then_invoice_and_a_deleted_refund_brings_both_back() -> None:
    books = booked()
    assert sync(books, replace(ORDER, refunds=(refund("50.20"),))) == ["act payment void", "act invoice void"]
    assert books.the(ObjectType.INVOICE).status is InvoiceStatus.VOID
    assert sync(books, ORDER) == ["act invoice restore", "act payment restore"]
    assert books.the(ObjectType.INVOICE).outstanding == money("0")


def test_a_deleted_refund_grows_the_invoice_before_the_payment() -> None:
    books = booked(replace(ORDER, refunds=(refund("11.30", refund_line("2", "1", "10.00", "1.30")),)))
    assert sync(books, ORDER) == ["update invoice", "update payment"]


def test_a_refund_before_the_first_sync_makes_a_small_invoice_at_once() -> None:
    books = Books()
    back = replace(ORDER, refunds=(refund("11.30", refund_line("2", "1", "10.00", "1.30")),))
    assert sync(books, back) == ["create customer", "create product", "create invoice", "act invoice mark_sent", "create payment"]
    assert books.the(ObjectType.PAYMENT).amount == money("38.90")


def test_a_full_refund_of_what_was_never_booked_writes_nothing() -> None:
    books = Books()
    with pytest.raises(NothingToDo, match=r"refunded in full. Nothing of it is in the books"):
        books.sync(RECIPE, replace(ORDER, refunds=(refund("50.20"),)), context())
    assert books.writes == []


def test_an_unpaid_order_with_a_refund_only_shrinks() -> None:
    unpaid = replace(ORDER, transactions=())
    books = booked(unpaid)
    assert sync(books, replace(unpaid, refunds=(refund("11.30", refund_line("2", "1", "10.00", "1.30")),))) == ["update invoice"]
    assert books.the(ObjectType.INVOICE).outstanding == money("38.90")


def test_refunds_come_off_their_own_transaction_else_off_the_latest() -> None:
    two = replace(ORDER, transactions=(sale("30.00", "a"), sale("20.20", "b")))
    own = RECIPE.desire(replace(two, refunds=(refund("10.00", transaction_id="a"),)), context())
    latest = RECIPE.desire(replace(two, refunds=(refund("25.00"),)), context())
    assert [one.payment.amount.text() for one in own.payments] == ["20.00", "20.20"]
    assert [one.payment.amount.text() for one in latest.payments] == ["25.20", "0.00"]


def test_refund_lines_beyond_the_amount_are_not_believed() -> None:
    books = booked()
    sync(books, replace(ORDER, refunds=(refund("1.00", refund_line("2", "1", "10.00", "1.30")),)))
    assert books.the(ObjectType.INVOICE).amount == money("49.20")
    assert len(books.the(ObjectType.INVOICE).lines) >= 3


# ---- the other ways


def test_credit_notes_leave_invoice_and_payment_alone() -> None:
    books = booked(refunds="credit_note")
    back = replace(ORDER, refunds=(refund("11.30", refund_line("2", "1", "10.00", "1.30"), reason="chipped"),))
    assert sync(books, back, refunds="credit_note") == ["create credit"]
    credit = books.the(ObjectType.CREDIT)
    assert (credit.number, credit.amount, credit.notes) == ("WC-1042-R901", money("11.30"), "Refund of order 1042: chipped")
    assert [(one.name, one.unit_price.text(), one.taxes[0].percent) for one in credit.lines] == [("Plate", "10.00", Decimal(13))]
    assert books.the(ObjectType.INVOICE).paid == money("50.20")
    assert sync(books, back, refunds="credit_note") == []
    assert sync(books, ORDER, refunds="credit_note") == ["act credit void"]
    assert sync(books, back, refunds="credit_note") == ["act credit restore"]


def test_a_credit_note_changed_by_hand_is_shown() -> None:
    back = replace(ORDER, refunds=(refund("11.30"),))
    books = booked(back, refunds="credit_note")
    [id] = [id for kind, id in books.things if kind is ObjectType.CREDIT]
    books.person(ObjectType.CREDIT, id, amount=money("5"))
    assert "over 5.00 CAD" in stopped(books, back, "credit_differs", refunds="credit_note")


def test_refunds_can_be_left_out() -> None:
    books = booked()
    assert sync(books, replace(ORDER, refunds=(refund("11.30"),)), refunds="ignore") == []
