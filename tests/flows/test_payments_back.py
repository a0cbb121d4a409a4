"""A payment that was taken off the books comes back over less than it was: a whole refund gave way to a part."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.flows.conftest import Town
from tests.flows.test_refunds import amounts, delete_refund
from tests.flows.till import Till


def on_the_invoice(town: Town, order: dict[str, Any]) -> list[tuple[str, int, Any]]:
    return [(payment["amount"], payment["vis_state"], payment["overpayment_id"]) for payment in town.invoice(order)["payments"]]


@pytest.mark.parametrize("part", ["0.01", "5.00", "20.22"])
def test_a_whole_refund_that_is_replaced_by_a_part_brings_the_payment_back_over_the_rest(town: Town, part: str) -> None:
    order = town.order()
    town.book(order)
    refund = town.refund(order)
    assert town.book(order).state == "done"
    assert on_the_invoice(town, order) == [("20.23", 1, None)]
    delete_refund(town, order, refund)
    town.refund(order, amount=part)
    town.change(order, status="processing")
    job = town.book(order)
    assert job.state == "done", job.reason
    left = str(Decimal("20.23") - Decimal(part))
    assert (amounts(town, order), on_the_invoice(town, order)) == ((left, left, "0.00"), [(left, 0, None)])
    with town.untouched(town.books):
        assert town.book(order, force=True).state == "done"


def test_a_cancelled_order_that_comes_back_smaller(town: Town) -> None:
    order = town.order(line_items=[{"sku": "TEA-EG-100", "quantity": 3}, {"sku": "POT-CAST", "quantity": 1}])
    town.book(order)
    town.change(order, status="cancelled")
    town.book(order)
    assert on_the_invoice(town, order) == [("119.61", 1, None)]
    tea = town.raw(order)["line_items"][0]
    town.change(order, status="processing", line_items=[{"id": tea["id"], "quantity": 0}])
    job = town.book(order)
    assert job.state == "done", job.reason
    assert (amounts(town, order), on_the_invoice(town, order)) == (("89.27", "89.27", "0.00"), [("89.27", 0, None)])


@pytest.mark.parametrize("by_hand", ["15.23", "10.00"])
def test_what_a_person_recorded_meanwhile_is_never_overpaid(town: Town, by_hand: str) -> None:
    """The invoice was restored and paid by hand before we came: there is no room for the whole payment on the way."""
    order = town.order()
    town.book(order)
    refund = town.refund(order)
    town.book(order)
    number = town.invoice(order)["id"]
    town.ask(town.books, "edit_invoice", invoice_id=number, fields={"vis_state": 0})
    town.ask(town.books, "pay", invoice_id=number, amount=by_hand)
    delete_refund(town, order, refund)
    town.refund(order, amount="5.00")
    town.change(order, status="processing")
    job = town.book(order)
    if by_hand == "10.00":
        assert (job.state, job.reason_code) == ("attention", "payment_voided"), job.reason
        town.ask(town.books, "pay", invoice_id=number, amount="5.23")
        job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("15.23", "15.23", "0.00")
    assert all(overpaid is None for _, _, overpaid in on_the_invoice(town, order))


def test_one_of_two_refunds_that_failed_brings_a_collected_payment_back_in_part(till: Till) -> None:
    invoice, at = till.issued()
    till.option(till.back, pending_refunds="at_once")
    paid = till.pay(at)
    till.record(at["id"])
    refunds = []
    for amount in ("40.00", "60.00"):
        refunds.append(till.ask(till.service, "refund", payment=paid["payment"], amount=amount, status="pending"))
        till.record(at["id"])
    assert till.recorded(invoice) == []
    till.ask(till.service, "finish_refund", id=refunds[0]["id"], status="failed")
    job = till.record(at["id"])
    assert job.state == "done", job.reason
    [payment] = till.here(invoice)["payments"]
    assert (payment["amount"], payment["vis_state"], payment["overpayment_id"]) == ("40.00", 0, None)
