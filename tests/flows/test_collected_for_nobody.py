"""What a payment service collected moves an order only if the invoice came from that order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from connectors.kit.sandbox import serve
from connectors.registry import get_connector
from credentials.models import Connection
from flows.models import ExternalLink, Flow
from tests.flows.conftest import connect
from tests.flows.till import Till


def shop_beside(till: Till) -> tuple[Flow, object]:
    """A shop whose orders are moved on by payments in the same books."""
    served = serve(get_connector("woocommerce").sandbox.build, {"seed": 3})  # type: ignore[union-attr]
    shop = connect(served, "woocommerce", till.out.organization)
    flow = Flow.objects.create(
        organization=till.out.organization, label="back", source=till.out.source, destination=shop, recipe="payment_to_order_status"
    )
    return flow, served


def test_a_collected_payment_of_an_own_invoice_asks_nobody_about_orders(till: Till) -> None:
    flow, served = shop_beside(till)
    invoice, at = till.issued()
    till.pay(at)
    till.record(at["id"])
    [payment] = till.here(invoice)["payments"]
    job = till.run(flow, payment["id"])
    assert (job.state, job.reason_code) == ("nothing", "collected_elsewhere")
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"notes": "x"})
    other = till.bill()
    till.ask(till.books, "pay", invoice_id=other["id"])  # a person's payment is asked about as ever
    [payment] = till.here(other)["payments"]
    assert till.run(flow, payment["id"]).reason_code == "manual_review"
    served.stop()  # type: ignore[attr-defined]


def test_a_shops_invoice_that_was_collected_moves_its_order(till: Till) -> None:
    flow, served = shop_beside(till)
    till.option(till.out, shop_invoices="collect")
    order = served.sandbox.command("place_orders", {"count": 1, "seed": 2})["orders"][0]  # type: ignore[attr-defined]
    invoice = till.bill()
    ExternalLink.objects.create(
        destination=till.out.source, source=flow.destination, scope=str(flow.destination.key), object_type="invoice", key=str(order["id"]),
        remote_id=str(invoice["id"]), state="confirmed", intended_at=timezone.now(),
    )  # fmt: skip
    assert till.collect(invoice).state == "done"
    till.pay(till.there(invoice)[0])
    till.record(till.there(invoice)[0]["id"])
    [payment] = till.here(invoice)["payments"]
    job = till.run(flow, payment["id"])
    assert job.state == "done", job.reason
    notes = served.sandbox.command("order", {"id": order["id"]})["notes"]  # type: ignore[attr-defined]
    assert [invoice["number"] in note["note"] for note in notes if "invoice" in note["note"]] == [True]
    assert Connection.objects.count() == 3
    served.stop()  # type: ignore[attr-defined]


def test_a_collected_payment_is_not_asked_about_while_its_own_write_is_unfinished(till: Till) -> None:
    """The books told of the payment before the collection's job had committed that it made it."""
    flow, served = shop_beside(till)
    invoice, at = till.issued()
    till.pay(at)
    till.record(at["id"])
    [payment] = till.here(invoice)["payments"]
    link = ExternalLink.objects.filter(object_type="payment")
    link.update(state="intended", remote_id="", intended_at=timezone.now())
    job = till.run(flow, payment["id"])
    assert (job.state, job.attempts, job.reason_code) == ("waiting", 0, "payment_in_doubt")
    link.update(state="confirmed", remote_id=str(payment["id"]))
    job = till.run(flow, payment["id"])
    assert (job.state, job.reason_code) == ("nothing", "collected_elsewhere")
    served.stop()  # type: ignore[attr-defined]


def unfinished(till: Till, flow: Flow, **fields: Any) -> ExternalLink:
    """The shop's order is being booked: its invoice is intended and not confirmed."""
    return ExternalLink.objects.create(
        destination=till.out.source, source=flow.destination, scope=str(flow.destination.key), object_type="invoice", key="727",
        state="intended", **{"intended_at": timezone.now(), **fields},
    )  # fmt: skip


def test_a_shop_s_invoice_is_never_collected_because_its_event_was_faster_than_its_confirmation(till: Till) -> None:
    flow, served = shop_beside(till)
    invoice = till.bill()
    link = unfinished(till, flow)
    job = till.collect(invoice)
    assert (job.state, job.attempts, job.reason_code) == ("waiting", 0, "payment_in_doubt")
    assert till.there(invoice) == []
    ExternalLink.objects.filter(pk=link.pk).update(state="confirmed", remote_id=str(invoice["id"]))
    job = till.collect(invoice)
    assert (job.state, job.reason_code) == ("nothing", "left_out")
    assert till.there(invoice) == []
    served.stop()  # type: ignore[attr-defined]


def test_what_was_begun_after_we_heard_of_an_invoice_holds_nobody_up(till: Till) -> None:
    flow, served = shop_beside(till)
    unfinished(till, flow, intended_at=timezone.now() + timedelta(minutes=2))
    invoice = till.bill()
    assert till.collect(invoice).state == "done"
    assert len(till.there(invoice)) == 1
    served.stop()  # type: ignore[attr-defined]
