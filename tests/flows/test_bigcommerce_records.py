"""BigCommerce's records in the books: clients and items first, numbers that are taken, hooks that were off, tokens that are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credentials.vault import read_secrets
from flows.models import ExternalLink, Flow, SyncJob, SyncRecord
from flows.polling import poll_flow, walk_backfills
from flows.subscriptions import ensure_subscriptions
from tests.flows.bigcommerce_trade import Trade, check, trade

__all__ = ["trade"]


@pytest.fixture
def town(trade: Any) -> Trade:
    made: Trade = trade(noise=False)
    return made


def calls(town: Trade, method: str) -> list[str]:
    """What was posted to the books, in order, by the last words of the paths."""
    log = town.books.sandbox.log
    return [entry["path"].rstrip("/").rpartition("/")[2] for entry in log if entry["method"] == method and "token" not in entry["path"]]


def flow_of(town: Trade, recipe: str) -> Flow:
    side = {"organization": town.flow.organization, "source": town.flow.source, "destination": town.flow.destination}
    return Flow.objects.create(label=recipe, recipe=recipe, **side)


def test_client_and_items_stand_before_the_invoice_and_each_line_names_its_item(town: Trade) -> None:
    placed = town.store.sandbox.state.orders
    order = next(one for one in town.place(20) if sum(bool(line.sku) for line in placed[int(one["id"])].lines) > 1)
    town.books.sandbox.command("forget", {})
    town.book(order["id"])
    posted = calls(town, "POST")
    assert posted.index("clients") < posted.index("invoices")
    assert max(i for i, name in enumerate(posted) if name == "items") < posted.index("invoices")
    books = town.ledger()
    skus = {line.sku for line in placed[int(order["id"])].lines if line.sku}
    assert {item["sku"] for item in books["items"]} == skus
    names = {item["name"] for item in books["items"]}
    (invoice,) = town.invoices(order["number"])
    (client,) = books["clients"]
    assert invoice["client_id"] == client["id"]
    assert client["email"] == order["email"]
    product_lines = [line for line in invoice["lines"] if line["description"].startswith("SKU ")]
    assert len(product_lines) == sum(bool(line.sku) for line in placed[int(order["id"])].lines)
    assert all(any(line["name"].endswith(name) for name in names) for line in product_lines)
    town.books.sandbox.command("forget", {})
    again = next(one for one in town.place(40, seed=1) if one["email"] == order["email"])
    town.book(again["id"])
    assert "clients" not in calls(town, "POST"), "the second order of a buyer uses the first one's client"


def test_an_invoice_whose_answer_was_lost_is_found_by_its_number_and_adopted(town: Trade) -> None:
    (order,) = town.place(1)
    fault = {"kind": "drop_after", "method": "POST", "path": "/invoices/invoices$"}
    town.books.sandbox.command("faults", {"faults": [fault]})
    job = town.book(order["id"])
    assert job.state == SyncJob.State.WAITING
    assert town.books.sandbox.counters["fault drop_after"] == 1
    until = timezone.now() + timedelta(seconds=20)
    while job.state == SyncJob.State.WAITING and timezone.now() < until:
        SyncJob.objects.filter(pk=job.pk).update(not_before=timezone.now())
        town.work()
        job.refresh_from_db()
    assert job.state == SyncJob.State.DONE, job.reason
    check(town, order)


def test_a_number_that_a_person_took_is_a_question_and_nothing_is_written(town: Trade) -> None:
    (order,) = town.place(1)
    town.book(order["id"])
    (ours,) = town.invoices(order["number"])
    ExternalLink.objects.all().delete()
    SyncRecord.objects.all().delete()
    town.books.sandbox.command("edit_invoice", {"invoice_id": ours["id"], "fields": {"po_number": "by hand"}})
    town.books.sandbox.command("forget", {})
    job = town.book(order["id"])
    assert (job.state, job.reason_code) == (SyncJob.State.ATTENTION, "number_taken"), job.reason
    assert [name for name in town.writes() if "invoices" in name or "payments" in name] == []


def test_customers_become_clients_and_products_items_by_polling(town: Trade) -> None:
    town.place(12)
    customers, products = flow_of(town, "customer_to_client"), flow_of(town, "product_to_item")
    for flow in (customers, products):
        poll_flow(flow.pk, timezone.now() + timedelta(minutes=1))
    town.work()
    state, books = town.store.sandbox.state, town.ledger()
    assert {client["email"] for client in books["clients"]} == set(state.emails)
    variants = [variant for product in state.products.values() for variant in product.variants if variant.sku]
    assert {item["sku"] for item in books["items"]} == {variant.sku for variant in variants}
    assert not SyncJob.objects.exclude(state__in=[SyncJob.State.DONE, SyncJob.State.NOTHING]).exists()
    town.books.sandbox.command("forget", {})
    for flow in (customers, products):
        poll_flow(flow.pk, timezone.now() + timedelta(minutes=10))
    town.work()
    assert town.writes() == {}


def test_what_came_while_a_hook_was_switched_off_is_read_from_the_gap(town: Trade) -> None:
    source = town.flow.source
    source.reenable_subscriptions = True
    source.save(update_fields=["reenable_subscriptions"])
    ensure_subscriptions(source)
    hook = next(one for one in town.ask("webhooks")["webhooks"] if one["scope"] == "store/order/*")
    town.ask("set_webhook", id=hook["id"], status="deactivated")
    (order,) = town.place(1)
    town.ask("settled")
    assert not SyncJob.objects.exists()
    ensure_subscriptions(source)
    assert walk_backfills() >= 1
    town.work()
    check(town, order)


def test_a_token_that_is_refused_stops_the_jobs_until_a_person_comes(town: Trade) -> None:
    (order,) = town.place(1)
    good = read_secrets(town.flow.source)["access_token"]
    town.store.sandbox.command("faults", {"faults": [{"kind": "status", "status": 401, "times": -1}]})
    town.books.sandbox.command("forget", {})
    town.store.sandbox.command("forget", {})
    job = town.book(order["id"])
    town.flow.source.refresh_from_db()
    assert (job.state, town.flow.source.status, town.writes()) == (SyncJob.State.WAITING, "reauthorise", {})
    assert "access token" in town.flow.source.status_reason
    assert len(town.store.sandbox.log) == 1, "one call, and nothing to refresh with"
    assert read_secrets(town.flow.source)["access_token"] == good
