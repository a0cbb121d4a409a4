"""Shopify orders into the books, all the way: exact in both currencies, whatever happens to them afterwards, and by their webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from audit.models import Alert, AuditRecord
from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Delivery
from connectors.kit.sandbox import Answer, Sandbox, serve
from connectors.registry import get_connector
from credentials.models import Connection, Organization
from credentials.services import open_api
from credentials.tokens import forget_copies
from flows.inbox.expand import expand_events
from flows.inbox.receive import receive
from flows.models import Flow, InboundEvent, SyncJob, SyncRecord
from flows.polling import poll_flow, start_backfill, walk_backfill
from flows.subscriptions import ensure_subscriptions
from tests.flows.conftest import Town, connect

HST = [["HST", "0.13"]]
MakeTown = Callable[..., Town]


@pytest.fixture
def tea_town(transactional_db: None) -> Iterator[MakeTown]:
    """A Shopify shop and the books, with these options of the flow."""
    with ExitStack() as stack:

        def make(shop: dict[str, Any] | None = None, **options: Any) -> Town:
            spec, ledger = get_connector("shopify").sandbox, get_connector("freshbooks").sandbox
            assert spec is not None
            assert ledger is not None
            served = {"shopify": serve(spec.build, {"seed": 3, **(shop or {})}), "freshbooks": serve(ledger.build, {"seed": 7})}
            for each in served.values():
                stack.callback(each.stop)
            organization = Organization.objects.create(name="Acme", slug="acme")
            teas = connect(served["shopify"], "shopify", organization)
            books = connect(served["freshbooks"], "freshbooks", organization, settle_seconds=0.5)
            fields = {"organization": organization, "source": teas, "destination": books, "recipe": "order_to_invoice"}
            flow = Flow.objects.create(label="teas", options=options, **fields)
            return Town(served["shopify"], served["freshbooks"], flow, flow)

        forget_copies()
        yield make


def place(town: Town, **body: Any) -> dict[str, Any]:
    """Two packets of Assam at 9.40 plus 13 % (21.24), paid."""
    return dict(town.ask(town.shop, "place_order", **{"lines": [{"sku": "SH-ASSAM-100", "quantity": 2}], "taxes": HST, **body}))


def amounts(town: Town, order: dict[str, Any]) -> tuple[str, str]:
    invoice = town.invoice(order)
    return invoice["amount"], invoice["paid"]


def visible_payments(town: Town, order: dict[str, Any]) -> list[tuple[str, str]]:
    return [(p["type"], p["amount"]) for p in town.invoice(order)["payments"] if p["vis_state"] == 0]


def test_a_busy_morning_is_in_the_books_to_the_cent(tea_town: MakeTown) -> None:
    town = tea_town()
    for order in town.place(40, seed=11):
        job = town.book(order)
        assert job.state == "done", job.reason
        owed, held = (Decimal(order[name]) - Decimal(order["refunded"]) for name in ("total", "captured"))
        assert tuple(map(Decimal, amounts(town, order))) == (owed, held)
    records = SyncRecord.objects.filter(flow=town.orders)
    assert records.count() == 40 == len(town.ledger()["invoices"])
    for order in town.place(1, seed=12):
        town.book(order)
        with town.untouched(town.books):
            town.book(order, force=True)


def test_in_the_buyer_s_currency_nothing_of_the_shop_s_gets_in(tea_town: MakeTown) -> None:
    town = tea_town(order_currency="presentment")
    order = place(town, buyer=["JPY", "112.4"], shipping="8.50", tip="2.00")
    assert town.book(order).state == "done"
    invoice = town.invoice(order)
    assert (invoice["currency"], invoice["amount"], invoice["paid"]) == ("JPY", "3693", "3693")
    assert {line["unit_cost"]["code"] for line in invoice["lines"]} == {"JPY"}


def test_a_refund_over_two_payments_comes_off_both(tea_town: MakeTown) -> None:
    town = tea_town()
    order = place(town, payments=[["SALE", "gift_card", "0.5"], ["SALE", "paypal", "0.5"]], shipping="8.50")
    town.book(order)
    assert visible_payments(town, order) == [("Other", "15.43"), ("Other", "15.42")]
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1}, shipping=True, note="over all payments")
    job = town.book(order)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("10.62", "10.62")
    assert visible_payments(town, order) == [("Other", "10.62")]  # the newest payment is used up, the rest is the gift card's


def test_a_pending_refund_waits_for_its_money(tea_town: MakeTown) -> None:
    town = tea_town()
    order = place(town)
    town.book(order)
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1}, status="PENDING")
    with town.untouched(town.books):
        town.book(order)
    assert amounts(town, order) == ("21.24", "21.24")
    town.ask(town.shop, "settle_refund", id=order["id"], status="SUCCESS")
    town.book(order)
    assert amounts(town, order) == ("10.62", "10.62")


def test_edits_before_payment_move_the_invoice(tea_town: MakeTown) -> None:
    town = tea_town(statuses=["authorized", "paid", "partially_paid"])
    order = place(town, payments=[["AUTHORIZATION", "shopify_payments", "1"]], lines=[{"name": "Cup", "price": "48.00", "quantity": 2}],
                  discounts=[{"code": "TWENTY", "percent": "20"}])  # fmt: skip
    town.book(order)
    assert amounts(town, order) == ("86.78", "0.00")  # 76.80 + 13 %
    town.ask(town.shop, "remove_units", id=order["id"], units={"0": 1})
    town.book(order)
    assert amounts(town, order) == ("43.39", "0.00")
    town.ask(town.shop, "add_line", id=order["id"], line={"sku": "SH-SHORT", "quantity": 1})
    town.book(order)
    grown = next(each for each in town.ask(town.shop, "orders")["orders"] if each["id"] == order["id"])
    assert amounts(town, order) == (grown["total"], "0.00")


@pytest.mark.parametrize("repay", [True, False])
def test_a_cancelled_order_leaves_the_books_with_its_money(tea_town: MakeTown, repay: bool) -> None:
    town = tea_town()
    order = place(town)
    town.book(order)
    town.ask(town.shop, "cancel", id=order["id"], repay=repay)
    town.book(order)
    if repay:
        assert town.invoice(order)["vis_state"] == 1
        assert visible_payments(town, order) == []
        return
    assert (town.invoice(order)["vis_state"], *amounts(town, order)) == (0, "21.24", "21.24")
    town.ask(town.shop, "refund", id=order["id"], money="21.24")
    town.book(order)
    assert town.invoice(order)["vis_state"] == 1


@pytest.mark.parametrize("followed", [True, False], ids=["followed", "first seen afterwards"])
def test_the_same_books_whenever_an_order_is_first_seen(tea_town: MakeTown, followed: bool) -> None:
    town = tea_town()
    order = place(town, lines=[{"sku": "SH-ASSAM-100", "quantity": 3}, {"sku": "SH-OOLONG"}], shipping="8.50")
    steps: list[dict[str, Any]] = [
        {"units": {"0": 1}},
        {"money": "2.00"},
        {"units": {"1": 1}, "shipping": True},
    ]
    for step in steps:
        if followed:
            assert town.book(order).state == "done"
        town.ask(town.shop, "refund", id=order["id"], **step)
    assert town.book(order).state == "done"
    assert amounts(town, order) == ("19.25", "19.25")  # 2 x 9.40 + 13 % - 2.00


def test_test_orders_and_open_ones_never_reach_the_books(tea_town: MakeTown) -> None:
    town = tea_town()
    for order in (place(town, test=True), place(town, payments=[]), place(town, payments=[["AUTHORIZATION", "paypal", "1"]])):
        with town.untouched(town.books):
            assert town.book(order).state == "nothing"
    assert town.ledger()["invoices"] == []


# ---- webhooks, polling, backfill ---------------------------------------------------------------------------


class Door:
    """An address of ours that keeps what the shop sends, and hands it to the inbox when told to."""

    def __init__(self, stack: ExitStack) -> None:
        self.got: list[Delivery] = []
        served = serve(lambda _url, _options: self._build())
        stack.callback(served.stop)
        self.url = served.url

    def _build(self) -> Sandbox:
        sandbox = Sandbox(None)
        sandbox.route("POST", r"/.*", self._take)
        return sandbox

    def _take(self, call: Any) -> Answer:
        self.got.append(Delivery(call.headers, call.body))
        return Answer(200)


@pytest.fixture
def door(settings: Any) -> Iterator[Door]:
    with ExitStack() as stack:
        found = Door(stack)
        settings.PUBLIC_URL = found.url
        yield found


def settle(town: Town) -> None:
    for _ in range(200):
        if town.ask(town.shop, "settled")["pending"] == 0:
            return
        threading.Event().wait(0.02)
    raise AssertionError("webhooks are still on the way")


def deliver(town: Town, delivery: Delivery) -> int:
    return receive("shopify", town.orders.source.inbox_token, delivery).status


def test_deliveries_in_any_order_twice_and_late_come_to_the_same(tea_town: MakeTown, door: Door) -> None:
    town = tea_town()
    assert ensure_subscriptions(town.orders.source) == []
    order = place(town)
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1})
    settle(town)
    topics = [delivery.headers["x-shopify-topic"] for delivery in door.got]
    assert {"orders/create", "orders/updated", "orders/paid", "order_transactions/create", "refunds/create"} <= set(topics)
    for delivery in [*reversed(door.got), *door.got]:
        assert deliver(town, delivery) == 200
    assert InboundEvent.objects.count() == len(door.got)
    expand_events(timezone.now())
    town.work()
    assert amounts(town, order) == ("10.62", "10.62")
    assert SyncJob.objects.filter(flow=town.orders, source_id=order["id"]).count() == 1


def test_an_older_event_after_a_newer_one_is_logged_with_both_times(tea_town: MakeTown, door: Door) -> None:
    town = tea_town()
    ensure_subscriptions(town.orders.source)
    town.ask(town.shop, "clock", now="2026-09-14T15:20:00+00:00")
    order = place(town)
    town.ask(town.shop, "clock", advance=60)
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1})
    settle(town)
    updates = [delivery for delivery in door.got if delivery.headers["x-shopify-topic"] == "orders/updated"]
    for delivery in sorted(updates, key=lambda each: json.loads(each.body)["updated_at"], reverse=True):
        deliver(town, delivery)
        expand_events(timezone.now())
    late = InboundEvent.objects.get(out_of_order=True)
    assert late.notices[0]["version"] == "2026-09-14T15:20:00Z"
    entry = AuditRecord.objects.get(event_id=late.pk)
    assert entry.evidence == {"changed at": "2026-09-14T15:20:00Z", "newest known": "2026-09-14T15:21:00Z"}


def test_another_shop_of_the_same_app_is_refused_and_nothing_is_stored(tea_town: MakeTown, door: Door) -> None:
    town = tea_town()
    ensure_subscriptions(town.orders.source)
    place(town)
    settle(town)
    good = door.got[0]
    other = Delivery({**good.headers, "x-shopify-shop-domain": "other-teas.myshopify.com"}, good.body)
    changed = Delivery(good.headers, good.body + b" ")
    assert (deliver(town, other), deliver(town, changed)) == (401, 401)
    assert not InboundEvent.objects.exists()


def test_registrations_that_shopify_deleted_come_back_and_the_gap_is_read(tea_town: MakeTown, door: Door) -> None:
    town = tea_town()
    source = town.orders.source
    ensure_subscriptions(source)
    assert town.ask(town.shop, "drop_webhooks") == {"dropped": 8}
    order = place(town)
    (sentence, *_rest) = ensure_subscriptions(source)
    assert "was gone from the platform and was registered anew" in sentence
    assert len(town.ask(town.shop, "webhooks")["webhooks"]) == 8
    for backfill in town.orders.backfills.all():
        walk_backfill(backfill)
    town.work()
    assert amounts(town, order) == ("21.24", "21.24")


def test_an_uninstall_stops_everything_until_the_shop_is_connected_again(tea_town: MakeTown, door: Door) -> None:
    town = tea_town()
    source = town.orders.source
    ensure_subscriptions(source)
    town.ask(town.shop, "clock", now=(timezone.now() + timedelta(minutes=1)).isoformat())  # after it was connected
    town.ask(town.shop, "uninstall")
    settle(town)
    (last,) = [delivery for delivery in door.got if delivery.headers["x-shopify-topic"] == "app/uninstalled"]
    assert deliver(town, last) == 200
    source.refresh_from_db()
    assert source.status != Connection.Status.ACTIVE
    assert Alert.objects.filter(message__contains="removed at Shopify").exists()
    with town.untouched(town.shop, town.books):
        assert poll_flow(town.orders.pk) == 0


def test_a_poll_and_a_backfill_by_export_find_every_order(tea_town: MakeTown) -> None:
    town = tea_town()
    placed = {order["id"] for order in town.place(310, seed=5)}
    now = timezone.now()
    backfill = start_backfill(town.orders, now.replace(hour=0) - timedelta(days=1), now + timedelta(minutes=5))
    walk_backfill(backfill)
    assert set(SyncJob.objects.values_list("source_id", flat=True)) == placed
    assert town.shop.sandbox.state.exports


# ---- tokens ------------------------------------------------------------------------------------------------


def test_sixteen_workers_on_an_expired_token_make_one_refresh(tea_town: MakeTown) -> None:
    town = tea_town()
    order = place(town)
    state = town.shop.sandbox.state
    for token in state.tokens.values():
        token.expires_at = 1.0
    start, found = threading.Barrier(16), []

    def work() -> None:
        connection = Connection.objects.get(pk=town.orders.source_id)
        api = open_api(connection)
        start.wait()
        try:
            found.append(get_connector("shopify").reads[ObjectType.ORDER].fetch(api, order["id"])["order"]["name"])
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [f"#{order['number']}"] * 16
    assert state.refreshes == 1


def test_a_refused_refresh_calls_a_person_and_jobs_resume_after_connecting_again(tea_town: MakeTown) -> None:
    town = tea_town()
    order, state, source = place(town), town.shop.sandbox.state, town.orders.source
    for token in state.tokens.values():
        token.expires_at = token.refresh_expires_at = 1.0
    with town.untouched(town.books):
        job = town.book(order)
    assert job.state == "waiting"
    source.refresh_from_db()
    assert source.status == Connection.Status.REAUTHORISE
    assert Alert.objects.filter(connection_id=source.pk, closed_at=None).exists()
    for token in state.tokens.values():  # the merchant connects again
        token.expires_at = None
    Connection.objects.filter(pk=source.pk).update(status=Connection.Status.ACTIVE)
    forget_copies()
    town.due_now()
    town.work()
    assert amounts(town, order) == ("21.24", "21.24")
