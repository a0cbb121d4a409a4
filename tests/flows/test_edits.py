"""What changes after an order was booked: edits, cancellation, the trash; and the hand of a person in the books."""

from __future__ import annotations

from typing import Any

import pytest

from audit.alerts import close_alert
from audit.models import Alert
from flows.models import SyncJob, SyncRecord
from tests.flows.conftest import Town


def amounts(town: Town, order: dict[str, Any]) -> tuple[str, str, int]:
    invoice = town.invoice(order)
    return invoice["amount"], invoice["paid"], invoice["vis_state"]


def add_shipping(town: Town, order: dict[str, Any]) -> None:
    town.change(order, shipping_lines=[{"method_id": "flat_rate", "method_title": "Courier", "total": "10.00"}])


def open_alerts() -> list[tuple[str, str]]:
    """Code and subject of each open alert."""
    causes = Alert.objects.filter(closed_at=None).order_by("pk").values_list("cause", flat=True)
    return [(cause.split(":")[1], ":".join(cause.split(":")[2:])) for cause in causes]


def test_an_edited_order_updates_its_invoice_and_no_payment_that_nobody_told_of(town: Town) -> None:
    order = town.order()
    town.book(order)
    number = town.invoice(order)["id"]
    add_shipping(town, order)
    job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("31.53", "20.23", 0)  # (17.90 + 10.00) x 1.13
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    assert (str(record.captured), str(record.paid), record.exact) == ("20.230", "20.230", True)
    assert town.invoice(order)["id"] == number
    assert [line["name"] for line in town.invoice(order)["lines"]] == ["Earl Grey, 100 g", "Courier"]
    assert len(town.invoice(order)["payments"]) == 1
    assert open_alerts() == [("grew_after_payment", f"order:{order['id']}")]
    assert f"Order {order['number']} comes to 11.30 CAD more than when it was paid" in Alert.objects.get().message


def test_what_an_edited_order_grew_by_is_settled_in_the_books(town: Town) -> None:
    order = town.order()
    town.book(order)
    add_shipping(town, order)
    town.book(order)
    with town.untouched(town.books):
        assert town.book(order, force=True).state == "done"
        assert town.book(order).reason_code == "unchanged"
    assert open_alerts() == [("grew_after_payment", f"order:{order['id']}")], "looking again changes nothing"
    town.ask(town.books, "pay", invoice_id=town.invoice(order)["id"], amount="11.30")
    with town.untouched(town.books):
        job = town.book(order, force=True)
    assert (job.state, job.reason_code) == ("done", ""), job.reason
    assert amounts(town, order) == ("31.53", "31.53", 0)
    assert open_alerts() == []


def test_another_payment_in_the_shop_pays_what_the_order_comes_to_by_then(town: Town) -> None:
    order = town.order()
    town.book(order)
    add_shipping(town, order)
    town.book(order)
    town.change(order, transaction_id="txn_2")
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("31.53", "31.53", 0)
    assert len(town.invoice(order)["payments"]) == 1
    assert open_alerts() == []


def test_an_edit_that_is_undone_is_no_payment_either_way(town: Town) -> None:
    order = town.order()
    town.book(order)
    add_shipping(town, order)
    town.book(order)
    town.change(order, shipping_lines=[{"id": town.raw(order)["shipping_lines"][0]["id"], "method_title": None}])
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("20.23", "20.23", 0)
    assert open_alerts() == []


def test_a_reference_that_the_shop_tells_late_does_not_hide_what_grew(town: Town) -> None:
    order = town.order(transaction_id="")
    town.book(order)
    town.change(order, transaction_id="txn_1")
    with town.untouched(town.books):
        assert town.book(order).state == "done"
    add_shipping(town, order)
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("31.53", "20.23", 0)


