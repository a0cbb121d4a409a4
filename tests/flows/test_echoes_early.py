"""Echoes end before anything is made of them: no job, no call; what a person did in the books still gets through."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credentials.models import Connection
from flows.inbox.expand import expand_events
from flows.models import Flow, InboundEvent, SyncJob, SyncRecord
from flows.polling import poll_flow
from tests.flows.conftest import Town


@pytest.fixture
def two_shops(town: Town) -> Town:
    """A second shop that is told of payments in the same books; whoever called it would fail."""
    organization = town.orders.organization
    other = Connection.objects.create(
        organization=organization, platform="woocommerce", label="other shop", status="active", base_url="http://127.0.0.1:9"
    )
    Flow.objects.create(
        organization=organization, label="payments to the other shop", source=town.payments.source, destination=other,
        recipe="payment_to_order_status",
    )  # fmt: skip
    return town


def hear_of(town: Town, payment_id: str) -> InboundEvent:
    notice = {"object_type": "payment", "source_id": payment_id, "version": ""}
    event = InboundEvent.objects.create(
        connection=town.payments.source, dedupe_key=f"payment.create {payment_id}", topic="payment.create", notices=[notice],
        object_type="payment", source_id=payment_id, received_at=timezone.now(), body=b"{}",
    )  # fmt: skip
    expand_events(timezone.now())
    event.refresh_from_db()
    return event


def payments_of(town: Town, order: dict[str, Any]) -> list[str]:
    return [str(payment["id"]) for payment in town.invoice(order)["payments"]]


def test_a_payment_of_one_shops_order_is_no_news_for_any_shop(two_shops: Town) -> None:
    order = two_shops.order()
    two_shops.book(order)
    (payment,) = payments_of(two_shops, order)
    event = hear_of(two_shops, payment)
    assert (event.state, event.note) == ("ignored", "We wrote this ourselves; there is nothing to tell the other side.")
    assert not SyncJob.objects.filter(object_type="payment").exists()
    assert not SyncRecord.objects.filter(object_type="payment").exists()


def test_a_payment_that_a_person_recorded_is_news_for_every_shop(two_shops: Town) -> None:
    two_shops.orders.options = {"statuses": ["on-hold"]}
    two_shops.orders.save()
    order = two_shops.order(status="on-hold", set_paid=False, payment_method="bacs", transaction_id="")
    two_shops.book(order)
    two_shops.ask(two_shops.books, "pay", invoice_id=two_shops.invoice(order)["id"])
    (payment,) = payments_of(two_shops, order)
    assert hear_of(two_shops, payment).state == "expanded"
    assert sorted(SyncJob.objects.filter(object_type="payment").values_list("flow__label", flat=True)) == [
        "payments", "payments to the other shop",
    ]  # fmt: skip


def test_a_poll_passes_our_own_payments_by(two_shops: Town) -> None:
    two_shops.orders.options = {"statuses": ["on-hold", "processing"]}
    two_shops.orders.save()
    ours, theirs = two_shops.order(), two_shops.order(status="on-hold", set_paid=False, payment_method="bacs", transaction_id="")
    for order in (ours, theirs):
        two_shops.book(order)
    two_shops.ask(two_shops.books, "pay", invoice_id=two_shops.invoice(theirs)["id"])
    assert poll_flow(two_shops.payments.pk, timezone.now() + timedelta(minutes=1)) == 1
    assert [job.source_id for job in SyncJob.objects.filter(object_type="payment")] == payments_of(two_shops, theirs)
