"""Both flows with real webhooks: whatever starts it, the conversation between the two sides ends by itself."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from flows.inbox.expand import expand_events
from flows.models import InboundEvent, Subscription, SyncJob
from flows.subscriptions import confirm_handshakes, ensure_subscriptions
from tests.flows.conftest import Town


@pytest.fixture
def wired(town: Town, live_server: LiveServer, settings: Any) -> Town:
    """A town whose webhooks reach our inbox over HTTP; deliveries are held back until asked for."""
    settings.PUBLIC_URL = live_server.url
    for connection in (town.orders.source, town.payments.source):
        ensure_subscriptions(connection)
    delivered(town)
    confirm_handshakes()
    assert set(Subscription.objects.values_list("status", flat=True)) == {"active"}
    for side in (town.shop, town.books):
        town.ask(side, "deliveries", hold=True)
    return town


def delivered(town: Town) -> None:
    """Let out what is held back and wait until it has arrived."""
    for side in (town.shop, town.books):
        town.ask(side, "deliveries", hold=False)
        deadline = time.monotonic() + 20
        while town.ask(side, "settled")["pending"]:
            assert time.monotonic() < deadline, "deliveries do not end"
            time.sleep(0.02)
        town.ask(side, "deliveries", hold=True)


def until_quiet(town: Town, rounds: int = 8) -> int:
    """Deliver, expand and work until nothing moves any more; how many rounds that took."""
    for done in range(rounds):
        delivered(town)
        expand_events(timezone.now())
        if not SyncJob.objects.filter(state="waiting").exists():
            return done
        town.due_now()
        town.work()
    raise AssertionError(f"still talking after {rounds} rounds: {list(SyncJob.objects.values_list('state', 'reason'))}")


def test_a_paid_order_is_booked_once_and_its_echoes_end(wired: Town) -> None:
    order = wired.order()
    until_quiet(wired)
    invoice = wired.invoice(order)
    assert (invoice["amount"], invoice["paid"], len(invoice["payments"])) == ("20.23", "20.23", 1)
    assert wired.notes(order) == []
    assert InboundEvent.objects.filter(topic="payment.create").count() == 1  # our own write came back
    with wired.untouched(wired.shop, wired.books):
        until_quiet(wired)
    assert set(SyncJob.objects.values_list("state", flat=True)) <= {"done", "nothing", "superseded"}


def test_a_payment_in_the_books_moves_the_order_and_the_orders_event_changes_nothing(wired: Town) -> None:
    wired.orders.options = {"statuses": ["on-hold", "processing", "completed"]}
    wired.orders.save()
    order = wired.order(status="on-hold", set_paid=False, payment_method="bacs", transaction_id="")
    until_quiet(wired)
    wired.ask(wired.books, "pay", invoice_id=wired.invoice(order)["id"])
    before = wired.ledger()["invoices"]
    for side in (wired.shop, wired.books):
        side.sandbox.command("forget", {})
    assert until_quiet(wired) <= 3
    assert wired.raw(order)["status"] == "processing"
    assert len(wired.notes(order)) == 1
    assert wired.writes(wired.books) == {}  # the payment that the shop reports now is the one that came from the books
    assert wired.ledger()["invoices"] == before
    assert wired.writes(wired.shop) == {"PUT /wp-json/wc/vN/orders/N 200": 1, "POST /wp-json/wc/vN/orders/N/notes 201": 1}
    with wired.untouched(wired.shop, wired.books):
        until_quiet(wired)


def test_deliveries_repeated_and_shuffled_make_one_of_everything(wired: Town) -> None:
    for side in (wired.shop, wired.books):
        wired.ask(side, "deliveries", copies=3, shuffle=0.2)
    orders = [wired.order(), wired.order(line_items=[{"sku": "POT-CAST", "quantity": 1}])]
    wired.refund(orders[0], amount="5.00")
    until_quiet(wired)
    found = {row["reference"]: (row["amount"], row["paid"], len(row["payments"])) for row in wired.ledger()["invoices"]}
    assert found == {orders[0]["number"]: ("15.23", "15.23", 1), orders[1]["number"]: ("89.27", "89.27", 1)}
    assert len(wired.ledger()["invoices"]) == 2
    assert len(wired.ledger()["clients"]) == 1
    assert [wired.notes(order) for order in orders] == [[], []]
