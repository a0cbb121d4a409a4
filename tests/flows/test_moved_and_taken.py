"""What people move in the books is theirs, and a number that is held by something else is a person's to settle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flows.models import ExternalLink, SyncJob
from tests.flows.bookkeeper import invoice_by_hand
from tests.flows.conftest import Town
from tests.flows.test_refunds import delete_refund

Payments = list[tuple[str, int]]


def payments_of(town: Town, invoice_id: int) -> Payments:
    """Amount and visibility of each payment on an invoice."""
    (invoice,) = [each for each in town.ledger()["invoices"] if each["id"] == invoice_id]
    return [(payment["amount"], payment["vis_state"]) for payment in invoice["payments"]]


@pytest.fixture
def moved(town: Town) -> tuple[dict[str, Any], int, int]:
    """A booked order whose payment a person put on another invoice: the order, the payment, the other invoice."""
    order = town.order()
    town.book(order)
    payment, other = town.invoice(order)["payments"][0]["id"], invoice_by_hand(town)
    town.ask(town.books, "edit_payment", payment_id=payment, fields={"invoiceid": other})
    assert payments_of(town, other) == [("20.23", 0)]
    return order, payment, other


@pytest.mark.parametrize("what", ["refunded", "cancelled", "refunded in full"])
def test_a_payment_that_a_person_moved_to_another_invoice_is_not_touched(town: Town, moved: tuple[Any, int, int], what: str) -> None:
    order, _, other = moved
    if what == "cancelled":
        town.change(order, status="cancelled")
    else:
        town.refund(order, **({"amount": "5.00"} if what == "refunded" else {}))
    job = town.book(order)
    assert payments_of(town, other) == [("20.23", 0)], job.reason
    if what == "refunded":
        assert (job.state, job.reason_code) == ("attention", "deleted_by_hand"), job.reason
        assert "moved to another invoice" in job.reason
    else:
        assert job.state == "done", job.reason
        assert town.invoice(order)["vis_state"] == 1


def test_a_moved_payment_counts_again_once_it_is_back(town: Town, moved: tuple[Any, int, int]) -> None:
    order, payment, other = moved
    town.refund(order, amount="5.00")
    town.book(order)
    town.ask(town.books, "edit_payment", payment_id=payment, fields={"invoiceid": town.invoice(order)["id"]})
    job = town.book(order)
    assert job.state == "done", job.reason
    assert (town.invoice(order)["amount"], town.invoice(order)["paid"], payments_of(town, other)) == ("15.23", "15.23", [])


def test_another_payment_by_hand_takes_the_place_of_one_that_was_moved(town: Town, moved: tuple[Any, int, int]) -> None:
    order, _, other = moved
    town.ask(town.books, "pay", invoice_id=town.invoice(order)["id"])
    with town.untouched(town.books):
        job = town.book(order, force=True)
    assert job.state == "done", job.reason
    assert payments_of(town, other) == [("20.23", 0)]


def test_a_refund_comes_off_our_own_payment_where_a_person_recorded_the_other_part(town: Town) -> None:
    order = town.order(set_paid=False, status="on-hold", payment_method="bacs")
    town.orders.options = {"statuses": ["on-hold", "processing"]}
    town.orders.save()
    town.book(order)
    town.ask(town.books, "pay", invoice_id=town.invoice(order)["id"], amount="10.00")
    town.change(order, status="processing")
    town.book(order)
    number = town.invoice(order)["id"]
    assert payments_of(town, number) == [("10.00", 0), ("10.23", 0)]
    refund = town.refund(order, amount="5.00")
    job = town.book(order)
    assert job.state == "done", job.reason
    assert (town.invoice(order)["amount"], payments_of(town, number)) == ("15.23", [("10.00", 0), ("5.23", 0)])
    with town.untouched(town.books):
        assert town.book(order, force=True).state == "done"
    delete_refund(town, order, refund)
    assert town.book(order).state == "done"
    assert payments_of(town, number) == [("10.00", 0), ("10.23", 0)]
    town.refund(order, amount="15.00")
    job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "paid_by_hand"), job.reason
    assert payments_of(town, number) == [("10.00", 0), ("10.23", 0)], "more than ours went back: what becomes of theirs is a person's"


# ---- numbers ---------------------------------------------------------------------------------------------------


def test_an_invoice_whose_number_was_taken_meanwhile_is_not_restored_for_ever(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.change(order, status="cancelled")
    town.book(order)
    theirs = invoice_by_hand(town, invoice_number=order["number"])
    town.change(order, status="processing")
    job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "number_taken"), job.reason
    assert "prefix" in job.reason
    assert town.invoice(order)["vis_state"] == 1
    town.ask(town.books, "edit_invoice", invoice_id=theirs, fields={"invoice_number": "Z-1"})
    assert town.book(order).state == "done"
    assert (town.invoice(order)["vis_state"], town.invoice(order)["paid"]) == (0, "20.23")


def test_a_new_prefix_that_leads_to_a_taken_number_asks(town: Town) -> None:
    order = town.order()
    town.book(order)
    invoice_by_hand(town, invoice_number=f"X-{order['number']}")
    shown = ExternalLink.objects.get(object_type="invoice").fingerprint
    town.orders.options = {"invoice_prefix": "X-"}
    town.orders.save()
    job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "number_taken"), job.reason
    assert town.invoice(order)["number"] == order["number"]
    assert ExternalLink.objects.get(object_type="invoice").fingerprint == shown, "an edit by hand is still told from ours"
    town.orders.options = {"invoice_prefix": "Y-"}
    town.orders.save()
    assert town.book(order).state == "done"
    assert town.invoice(order)["number"] == f"Y-{order['number']}"
    assert not SyncJob.objects.filter(state__in=["waiting", "attention"]).exists()


def test_an_order_that_changed_its_currency_says_what_to_do(make_town: Callable[..., Town]) -> None:
    town = make_town({"currencies": ["CAD", "EUR"]})
    order = town.order()
    town.book(order)
    town.change(order, currency="EUR")
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "currency_mismatch"), job.reason
    assert "skip this order" in job.reason
    town.change(order, currency="CAD")
    assert town.book(order).state == "done"


def test_a_discount_that_a_person_gave_is_an_edit_and_not_a_rounding(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"discount_value": "5"})
    with town.untouched(town.books):
        job = town.book(order, force=True)
    assert (job.state, job.reason_code) == ("attention", "edited_by_hand"), job.reason
