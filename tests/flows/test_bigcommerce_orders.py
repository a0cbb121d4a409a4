"""BigCommerce orders in the books: paid ones once, unpaid ones when they are paid, refunds in turn, and webhooks that were switched off."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone

from audit.models import Alert
from connectors.kit.contract import Delivery
from connectors.platforms.bigcommerce.sandbox.model import Fee, Taxed
from flows.inbox.expand import expand_events
from flows.inbox.receive import receive
from flows.jobs.claim import claim
from flows.models import Backfill, Flow, InboundEvent, Subscription, SyncJob, ValueMapping
from flows.pipeline.run import run_job
from flows.polling import poll_flow
from flows.subscriptions import ensure_subscriptions
from tests.flows.bigcommerce_trade import Trade, check, trade

__all__ = ["trade"]


def test_an_order_read_a_hundred_times_is_one_invoice_and_no_further_write(trade: Callable[..., Trade]) -> None:
    town = trade(noise=False)
    order = next(one for one in town.place(8) if Decimal(one["total"]) and one["refunded"] == "0.00")
    assert town.book(order["id"]).state == SyncJob.State.DONE
    check(town, order)
    town.books.sandbox.command("forget", {})
    for number in range(100):
        if number % 2:
            town.ask("touch", id=order["id"])  # a new change time, and nothing else that is new
        assert town.book(order["id"]).state in (SyncJob.State.DONE, SyncJob.State.NOTHING)
    assert town.writes() == {}
    check(town, order)


def test_unpaid_orders_are_skipped_with_the_reason_and_come_back_when_paid(trade: Callable[..., Trade]) -> None:
    town = trade()
    order = town.ask("place_unpaid", way="authorised")
    town.books.sandbox.command("forget", {})
    job = town.book(order["id"])
    assert (job.state, town.writes()) == (SyncJob.State.NOTHING, {})
    assert "is not paid yet" in job.reason
    authorised = next(iter(town.ask("order", id=order["id"])["transactions"]))["id"]
    town.ask("transaction", id=order["id"], event="capture", reference_transaction_id=authorised)
    assert town.book(order["id"]).state == SyncJob.State.DONE
    check(town, order)


def test_what_a_person_adds_to_an_order_paid_by_hand_is_outstanding_until_somebody_says_more(trade: Callable[..., Trade]) -> None:
    """Only the status says that it was paid: not how much, nor when, so a later change of the order is no further payment."""
    town = trade(noise=False)
    order = town.ask("place_unpaid", way="awaiting")
    worth = Decimal(order["total"])
    town.ask("status", id=order["id"], status_id=9, received=str(worth))
    assert town.book(order["id"]).state == SyncJob.State.DONE
    check(town, order)
    placed = town.store.sandbox.state.orders[int(order["id"])]
    placed.fees.append(Fee(900, "Express", Taxed(Decimal("7.00"))))
    placed.modified += timedelta(days=2)
    assert town.book(order["id"]).state == SyncJob.State.DONE
    (invoice,) = town.invoices(order["number"])
    assert (Decimal(invoice["amount"]), Decimal(invoice["paid"])) == (worth + 7, worth)
    assert Alert.objects.filter(closed_at=None, message__contains="more than when it was paid").exists()
    town.books.sandbox.command("forget", {})
    placed.modified += timedelta(days=2)
    town.book(order["id"])
    assert town.writes() == {}


@pytest.mark.parametrize(
    ("way", "said"), [("abandoned", "basket"), ("awaiting", "not paid yet"), ("tested", "test order"), ("declined", "")]
)
def test_what_is_not_paid_writes_nothing(trade: Callable[..., Trade], way: str, said: str) -> None:
    town = trade()
    order = town.ask("place_unpaid", way=way)
    town.books.sandbox.command("forget", {})
    job = town.book(order["id"])
    assert (job.state, town.writes()) == (SyncJob.State.NOTHING, {})
    assert said in job.reason


def test_held_for_review_is_booked_by_its_money_unless_the_flow_goes_by_status(trade: Callable[..., Trade]) -> None:
    town = trade()
    order = town.ask("place_unpaid", way="awaiting")
    town.ask("transaction", id=order["id"], event="purchase")
    town.ask("status", id=order["id"], status_id=12)
    Flow.objects.filter(pk=town.flow.pk).update(options={"statuses": ["completed"]})
    job = town.book(order["id"])
    assert job.state == SyncJob.State.NOTHING
    assert "manual-verification" in job.reason
    Flow.objects.filter(pk=town.flow.pk).update(options={})
    town.ask("touch", id=order["id"])
    assert town.book(order["id"]).state == SyncJob.State.DONE
    check(town, order)


def test_concurrent_refund_events_of_one_order_are_applied_in_turn(trade: Callable[..., Trade]) -> None:
    """Eight refunds, eight events, four workers: one job at a time, and in the end the books show all eight, once."""
    town = trade(noise=False)
    order = next(one for one in town.place(20) if Decimal(one["total"]) > 50 and one["refunded"] == "0.00")
    town.book(order["id"])
    item = {"item_type": "ORDER", "item_id": int(order["id"]), "amount": "1.25"}
    overlap: list[int] = []

    def worker() -> None:
        try:
            while lease := claim(timezone.now()):
                running = SyncJob.objects.filter(flow=town.flow, source_id=order["id"], state=SyncJob.State.RUNNING).count()
                overlap.append(running)
                run_job(lease)
        finally:
            connections.close_all()

    threads = []
    for _ in range(8):
        town.ask("refund", id=order["id"], items=[item])
        town.wish(order["id"])
        threads.append(threading.Thread(target=worker))
        threads[-1].start()
    for thread in threads:
        thread.join(60)
    town.work()
    assert set(overlap) <= {1}
    assert town.book(order["id"]).state in (SyncJob.State.DONE, SyncJob.State.NOTHING)
    now = next(one for one in town.ask("orders")["orders"] if one["id"] == order["id"])
    assert now["refunded"] == "10.00"
    check(town, order)


def test_a_declined_refund_grows_the_invoice_back(trade: Callable[..., Trade]) -> None:
    town = trade(noise=False)
    order = next(one for one in town.place(20) if Decimal(one["total"]) > 20 and one["refunded"] == "0.00")
    town.book(order["id"])
    item = {"item_type": "ORDER", "item_id": int(order["id"]), "amount": "5.00"}
    made = town.ask("refund", id=order["id"], items=[item])
    town.book(order["id"])
    check(town, order)
    town.ask("decline", id=order["id"], refund_id=made["id"])
    town.book(order["id"])
    check(town, order)
    (invoice,) = town.invoices(order["number"])
    assert Decimal(invoice["amount"]) == Decimal(order["total"])


def test_polling_finds_a_refund_that_left_the_order_s_change_time_alone(trade: Callable[..., Trade]) -> None:
    town = trade(noise=False)
    order = next(one for one in town.place(20) if Decimal(one["total"]) > 20 and one["refunded"] == "0.00")
    poll_flow(town.flow.pk, timezone.now() + timedelta(minutes=1))
    town.work()
    check(town, order)
    item = {"item_type": "ORDER", "item_id": int(order["id"]), "amount": "5.00"}
    town.ask("refund", id=order["id"], items=[item])
    poll_flow(town.flow.pk, timezone.now() + timedelta(minutes=2))
    town.work()
    check(town, order)


def test_tax_classes_and_product_categories_are_mapped_per_flow(trade: Callable[..., Trade]) -> None:
    town = trade({"categories": "map"}, noise=False)
    for source, target, kind in (("category:21", "Gear", "account"), ("Default Tax Class", "Sales tax", "tax")):
        ValueMapping.objects.create(flow=town.flow, kind=kind, source=source, target=target)
    orders = {int(one["id"]): one for one in town.place(40) if one["refunded"] == "0.00"}
    gear = {product.id for product in town.store.sandbox.state.products.values() if 21 in product.categories}
    placed = town.store.sandbox.state.orders
    chosen = next(key for key in orders if placed[key].lines[0].product_id in gear and placed[key].lines[0].sold.tax)
    town.book(str(chosen))
    check(town, orders[chosen])
    (invoice,) = town.invoices(orders[chosen]["number"])
    first = invoice["lines"][0]
    assert first["name"].endswith("Gear")
    assert "Sales tax" in json.dumps(first)


def test_a_deactivated_hook_is_found_told_re_enabled_and_its_gap_read(trade: Callable[..., Trade]) -> None:
    town = trade(noise=False)
    source = town.flow.source
    assert ensure_subscriptions(source) == []
    topics = set(Subscription.objects.filter(connection=source).values_list("topic", flat=True))
    assert topics == {"store/order/*", "store/hook/deliveryException", "store/app/uninstalled"}
    hook = next(one for one in town.ask("webhooks")["webhooks"] if one["scope"] == "store/order/*")
    town.ask("set_webhook", id=hook["id"], status="deactivated")
    source.reenable_subscriptions = True
    source.save(update_fields=["reenable_subscriptions"])
    (sentence,) = ensure_subscriptions(source)
    assert "switched off by the platform" in sentence
    assert Alert.objects.filter(organization_id=source.organization_id, closed_at=None).exists()
    now = next(one for one in town.ask("webhooks")["webhooks"] if one["id"] == hook["id"])
    assert now["status"] == "active"
    assert Backfill.objects.filter(flow=town.flow, reason="gap of store/order/*").count() == 1


def test_a_delivery_reaches_the_books_and_an_exception_the_operator(trade: Callable[..., Trade]) -> None:
    """Real deliveries of the sandbox, taken by hand: signed, stored once, and expanded into one job."""
    town = trade(noise=False)
    source = town.flow.source
    caught: list[Delivery] = []
    town.store.sandbox.courier.send = lambda url, body, headers, done=None, **_: caught.append(  # type: ignore[method-assign]
        Delivery({name.lower(): value for name, value in headers.items()}, body)
    )
    ensure_subscriptions(source)
    (order,) = town.place(1)
    assert caught
    for each in (*caught, *caught):
        assert receive("bigcommerce", source.inbox_token, each).status == 200
    assert InboundEvent.objects.filter(connection=source).count() == len(caught)
    tampered = Delivery(caught[0].headers, caught[0].body.replace(b'"id":', b'"id":1'))
    assert receive("bigcommerce", source.inbox_token, tampered).status == 401
    expand_events(timezone.now())
    assert SyncJob.objects.filter(flow=town.flow, source_id=order["id"]).count() == 1
    town.work()
    check(town, order)
    assert Subscription.objects.get(connection=source, topic="store/order/*").delivered_at is not None
    del caught[:]
    town.ask("fire", scope="store/hook/deliveryException", data={"type": "hook", "id": 1, "error_code": 90003})
    assert receive("bigcommerce", source.inbox_token, caught[0]).status == 200
    assert Alert.objects.filter(organization_id=source.organization_id, message__contains="blocks our address").exists()
