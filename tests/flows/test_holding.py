"""A person skips an order, or takes it out of the books: every later event, replay and crash respects that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Alert, AuditRecord
from connectors.canonical.identity import ObjectType
from connectors.kit.errors import Refused
from flows.holding import skip, void
from flows.models import ExternalLink, SyncJob, SyncRecord
from flows.reconcile import reconcile
from flows.replay import sync_now
from flows.standing import standing_of
from tests.flows.conftest import Town
from tests.flows.crashing import dies, found_by_the_sweep
from tests.flows.test_doubtful_invoices import vanish


def record_of(town: Town, order: dict[str, Any]) -> SyncRecord:
    return SyncRecord.objects.select_related("flow__source", "flow__destination").get(flow=town.orders, source_id=order["id"])


def unpaid(town: Town) -> dict[str, Any]:
    """An order whose invoice is in the books and on which nothing was paid."""
    town.orders.options = {"statuses": ["on-hold"]}
    town.orders.save()
    order = town.order(status="on-hold", set_paid=False, payment_method="bacs")
    town.book(order)
    assert town.invoice(order)["paid"] == "0.00"
    return order


def test_a_skipped_order_is_left_out_of_everything_until_somebody_goes_on(town: Town) -> None:
    order = town.order()
    town.orders.options = {"unknown_sku": "attention"}
    town.orders.save()
    assert town.book(order).state == "attention"
    assert Alert.objects.filter(closed_at=None).exists()
    skip(record_of(town, order), "It is a duplicate.", "bo")
    assert not SyncJob.objects.filter(state="attention").exists()
    assert not Alert.objects.filter(closed_at=None, cause__contains="sku").exists()
    town.orders.options = {}
    town.orders.save()
    with town.untouched(town.shop, town.books):
        job = town.book(order, force=True)
        report = reconcile(town.orders, timezone.now() - timedelta(days=400), timezone.now() + timedelta(days=400), repair=True)
        town.work()
    assert (job.state, job.reason_code) == ("nothing", "held")
    assert 'Skipped by bo ("It is a duplicate.").' in job.reason
    assert [drift for drift in report.drifts if drift.source_id == str(order["id"])] == []
    sync_now(town.orders, ObjectType.ORDER, str(order["id"]), "mia")
    town.work()
    assert record_of(town, order).hold == ""
    assert town.invoice(order)["amount"] == "20.23"
    assert list(
        AuditRecord.objects.filter(action__in=["skip record", "go on with record"]).order_by("id").values_list("actor", flat=True)
    ) == [
        "bo",
        "mia",
    ]


def test_nothing_is_skipped_while_an_answer_is_awaited(town: Town) -> None:
    order = town.order()
    town.book(order)
    ExternalLink.objects.filter(key__startswith=f"{order['id']}:").update(state="intended")
    with pytest.raises(Refused, match="try again in a minute"):
        skip(record_of(town, order), "No.", "bo")
    assert record_of(town, order).hold == ""
    assert not AuditRecord.objects.filter(action="skip record").exists()


def test_an_unpaid_invoice_is_voided_and_comes_back_when_somebody_goes_on(town: Town) -> None:
    order = unpaid(town)
    job = void(record_of(town, order), "Entered twice.", "bo")
    town.work()
    job.refresh_from_db()
    assert (job.state, job.asked_by) == ("done", "bo")
    assert town.invoice(order)["vis_state"] == 1
    assert AuditRecord.objects.filter(action="void record", actor="bo").count() == 1
    assert AuditRecord.objects.filter(action="void invoice").count() == 1
    with town.untouched(town.shop, town.books):
        assert town.book(order, force=True).reason_code == "held"
    sync_now(town.orders, ObjectType.ORDER, str(order["id"]), "bo")
    town.work()
    assert town.invoice(order)["amount"] == "20.23"
    assert len([one for one in town.ledger()["invoices"] if one["reference"] == order["number"]]) == 1


def test_a_paid_invoice_is_not_voided(town: Town) -> None:
    order = town.order()
    town.book(order)
    with town.untouched(town.shop, town.books):
        job = void(record_of(town, order), "Wrong.", "bo")
        town.work()
    job.refresh_from_db()
    assert (job.state, job.reason_code) == ("attention", "invoice_paid")
    assert town.invoice(order)["paid"] == "20.23"


def test_what_vanished_from_the_shop_is_voided_without_it(town: Town) -> None:
    order = unpaid(town)
    vanish(town, order)
    void(record_of(town, order), "It was deleted in the shop.", "bo")
    town.work()
    assert ExternalLink.objects.get(object_type="invoice", key=order["id"]).void


@pytest.mark.parametrize("place", ["before_act", "after_act"])
def test_a_crash_on_the_way_voids_once(town: Town, place: str) -> None:
    """A worker that dies before or right after the call leaves a job that ends the same way."""
    order = unpaid(town)
    void(record_of(town, order), "Wrong.", "bo")
    dies(town, place)
    assert found_by_the_sweep(town).state == "done"
    assert (town.invoice(order)["vis_state"], record_of(town, order).invoiced) == (1, 0)


def test_a_crash_after_the_last_write_leaves_no_proof_of_an_invoice_that_is_void(town: Town) -> None:
    order = unpaid(town)
    void(record_of(town, order), "Wrong.", "bo")
    dies(town, "before_end")
    found_by_the_sweep(town)
    record = record_of(town, order)
    assert (record.invoiced, record.total, record.outcome) == (0, 0, "done")
    assert AuditRecord.objects.filter(action="void invoice").count() == 1
    with town.untouched(town.shop, town.books):
        assert town.book(order, force=True).reason_code == "held"


@pytest.mark.parametrize(("state", "said"), [("attention", "that was refused: Paid."), ("dead", "that failed: Paid.")])
def test_what_could_not_be_voided_is_not_said_to_be(town: Town, state: str, said: str) -> None:
    order = unpaid(town)
    job = void(record_of(town, order), "Wrong.", "bo")
    job.state, job.reason = state, "Paid."
    standing = standing_of(record_of(town, order), job)
    assert (standing.state, standing.sentence.endswith(said)) == ("attention", True)
