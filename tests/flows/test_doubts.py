"""A payment whose answer got lost: found out before anything else is decided, since on the invoice it looks like a person's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from flows.models import ExternalLink, SyncJob
from tests.flows.conftest import Town

HAPPENED = {"kind": "drop_after", "method": "POST", "path": "payments/payments"}
DID_NOT = {**HAPPENED, "kind": "drop_before"}
FAULTS = pytest.mark.parametrize("fault", [HAPPENED, DID_NOT], ids=["it happened", "it did not"])


def doubtful(town: Town, fault: dict[str, Any]) -> dict[str, Any]:
    """An order whose payment was sent, and nobody knows what came of it."""
    order = town.order()
    town.ask(town.books, "faults", faults=[fault])
    job = town.book(order)
    assert job.state == "waiting", job.reason
    assert ExternalLink.objects.get(object_type="payment").state == "intended"
    return order


def settled(town: Town) -> SyncJob:
    """Its time has passed: the order's job goes on."""
    link = ExternalLink.objects.get(object_type="payment", state="intended")
    ExternalLink.objects.filter(pk=link.pk).update(in_doubt_until=link.intended_at)
    town.due_now()
    town.work()
    return SyncJob.objects.filter(flow=town.orders).latest("pk")


def amounts(town: Town, order: dict[str, Any]) -> tuple[str, str, list[int]]:
    invoice = town.invoice(order)
    return invoice["amount"], invoice["paid"], [payment["vis_state"] for payment in invoice["payments"]]


@FAULTS
def test_it_ends_with_one_payment_that_is_ours(town: Town, fault: dict[str, Any]) -> None:
    order = doubtful(town, fault)
    job = settled(town)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("20.23", "20.23", [0])
    link = ExternalLink.objects.get(object_type="payment")
    assert (link.state, link.remote_id) == ("confirmed", str(town.invoice(order)["payments"][0]["id"]))
    assert link.adopted is (fault is HAPPENED)


def test_nobody_looks_before_it_has_settled(make_town: Callable[..., Town]) -> None:
    town = make_town()
    town.orders.destination.settings["settle_seconds"] = 60
    town.orders.destination.save()
    order = doubtful(town, HAPPENED)
    town.due_now()
    with town.untouched(town.books):
        town.work()
    job = SyncJob.objects.get(flow=town.orders)
    assert (job.state, job.reason_code, job.attempts) == ("waiting", "settling", 1)
    assert len(town.invoice(order)["payments"]) == 1


@FAULTS
def test_a_refund_in_the_meantime_comes_off_it(town: Town, fault: dict[str, Any]) -> None:
    order = doubtful(town, fault)
    town.refund(order, amount="5.00")
    job = settled(town)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("15.23", "15.23", [0])


@FAULTS
def test_a_cancellation_in_the_meantime_takes_it_out(town: Town, fault: dict[str, Any]) -> None:
    order = doubtful(town, fault)
    town.change(order, status="cancelled")
    job = settled(town)
    assert job.state == "done", job.reason
    invoice = town.invoice(order)
    assert (invoice["vis_state"], [payment["vis_state"] for payment in invoice["payments"]]) == (1, [1] if fault is HAPPENED else [])
    assert not ExternalLink.objects.filter(state="intended").exists()


@FAULTS
def test_a_preview_says_that_it_would_look(town: Town, fault: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    order = doubtful(town, fault)
    with town.untouched(town.books):
        call_command("plan", "orders", order["id"])
    assert "adopt      payment      Look whether the payment" in capsys.readouterr().out
    assert ExternalLink.objects.get(object_type="payment").state == "intended"
