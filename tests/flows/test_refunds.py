"""Refunds by each policy: invoice and payments tie out with what the shop kept, also when a refund is taken back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import requests

from credentials.vault import read_secrets
from flows.models import ExternalLink, SyncRecord
from tests.flows.conftest import Town


def amounts(town: Town, order: dict[str, Any]) -> tuple[str, str, str]:
    """Amount, paid and outstanding of the order's invoice."""
    invoice = town.invoice(order)
    return invoice["amount"], invoice["paid"], invoice["outstanding"]


def delete_refund(town: Town, order: dict[str, Any], refund: dict[str, Any]) -> None:
    """Somebody deletes a refund in the shop, by its API."""
    secrets = read_secrets(town.orders.source)
    answer = requests.delete(
        f"{town.shop.url}/wp-json/wc/v3/orders/{order['id']}/refunds/{refund['id']}",
        params={"force": "true"},
        auth=(secrets["consumer_key"], secrets["consumer_secret"]),
        timeout=10,
    )
    assert answer.status_code == 200, answer.text


def test_a_refund_by_lines_shrinks_its_line_and_the_payment(town: Town) -> None:
    order = town.order(line_items=[{"sku": "TEA-EG-100", "quantity": 3}, {"sku": "POT-CAST", "quantity": 1}])
    town.book(order)
    assert amounts(town, order) == ("119.61", "119.61", "0.00")  # (26.85 + 79.00) x 1.13
    tea = town.raw(order)["line_items"][0]
    tax = {"id": 1, "refund_total": "1.16"}
    town.refund(order, lines=[{"id": tea["id"], "quantity": 1, "refund_total": "8.95", "refund_tax": [tax]}])
    job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("109.50", "109.50", "0.00")
    lines = {line["name"]: (line["qty"], line["unit_cost"]["amount"]) for line in town.invoice(order)["lines"]}
    assert lines["Earl Grey, 100 g"] == ("2", "8.95")
    assert lines["Cast-iron teapot"] == ("1", "79.00")
    assert len(town.invoice(order)["payments"]) == 1
    assert town.ledger()["credits"] == []
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    assert (str(record.total), str(record.refunded), record.exact) == ("119.610", "10.110", True)


def test_refunds_by_amount_add_up_and_the_last_one_voids(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.refund(order, amount="5.00")
    town.book(order)
    assert amounts(town, order) == ("15.23", "15.23", "0.00")
    town.refund(order, amount="0.01")
    town.book(order)
    assert amounts(town, order) == ("15.22", "15.22", "0.00")
    town.refund(order)  # the rest
    assert town.raw(order)["status"] == "refunded"
    job = town.book(order)
    assert job.state == "done", job.reason
    invoice = town.invoice(order)
    assert (invoice["vis_state"], [payment["vis_state"] for payment in invoice["payments"]]) == (1, [1])
    with town.untouched(town.books):
        assert town.book(order).state == "nothing"


def test_an_order_refunded_before_it_was_seen_is_never_booked(town: Town) -> None:
    order = town.order()
    town.refund(order)
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("nothing", "nothing_booked")
    assert town.ledger()["invoices"] == []


def test_a_deleted_refund_puts_everything_back(town: Town) -> None:
    order = town.order()
    town.book(order)
    refund = town.refund(order, amount="7.77")
    town.book(order)
    assert amounts(town, order) == ("12.46", "12.46", "0.00")
    delete_refund(town, order, refund)
    job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("20.23", "20.23", "0.00")
    assert len(town.invoice(order)["payments"]) == 1


def test_a_deleted_full_refund_brings_the_voided_invoice_back(town: Town) -> None:
    order = town.order()
    town.book(order)
    refund = town.refund(order)
    town.book(order)
    assert town.invoice(order)["vis_state"] == 1
    delete_refund(town, order, refund)
    town.change(order, status="processing")
    job = town.book(order)
    assert job.state == "done", job.reason
    assert (*amounts(town, order), town.invoice(order)["vis_state"]) == ("20.23", "20.23", "0.00", 0)
    assert [payment["vis_state"] for payment in town.invoice(order)["payments"]] == [0]


def test_a_refund_of_an_unpaid_order_takes_no_payment(town: Town) -> None:
    order = town.order(set_paid=False, status="processing", payment_method="cod")
    town.book(order)
    assert amounts(town, order) == ("20.23", "0.00", "20.23")
    town.refund(order, amount="2.23")
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("18.00", "0.00", "18.00")
    assert town.invoice(order)["payments"] == []


def test_credit_notes_leave_the_invoice_alone_and_go_with_their_refund(make_town: Callable[..., Town]) -> None:
    town = make_town(refunds="credit_note")
    order = town.order()
    town.book(order)
    refund = town.refund(order, amount="5.00", reason="Chipped")
    job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("20.23", "20.23", "0.00")
    (credit,) = town.ledger()["credits"]
    assert (credit["number"], credit["amount"], credit["vis_state"]) == (f"{order['number']}-R{refund['id']}", "5.00", 0)
    assert credit["client_id"] == town.invoice(order)["client_id"]
    with town.untouched(town.books):
        town.book(order)
    delete_refund(town, order, refund)
    assert town.book(order).state == "done"
    (credit,) = town.ledger()["credits"]
    assert credit["vis_state"] == 1
    assert amounts(town, order) == ("20.23", "20.23", "0.00")


def test_ignored_refunds_change_nothing_in_the_books(make_town: Callable[..., Town]) -> None:
    town = make_town(refunds="ignore")
    order = town.order()
    town.book(order)
    town.refund(order, amount="5.00")
    with town.untouched(town.books):
        town.book(order)
    assert amounts(town, order) == ("20.23", "20.23", "0.00")
    assert ExternalLink.objects.filter(object_type="credit").count() == 0


@pytest.mark.parametrize("rounding", ["bucket", "line"])
def test_awkward_refunds_tie_out_under_both_rounding_rules(make_town: Callable[..., Town], rounding: str) -> None:
    town = make_town({"prices_include_tax": True}, {"rounding": rounding})
    billing = {"first_name": "Luc", "last_name": "Roy", "email": "luc@roy.example", "state": "QC", "country": "CA"}
    lines = [{"sku": "FILTER-100", "quantity": 7}, {"sku": "HONEY-250", "quantity": 3}, {"sku": "TEA-SEN-50", "quantity": 2}]
    order = town.order(line_items=lines, billing=billing, coupon_lines=[{"code": "spring7"}])
    town.book(order)
    left = Decimal(town.raw(order)["total"])
    for amount in ("0.01", "3.33", "10.01"):
        town.refund(order, amount=amount)
        job = town.book(order)
        assert job.state == "done", job.reason
        left -= Decimal(amount)
        assert amounts(town, order) == (str(left), str(left), "0.00")
    assert all(payment["overpayment_id"] is None for payment in town.invoice(order)["payments"])
