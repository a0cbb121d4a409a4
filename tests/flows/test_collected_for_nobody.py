"""What a payment service collected moves an order only if the invoice came from that order."""

from __future__ import annotations

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
