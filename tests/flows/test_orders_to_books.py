"""Orders of the shop's sandbox become exact invoices in the books' sandbox, through the real pipeline and database."""

from __future__ import annotations

from decimal import Decimal

from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from flows.models import SyncJob, SyncRecord
from tests.flows.conftest import Town

MOST_QUERIES = 50


def test_every_order_ties_out(town: Town) -> None:
    placed = town.place(40, seed=5)
    for order in placed:
        town.run(town.orders, str(order["id"]))
    invoices = {invoice["reference"]: invoice for invoice in town.ledger()["invoices"]}
    booked = [order for order in placed if order["status"] in ("processing", "completed")]
    assert len(booked) >= 30
    for order in booked:
        invoice = invoices[order["number"]]
        assert Decimal(invoice["amount"]) == Decimal(order["total"]) - Decimal(order["refunded"])
        assert Decimal(invoice["paid"]) == Decimal(order["captured"])
        assert (invoice["currency"], invoice["status"] not in (1, "draft")) == (order["currency"], True)
    assert set(SyncRecord.objects.filter(outcome="done").values_list("exact", flat=True)) == {True}


def test_a_first_order_of_a_known_client_with_known_items_costs_four_calls(town: Town) -> None:
    first, again = town.place(2, seed=5, customers=1)
    town.run(town.orders, str(first["id"]))
    raw = town.ask(town.shop, "order", id=first["id"])["order"]
    fields = {name: raw[name] for name in ("billing", "shipping", "payment_method", "payment_method_title", "customer_id")}
    lines = [{"product_id": line["product_id"], "variation_id": line["variation_id"], "quantity": 1} for line in raw["line_items"]]
    second = town.ask(town.shop, "place_order", fields={**fields, "line_items": lines, "status": "processing", "set_paid": True})
    town.books.sandbox.command("forget", {})
    with CaptureQueriesContext(database) as queries:
        job = town.run(town.orders, str(second["order"]["id"] if "order" in second else second["id"]))
    calls = town.calls(town.books)
    assert job.state == SyncJob.State.DONE, job.reason
    assert sum(calls.values()) == 4, calls
    assert len(queries) <= MOST_QUERIES, "\n".join(query["sql"][:150] for query in queries)
    assert again["id"] != first["id"]


def test_reading_an_unchanged_order_again_calls_nothing_in_the_books(town: Town) -> None:
    (order,) = town.place(1, seed=5)
    assert town.run(town.orders, str(order["id"])).state == SyncJob.State.DONE
    town.books.sandbox.command("forget", {})
    for _ in range(100):
        assert town.run(town.orders, str(order["id"])).state == SyncJob.State.NOTHING
    assert town.calls(town.books) == {}
    assert len(town.ledger()["invoices"]) == 1