def test_a_smaller_order_lowers_the_payment_before_the_invoice(town: Town) -> None:
    order = town.order()
    town.book(order)
    line = town.raw(order)["line_items"][0]
    town.change(order, line_items=[{"id": line["id"], "quantity": 1, "subtotal": "8.95", "total": "8.95"}])
    town.books.sandbox.command("forget", {})
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("10.11", "10.11", 0)
    writes = [entry["path"].split("/")[4] for entry in town.ask(town.books, "requests") if entry["method"] == "PUT"]
    assert writes == ["payments", "invoices"]
    assert town.invoice(order)["payments"][0]["overpayment_id"] is None
    assert open_alerts() == [("money_held", f"order:{order['id']}")]
    assert f"Order {order['number']} comes to 10.12 CAD less than when it was paid" in Alert.objects.get().message
    with town.untouched(town.books):
        assert town.book(order, force=True).state == "done"
    assert len(open_alerts()) == 1, "what was received is remembered, though the payment was lowered"
    town.change(order, line_items=[{"id": line["id"], "quantity": 2, "subtotal": "17.90", "total": "17.90"}])
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("20.23", "20.23", 0)
    assert open_alerts() == []


def test_a_note_in_the_shop_is_no_change_in_the_books(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.change(order, customer_note="Please ring twice")
    with town.untouched(town.books):
        assert town.book(order).state == "nothing"


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_a_cancelled_order_is_voided_and_a_revived_one_restored(town: Town, status: str) -> None:
    order = town.order()
    town.book(order)
    town.change(order, status=status)
    job = town.book(order)
    assert job.state == "done", job.reason
    assert town.invoice(order)["vis_state"] == 1
    assert [payment["vis_state"] for payment in town.invoice(order)["payments"]] == [1]
    assert "20.23 CAD of order" in job.reason, "the shop keeps the money, and the books no longer show it"
    assert open_alerts() == [("money_held", f"order:{order['id']}")]
    assert f"20.23 CAD of order {order['number']} was received and not given back" in Alert.objects.get().message
    with town.untouched(town.books):
        assert town.book(order, force=True).state == "done"
        assert town.book(order).reason_code == "unchanged"
    assert len(open_alerts()) == 1
    town.change(order, status="processing")
    job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("20.23", "20.23", 0)
    assert [payment["vis_state"] for payment in town.invoice(order)["payments"]] == [0]
    assert open_alerts() == []


def test_the_alert_about_a_cancelled_order_ends_with_its_refund(town: Town) -> None:
    order, other = town.order(), town.order()
    for each in (order, other):
        town.book(each)
        town.change(each, status="cancelled")
        town.book(each)
    assert len(open_alerts()) == 2
    town.refund(order, amount="5.00")
    town.book(order)
    assert "15.23 CAD" in Alert.objects.get(cause__endswith=f"order:{order['id']}").message
    town.refund(order, amount="15.23")
    with town.untouched(town.books):
        assert town.book(order).state == "done"
    assert open_alerts() == [("money_held", f"order:{other['id']}")]
    assert town.book(other).reason_code == "unchanged"
    assert open_alerts() == [("money_held", f"order:{other['id']}")]


def test_an_alert_that_a_person_closed_stays_closed_until_the_order_changes(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.change(order, status="cancelled")
    town.book(order)
    close_alert(town.orders.organization_id, Alert.objects.get().cause)
    town.change(order, customer_note="Keeps it as store credit")
    town.book(order)
    assert open_alerts() == []


def test_a_trashed_order_is_voided_and_untrashed_restored(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.ask(town.shop, "trash", id=order["id"])
    assert town.book(order).state == "done"
    assert town.invoice(order)["vis_state"] == 1
    town.change(order, status="processing")
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("20.23", "20.23", 0)


def test_an_order_cancelled_before_it_was_seen_leaves_nothing(town: Town) -> None:
    order = town.order()
    town.change(order, status="cancelled")
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("nothing", "nothing_booked")


def test_an_order_deleted_for_good_needs_a_person_if_it_was_booked(town: Town) -> None:
    booked, unbooked = town.order(), town.order(status="pending", set_paid=False)
    town.book(booked)
    for order in (booked, unbooked):
        del town.shop.sandbox.state.orders[int(order["id"])]
    with town.untouched(town.books):
        assert (town.book(booked).reason_code, town.book(unbooked).reason_code) == ("vanished", "gone")
    assert amounts(town, booked) == ("20.23", "20.23", 0)


# ---- people in the books -----------------------------------------------------------------------------------


def stopped(town: Town, order: dict[str, Any], code: str) -> SyncJob:
    """Sync: nothing is written, the job says why, an alert is open."""
    before = town.ledger()["invoices"]
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", code), job.reason
    assert town.ledger()["invoices"] == before
    assert Alert.objects.filter(cause=f"{town.orders.pk}:{code}:", closed_at=None).count() == 1
    return job


def test_a_locked_invoice_is_left_alone(town: Town) -> None:
    order = town.order()
    town.book(order)
    invoice = town.invoice(order)["id"]
    town.ask(town.books, "lock_invoice", invoice_id=invoice)
    add_shipping(town, order)
    job = stopped(town, order, "invoice_locked")
    assert "Unlock it" in job.reason
    town.ask(town.books, "lock_invoice", invoice_id=invoice, locked=False)
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("31.53", "20.23", 0)
    assert open_alerts() == [("grew_after_payment", f"order:{order['id']}")]
    assert SyncJob.objects.get(pk=job.pk).state == "superseded"


def test_a_locked_invoice_is_not_voided_either(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.ask(town.books, "lock_invoice", invoice_id=town.invoice(order)["id"])
    town.change(order, status="cancelled")
    stopped(town, order, "invoice_locked")


def test_an_invoice_edited_by_hand_is_not_overwritten(town: Town) -> None:
    order = town.order()
    town.book(order)
    lines = [{"name": "Tea, as agreed by phone", "qty": "1", "unit_cost": {"amount": "20.23", "code": "CAD"}}]
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"lines": lines})
    add_shipping(town, order)
    job = stopped(town, order, "edited_by_hand")
    assert "31.53" in job.reason
    assert SyncRecord.objects.get(flow=town.orders, source_id=order["id"]).outcome == "attention"


def test_an_edit_by_hand_that_still_ties_out_is_accepted(town: Town) -> None:
    order = town.order()
    town.book(order)
    lines = [{"name": "Tea", "qty": "1", "unit_cost": {"amount": "20.23", "code": "CAD"}}]
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"lines": lines})
    with town.untouched(town.books):
        job = town.book(order, force=True)
    assert job.state == "done", job.reason


