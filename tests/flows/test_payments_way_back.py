"""The way back: what people record in the books reaches the shop once, and our own payments end there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Alert, AuditRecord
from flows.models import ExternalLink, SyncJob
from tests.flows.bookkeeper import invoice_by_hand
from tests.flows.conftest import Town

WAITING = {"status": "on-hold", "set_paid": False, "payment_method": "bacs", "transaction_id": ""}


def booked_waiting(town: Town, **fields: Any) -> dict[str, Any]:
    """An order that waits for its bank transfer and is in the books."""
    town.orders.options = {"statuses": ["on-hold", "processing", "completed"]}
    town.orders.save()
    order = town.order(**{**WAITING, **fields})
    assert town.book(order).state == "done"
    return order


def pay(town: Town, invoice_id: int, **how: Any) -> str:
    """A person records a payment in the books; its id."""
    return str(town.ask(town.books, "pay", invoice_id=invoice_id, **how)["payment"]["id"])


def told(town: Town, payment: str, **wish: Any) -> SyncJob:
    return town.run(town.payments, payment, **wish)


def test_a_full_payment_moves_the_order_and_leaves_one_note(town: Town) -> None:
    order = booked_waiting(town)
    payment = pay(town, town.invoice(order)["id"])
    with town.untouched(town.books):
        job = told(town, payment)
        assert job.state == "done", job.reason
    assert town.raw(order)["status"] == "processing"
    assert town.raw(order)["transaction_id"] == f"{order['number']}/{payment}"
    (note,) = town.notes(order)
    assert f"Payment of 20.23 CAD (Check, {town.invoice(order)['payments'][0]['date']})" in note
    assert "now paid in full" in note
    with town.untouched(town.shop, town.books):
        told(town, payment)
        told(town, payment, force=True)
    assert len(town.notes(order)) == 1


def test_the_status_of_a_paid_order_is_an_option(town: Town) -> None:
    town.payments.options = {"paid_status": "completed"}
    town.payments.save()
    order = booked_waiting(town)
    told(town, pay(town, town.invoice(order)["id"]))
    assert town.raw(order)["status"] == "completed"


def test_a_part_leaves_a_note_and_the_rest_moves_the_order(town: Town) -> None:
    order = booked_waiting(town)
    invoice = town.invoice(order)["id"]
    told(town, pay(town, invoice, amount="20.22"))
    assert town.raw(order)["status"] == "on-hold"
    assert len(town.notes(order)) == 1
    assert "0.01 CAD is still outstanding" in town.notes(order)[0]
    told(town, pay(town, invoice))
    assert town.raw(order)["status"] == "processing"
    assert len(town.notes(order)) == 2


def test_our_own_payment_tells_the_shop_nothing(town: Town) -> None:
    order = town.order()
    town.book(order)
    payment = town.invoice(order)["payments"][0]["id"]
    with town.untouched(town.shop, town.books):
        job = told(town, str(payment))
    assert (job.state, job.reason_code) == ("nothing", "echo")
    assert town.notes(order) == []


def test_our_own_payment_whose_answer_was_lost_is_not_taken_for_a_persons(town: Town) -> None:
    """The books have it, our link does not say so yet; the payment's event comes in between."""
    order = town.order()
    fault = {"kind": "drop_after", "method": "POST", "path": "payments/payments"}
    town.ask(town.books, "faults", faults=[fault])
    assert town.book(order).state == "waiting"
    payment = str(town.invoice(order)["payments"][0]["id"])
    with town.untouched(town.shop, town.books):
        job = told(town, payment)
    assert job.state == "waiting"
    assert town.notes(order) == []
    link = ExternalLink.objects.get(object_type="payment")
    ExternalLink.objects.filter(pk=link.pk).update(in_doubt_until=link.intended_at)  # it has settled
    town.due_now()
    town.work()
    town.due_now()
    with town.untouched(town.shop, town.books):
        town.work()
    job = SyncJob.objects.get(flow=town.payments)
    assert (job.state, job.reason_code) == ("nothing", "echo")
    assert len(town.invoice(order)["payments"]) == 1
    assert town.notes(order) == []


def test_while_the_order_is_being_booked_its_payment_waits_uncounted(town: Town) -> None:
    """The payment's event overtook the commit of the write that caused it."""
    order = town.order()
    town.book(order)
    payment = str(town.invoice(order)["payments"][0]["id"])
    ExternalLink.objects.filter(object_type="payment").update(state="intended", remote_id="")
    SyncJob.objects.update(state="running", lease_token="x", lease_until=timezone.now() + timedelta(minutes=1))
    with town.untouched(town.shop, town.books):
        job = told(town, payment)
    assert (job.state, job.attempts, job.reason_code) == ("waiting", 0, "busy")
    ExternalLink.objects.filter(object_type="payment").update(state="confirmed", remote_id=payment)
    with town.untouched(town.shop, town.books):
        assert told(town, payment).reason_code == "echo"


