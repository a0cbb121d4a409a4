"""What Shopify tells and what it does not: deliveries, registrations, the end of a connection, polls, backfills."""

from __future__ import annotations

import json
from datetime import timedelta

from django.utils import timezone

from audit.models import Alert, AuditRecord
from connectors.kit.contract import Delivery
from credentials.models import Connection
from flows.inbox.expand import expand_events
from flows.models import InboundEvent, SyncJob
from flows.polling import poll_flow, walk_backfill
from flows.reconcile import reconcile
from flows.subscriptions import ensure_subscriptions
from tests.flows.teas import Door, MakeTown, amounts, deliver, place, settle


def test_deliveries_in_any_order_twice_and_late_come_to_the_same(tea_town: MakeTown, tea_door: Door) -> None:
    town = tea_town()
    assert ensure_subscriptions(town.orders.source) == []
    order = place(town)
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1})
    settle(town)
    topics = [delivery.headers["x-shopify-topic"] for delivery in tea_door.got]
    assert {"orders/create", "orders/updated", "orders/paid", "order_transactions/create", "refunds/create"} <= set(topics)
    for delivery in [*reversed(tea_door.got), *tea_door.got]:
        assert deliver(town, delivery) == 200
    assert InboundEvent.objects.count() == len(tea_door.got)
    expand_events(timezone.now())
    town.work()
    assert amounts(town, order) == ("10.62", "10.62")
    assert SyncJob.objects.filter(flow=town.orders, source_id=order["id"]).count() == 1


def test_an_older_event_after_a_newer_one_is_logged_with_both_times(tea_town: MakeTown, tea_door: Door) -> None:
    town = tea_town()
    ensure_subscriptions(town.orders.source)
    town.ask(town.shop, "clock", now="2026-09-14T15:20:00+00:00")
    order = place(town)
    town.ask(town.shop, "clock", advance=60)
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1})
    settle(town)
    updates = [delivery for delivery in tea_door.got if delivery.headers["x-shopify-topic"] == "orders/updated"]
    for delivery in sorted(updates, key=lambda each: json.loads(each.body)["updated_at"], reverse=True):
        deliver(town, delivery)
        expand_events(timezone.now())
    late = InboundEvent.objects.get(out_of_order=True)
    assert late.notices[0]["version"] == "2026-09-14T15:20:00Z"
    entry = AuditRecord.objects.get(event_id=late.pk)
    assert entry.evidence == {"changed at": "2026-09-14T15:20:00Z", "newest known": "2026-09-14T15:21:00Z"}


def test_another_shop_of_the_same_app_is_refused_and_nothing_is_stored(tea_town: MakeTown, tea_door: Door) -> None:
    town = tea_town()
    ensure_subscriptions(town.orders.source)
    place(town)
    settle(town)
    good = tea_door.got[0]
    other = Delivery({**good.headers, "x-shopify-shop-domain": "other-teas.myshopify.com"}, good.body)
    changed = Delivery(good.headers, good.body + b" ")
    assert (deliver(town, other), deliver(town, changed)) == (401, 401)
    assert not InboundEvent.objects.exists()


def test_registrations_that_shopify_deleted_come_back_and_the_gap_is_read(tea_town: MakeTown, tea_door: Door) -> None:
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


def test_an_uninstall_stops_everything_until_the_shop_is_connected_again(tea_town: MakeTown, tea_door: Door) -> None:
    town = tea_town()
    source = town.orders.source
    ensure_subscriptions(source)
    town.ask(town.shop, "clock", now=(timezone.now() + timedelta(minutes=1)).isoformat())  # after it was connected
    town.ask(town.shop, "uninstall")
    settle(town)
    (last,) = [delivery for delivery in tea_door.got if delivery.headers["x-shopify-topic"] == "app/uninstalled"]
    assert deliver(town, last) == 200
    source.refresh_from_db()
    assert source.status != Connection.Status.ACTIVE
    assert Alert.objects.filter(message__contains="removed at Shopify").exists()
    with town.untouched(town.shop, town.books):
        assert poll_flow(town.orders.pk) == 0


def test_a_refund_of_an_older_order_that_no_webhook_told_of_is_compared_and_polled(tea_town: MakeTown) -> None:
    town, now = tea_town(), timezone.now()
    town.ask(town.shop, "clock", now=(now - timedelta(days=3)).isoformat())
    order = place(town)
    town.book(order)
    before = amounts(town, order)
    town.ask(town.shop, "clock", now=(now + timedelta(seconds=2)).isoformat())
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1})
    report = reconcile(town.orders, now - timedelta(days=4), now + timedelta(seconds=10))
    assert [set(drift.kinds) for drift in report.drifts] == [{"amount", "payment"}]
    assert amounts(town, order) == before
    poll_flow(town.orders.pk, now + timedelta(seconds=10))
    town.work()
    assert amounts(town, order) == ("10.62", "10.62")
    assert reconcile(town.orders, now - timedelta(days=4), now + timedelta(seconds=10)).drifts == ()
