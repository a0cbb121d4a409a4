"""Slowing down when told to, looking once more where seconds are too coarse, and stopping where a search would have no end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditRecord
from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.errors import Rejected
from flows import drain
from flows.jobs.claim import Turn, claim
from flows.jobs.queue import enqueue
from flows.models import SyncJob, SyncRecord
from flows.pipeline import view
from flows.pipeline.run import Rest
from flows.pipeline.workbench import Workbench, open_workbench
from flows.polling import _news, poll_flow
from flows.recipes.times import zone
from flows.reconcile import reconcile
from tests.flows.bookkeeper import invoice_by_hand
from tests.flows.conftest import MakeFlow, Town, wanted
from tests.flows.crashing import queue, runs_once


def slow_down(town: Town, seconds: str) -> None:
    fault = {"kind": "status", "status": 429, "path": "/orders/", "headers": {"Retry-After": seconds}, "times": -1}
    town.ask(town.shop, "faults", faults=[fault])


# ---- told to slow down -------------------------------------------------------------------------------------


def test_no_time_at_all_is_at_least_a_second(town: Town) -> None:
    queue(town, town.order())
    slow_down(town, "0")
    began = timezone.now()
    assert runs_once(town) == Rest(town.orders.pk, 1.0, True)
    job = SyncJob.objects.get()
    assert (job.state, job.reason_code, job.attempts) == ("waiting", "rate_limited", 0)
    assert job.not_before - began >= timedelta(seconds=1)
    assert claim(began + timedelta(seconds=1)) is None


def test_a_run_that_only_waits_leaves_no_trace_in_the_audit(town: Town) -> None:
    queue(town, town.order())
    slow_down(town, "30")
    assert runs_once(town) == Rest(town.orders.pk, 30.0, True)
    assert AuditRecord.objects.count() == 0
    assert (SyncRecord.objects.get().outcome, SyncJob.objects.get().reason_code) == ("waiting", "rate_limited")


def test_a_failed_try_is_on_record(town: Town) -> None:
    queue(town, town.order())
    town.ask(town.shop, "faults", faults=[{"kind": "html", "status": 502, "path": "/orders/", "times": -1}])
    runs_once(town)
    assert list(AuditRecord.objects.values_list("action", "outcome")) == [("sync order", "waiting")]


def test_the_other_jobs_of_a_limited_flow_are_left_alone(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Turn()
    monkeypatch.setattr(drain, "_turn", turn)
    monkeypatch.setattr(drain, "ring_later", lambda seconds: None)
    for order in (town.order(), town.order()):
        queue(town, order)
    slow_down(town, "30")
    first = claim(timezone.now(), turn)
    assert first is not None
    drain._run(first)
    now = timezone.now()
    assert claim(now, turn) is None
    assert claim(now + timedelta(seconds=28), turn) is None
    assert SyncJob.objects.filter(state="waiting", started_at=None).count() == 1  # never even tried
    later = claim(now + timedelta(seconds=31), turn)
    assert later is not None


def test_another_flow_goes_on_while_one_is_held(make_flow: MakeFlow) -> None:
    held, other = make_flow("held"), make_flow("other")
    now, turn = timezone.now(), Turn()
    enqueue([wanted(held, "1"), wanted(other, "2")], now)
    turn.hold(held.pk, now + timedelta(seconds=10))
    turn.hold(held.pk, now + timedelta(seconds=2))  # a shorter rest does not end a longer one
    lease = claim(now, turn)
    assert lease is not None
    assert SyncJob.objects.get(pk=lease.job_id).flow_id == other.pk
    assert claim(now + timedelta(seconds=9), turn) is None
    lease = claim(now + timedelta(seconds=11), turn)
    assert lease is not None
    assert SyncJob.objects.get(pk=lease.job_id).flow_id == held.pk


# ---- looking once more -------------------------------------------------------------------------------------


def versions(town: Town, version: str) -> int:
    """How many of a poll's notices with this change time are passed on."""
    known = {row.source_id: (row.version, row.polled_version) for row in SyncRecord.objects.all()}
    return len(_news(town.orders, ObjectType.ORDER, [Notice(ObjectType.ORDER, "7", version=version)], known))