def test_an_order_that_moved_on_is_not_moved_back(town: Town) -> None:
    order = booked_waiting(town)
    payment = pay(town, town.invoice(order)["id"])
    town.change(order, status="completed")
    told(town, payment)
    assert town.raw(order)["status"] == "completed"
    assert len(town.notes(order)) == 1


@pytest.mark.parametrize("status", ["cancelled", "trash"])
def test_a_closed_order_is_not_reopened(town: Town, status: str) -> None:
    order = booked_waiting(town)
    payment = pay(town, town.invoice(order)["id"])
    if status == "trash":
        town.ask(town.shop, "trash", id=order["id"])
    else:
        town.change(order, status=status)
    told(town, payment)
    assert town.raw(order)["status"] == status


def test_a_deleted_payment_is_told_and_moves_nothing_back(town: Town) -> None:
    order = booked_waiting(town)
    payment = pay(town, town.invoice(order)["id"])
    told(town, payment)
    rows = town.books.sandbox.state.main.tables["payments"].rows
    rows[int(payment)]["vis_state"] = 1
    told(town, payment)
    told(town, payment)
    assert town.raw(order)["status"] == "processing"
    assert len(town.notes(order)) == 2
    assert "was deleted" in town.notes(order)[-1] or "was deleted" in town.notes(order)[0]


# ---- payments on invoices that we did not make -------------------------------------------------------------


def test_exactly_one_waiting_order_of_that_amount_is_matched(town: Town) -> None:
    order, other = town.order(**WAITING), town.order(**WAITING, line_items=[{"sku": "POT-CAST", "quantity": 1}])
    payment = pay(town, invoice_by_hand(town, "20.23"))
    assert told(town, payment).state == "done"
    assert (town.raw(order)["status"], town.raw(other)["status"]) == ("processing", "on-hold")
    assert len(town.notes(order)) == 1
    with town.untouched(town.shop):
        told(town, payment, force=True)


@pytest.mark.parametrize("orders", [0, 2])
def test_none_or_several_are_a_persons_to_judge(town: Town, orders: int) -> None:
    placed = [town.order(**WAITING) for _ in range(orders)]
    payment = pay(town, invoice_by_hand(town, "20.23"))
    with town.untouched(town.shop, town.books):
        job = told(town, payment)
    assert (job.state, job.reason_code, job.subject) == ("attention", "manual_review", f"payment:{payment}")
    assert all(order["number"] in job.reason for order in placed)
    assert [town.raw(order)["status"] for order in placed] == ["on-hold"] * orders
    assert Alert.objects.filter(closed_at=None, cause=f"{town.payments.pk}:manual_review:payment:{payment}").exists()
    assert AuditRecord.objects.filter(outcome="attention", source_id=payment).exists()


def test_the_reference_on_the_invoice_decides_between_equals(town: Town) -> None:
    first, second = town.order(**WAITING), town.order(**WAITING)
    payment = pay(town, invoice_by_hand(town, "20.23", po_number=second["number"]))
    assert told(town, payment).state == "done"
    assert (town.raw(first)["status"], town.raw(second)["status"]) == ("on-hold", "processing")


@pytest.mark.parametrize(("placed", "matches"), [("2026-10-02", True), ("2026-09-20", False), ("2026-11-04", False)])
def test_only_orders_of_the_weeks_before_the_payment_match(town: Town, placed: str, matches: bool) -> None:
    town.ask(town.shop, "clock", now=f"{placed}T12:00:00+00:00")
    order = town.order(**WAITING)
    town.ask(town.shop, "clock")
    job = told(town, pay(town, invoice_by_hand(town, "20.23"), date="2026-11-01"))
    assert (job.state == "done", town.raw(order)["status"]) == (matches, "processing" if matches else "on-hold")


def test_payments_that_came_from_no_order_can_be_left_alone(town: Town) -> None:
    town.payments.options = {"unmatched": "ignore"}
    town.payments.save()
    payment = pay(town, invoice_by_hand(town, "77.00"))
    with town.untouched(town.shop, town.books):
        job = told(town, payment)
    assert (job.state, job.reason_code) == ("nothing", "unmatched")
    assert not Alert.objects.exists()


def test_nothing_that_we_do_ever_writes_a_status_in_the_books(make_town: Callable[..., Town]) -> None:
    town = make_town()
    order = booked_waiting(town)
    told(town, pay(town, town.invoice(order)["id"]))
    sold = town.order()
    town.book(sold)
    town.refund(sold, amount="1.00")
    town.book(sold)
    town.change(sold, status="cancelled")
    town.book(sold)
    assert town.invoice(sold)["vis_state"] == 1
    bodies = [entry["body"] for entry in town.ask(town.books, "requests") if entry["method"] in ("POST", "PUT")]
    assert len(bodies) >= 10
    assert [body for body in bodies if "status" in body] == []