def test_an_invoice_deleted_by_hand_is_not_made_again(town: Town) -> None:
    order = town.order(set_paid=False, payment_method="cod", status="processing")
    town.book(order)
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"vis_state": 1})
    add_shipping(town, order)
    stopped(town, order, "deleted_by_hand")
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"vis_state": 0})
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("31.53", "0.00", 0)


def test_a_payment_recorded_by_hand_counts_and_is_not_doubled(town: Town) -> None:
    """An unpaid order was paid in the books first; then the shop learns of it too."""
    order = town.order(set_paid=False, status="on-hold", payment_method="bacs")
    town.orders.options = {"statuses": ["on-hold", "processing"]}
    town.orders.save()
    town.book(order)
    town.ask(town.books, "pay", invoice_id=town.invoice(order)["id"])
    town.change(order, status="processing")
    with town.untouched(town.books):
        job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("20.23", "20.23", 0)
    assert len(town.invoice(order)["payments"]) == 1


def test_an_unpaid_order_that_is_paid_later_gets_its_payment(town: Town) -> None:
    order = town.order(set_paid=False, status="processing", payment_method="cod", transaction_id="")
    town.book(order)
    assert amounts(town, order) == ("20.23", "0.00", 0)
    assert town.invoice(order)["status"] == "sent"
    town.change(order, status="completed")
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("20.23", "20.23", 0)
    (payment,) = town.invoice(order)["payments"]
    assert payment["date"] == town.raw(order)["date_paid"][:10]