def test_a_clock_that_was_set_back_hides_nothing(town: Town) -> None:
    before, after = "2026-11-01 01:50:00", "2026-11-01 01:10:00"
    assert [versions(town, each) for each in (before, before, after, after)] == [1, 0, 1, 0]
    row = SyncRecord.objects.get()
    assert (row.version, row.polled_version) == (before, after)


def test_a_second_change_in_the_second_that_a_webhook_told_of_is_found(town: Town) -> None:
    moment = timezone.now().replace(microsecond=0) - timedelta(minutes=1)
    town.ask(town.shop, "clock", now=moment.isoformat())
    order = town.order(set_paid=False, payment_method="bacs", status="on-hold")
    told = town.raw(order)["date_modified_gmt"]
    SyncRecord.objects.create(flow=town.orders, object_type="order", source_id=order["id"], version=told, updated_at=moment)
    assert town.book(order).reason_code == "left_out"
    town.ask(town.shop, "clock", now=moment.isoformat())
    town.change(order, status="processing")  # its webhook got lost
    town.ask(town.shop, "clock")
    assert town.raw(order)["date_modified_gmt"] == told
    assert [poll_flow(town.orders.pk, timezone.now() + timedelta(seconds=s)) for s in (30, 31)] == [1, 0]
    town.work()
    assert town.invoice(order)["amount"] == "20.23"


# ---- where a search would have no end ----------------------------------------------------------------------


@pytest.mark.parametrize("orders", [3, 4])
def test_more_changed_orders_than_can_be_looked_at_are_a_persons_to_match(town: Town, monkeypatch: pytest.MonkeyPatch, orders: int) -> None:
    assert view.CANDIDATES_AT_MOST == 200
    monkeypatch.setattr(view, "CANDIDATES_AT_MOST", 3)
    placed = [town.order(set_paid=False, payment_method="bacs", status="on-hold")]
    placed += [town.order(line_items=[{"sku": "POT-CAST", "quantity": 1}]) for _ in range(orders - 1)]
    paid = town.ask(town.books, "pay", invoice_id=invoice_by_hand(town, "20.23"))["payment"]["id"]
    town.shop.sandbox.command("forget", {})
    job = town.run(town.payments, str(paid))
    fetched = sum(n for name, n in town.calls(town.shop).items() if name.startswith("GET") and "orders/N" in name)
    if orders == 3:
        assert (job.state, town.raw(placed[0])["status"]) == ("done", "processing")
        return
    assert (job.state, job.reason_code) == ("attention", "manual_review")
    assert job.reason.startswith("More than 3 orders changed in the days to look back")
    assert (fetched, town.writes(town.shop), town.raw(placed[0])["status"]) == (0, {}, "on-hold")


def test_a_comparison_keeps_no_answers(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    benches: list[Workbench] = []
    kept: list[int] = []

    def opened(*args: Any, **fields: Any) -> Workbench:
        benches.append(open_workbench(*args, **fields))
        return benches[-1]

    monkeypatch.setattr("flows.reconcile.open_workbench", opened)
    town.place(5)
    now = timezone.now()
    since, until = now - timedelta(days=400), now + timedelta(days=1)
    reconcile(town.orders, since, until, told=lambda _done: kept.append(len(benches[0].exchanges)))
    assert kept == [0] * 5


@pytest.mark.parametrize("name", ["UTC+25", "America", "/etc/passwd", "../etc", "a\0b", "Mars/Olympus"])
def test_what_is_no_time_zone_is_rejected(name: str) -> None:
    with pytest.raises(Rejected, match="Correct it in the connection's settings"):
        zone(name)
