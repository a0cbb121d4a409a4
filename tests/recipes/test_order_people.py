"""What people did to an order's invoice by hand, and what a crash left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from recipe_books import Books, context
from recipe_order import ORDER, booked, by_hand, refund, stopped, sync
from recipe_shop import PLACED, charge, money

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceStatus
from connectors.canonical.order import OrderState
from connectors.canonical.party import Customer
from flows.recipes.order_to_invoice import RECIPE


def test_what_people_recorded_is_not_recorded_again() -> None:
    books = booked(replace(ORDER, transactions=()))
    by_hand(books, "50.20")
    assert sync(books, ORDER) == []


def test_only_what_people_left_open_is_recorded() -> None:
    books = booked(replace(ORDER, transactions=()))
    by_hand(books, "20.00")
    assert sync(books, ORDER) == ["create payment"]
    assert books.writes[0].value.amount == money("30.20")
    assert books.writes[0].find_first  # what is paid might be ours from before a crash


def test_what_people_recorded_beyond_the_capture_is_theirs_and_said_in_the_proof() -> None:
    unpaid = replace(ORDER, transactions=())
    books = booked(unpaid)
    by_hand(books, "50.20")
    proof = books.sync(RECIPE, unpaid, context())[-1].tie_out
    assert proof is not None
    assert (proof.captured, proof.paid, proof.beyond, proof.exact) == (money("0"), money("50.20"), money("50.20"), True)
    assert books.writes == []


def test_a_refund_of_what_people_recorded_asks_them() -> None:
    books = booked(replace(ORDER, transactions=()))
    by_hand(books, "50.20")
    assert "50.20 CAD" in stopped(books, replace(ORDER, refunds=(refund("11.30"),)), "paid_by_hand")
    assert "50.20 CAD" in stopped(books, replace(ORDER, state=OrderState.CANCELLED), "paid_by_hand")


def test_hand_edits_stand_until_they_have_to_change() -> None:
    books = booked()
    id = books.the(ObjectType.INVOICE).id
    books.person(ObjectType.INVOICE, id, issued_on=PLACED.date())
    assert sync(books, ORDER) == []
    assert "edited in the books by hand" in stopped(books, replace(ORDER, refunds=(refund("11.30"),)), "edited_by_hand")


def test_an_amount_changed_by_hand_is_shown() -> None:
    books = booked(replace(ORDER, transactions=()))
    invoice = books.the(ObjectType.INVOICE)
    books.person(ObjectType.INVOICE, invoice.id, lines=invoice.lines[:2])
    assert "45.20 CAD" in stopped(books, replace(ORDER, transactions=()), "edited_by_hand")


def test_a_locked_invoice_is_left_alone() -> None:
    books = booked()
    books.person(ObjectType.INVOICE, books.the(ObjectType.INVOICE).id, locked=True)
    assert sync(books, ORDER) == []
    stopped(books, replace(ORDER, refunds=(refund("11.30"),)), "invoice_locked")
    stopped(books, replace(ORDER, state=OrderState.CANCELLED), "invoice_locked")


def test_an_invoice_deleted_by_hand_is_shown() -> None:
    unpaid = replace(ORDER, transactions=())
    books = booked(unpaid)
    id = books.the(ObjectType.INVOICE).id
    books.person(ObjectType.INVOICE, id, status=InvoiceStatus.VOID)
    stopped(books, unpaid, "deleted_by_hand")
    del books.things[ObjectType.INVOICE, id]
    stopped(books, unpaid, "deleted_by_hand")
    assert sync(books, replace(unpaid, state=OrderState.CANCELLED)) == []


def test_a_payment_deleted_by_hand_is_shown_unless_people_replaced_it() -> None:
    books = booked()
    books.person(ObjectType.PAYMENT, books.the(ObjectType.PAYMENT).id, void=True)
    stopped(books, ORDER, "deleted_by_hand")
    by_hand(books, "50.20")
    assert sync(books, ORDER) == []


def test_an_invoice_in_another_currency_stops() -> None:
    books = booked(replace(ORDER, transactions=()))
    books.person(ObjectType.INVOICE, books.the(ObjectType.INVOICE).id, currency="USD")
    swapped = {key: thing for key, thing in books.things.items() if key[0] is not ObjectType.INVOICE}
    invoice = books.things[ObjectType.INVOICE, "invoice-3"]
    usd = tuple(replace(one, unit_price=money(one.unit_price.amount, "USD")) for one in invoice.lines)
    books.things = {**swapped, (ObjectType.INVOICE, "invoice-3"): replace(invoice, lines=usd)}
    stopped(books, replace(ORDER, transactions=()), "currency_mismatch")


def test_a_draft_left_behind_by_a_crash_is_marked_sent_and_paid() -> None:
    books = Books()
    [*before, sent, payment] = books.plan(RECIPE, RECIPE.desire(ORDER, context())).changes
    for change in before:
        books.load(change)
    assert (sent.action, payment.object_type) == ("mark_sent", ObjectType.PAYMENT)
    assert sync(books, ORDER) == ["act invoice mark_sent", "create payment"]
    assert not books.writes[1].find_first


def test_an_adopted_invoice_with_older_content_is_brought_up_to_date() -> None:
    books = booked(replace(ORDER, transactions=()))
    key = (ObjectType.INVOICE, "727")
    newer = replace(ORDER, total=money("60.20"), charges=(charge("3", "15.00"),), transactions=())
    books.links[key] = replace(books.links[key], content_hash=RECIPE.desire(newer, context()).content)
    assert sync(books, newer) == ["update invoice"]


def test_the_clock_does_not_matter() -> None:
    books = booked()
    later = replace(context(), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert RECIPE.desire(ORDER, later) == RECIPE.desire(ORDER, context())
    assert books.sync(RECIPE, ORDER, later)[0].changes == ()


def test_a_plan_is_never_empty_without_the_proof() -> None:
    class Forgetful(Books):
        """Shows our payment but not that the invoice is paid."""

        def now(self, kind: ObjectType, id: str) -> Any:
            thing = super().now(kind, id)
            return replace(thing, paid=money("0")) if kind is ObjectType.INVOICE else thing

    books = booked()
    forgetful = Forgetful(things=books.things, links=books.links)
    assert "payments 0.00 CAD for 50.20 CAD" in stopped(forgetful, ORDER, "no_tie_out")


def test_an_order_without_any_name_or_e_mail_gets_a_client_that_can_be_told_apart() -> None:
    client = RECIPE.desire(replace(ORDER, customer=Customer()), context()).client
    assert client.customer is not None
    assert (client.customer.company, client.shared) == (f"Guest of order {ORDER.number}", False)
