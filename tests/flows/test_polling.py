"""Polling: closed windows with overlap, a cursor that moves only with what it found, and backfills that go on where they stopped."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from flows import polling
from flows.leases import periodic
from flows.models import Backfill, SyncCursor, SyncJob, SyncRecord
from flows.polling import poll_flow
from flows.switching import switch
from tests.flows.conftest import Town

NOON = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)
BROKEN = {"kind": "status", "path": "/orders$", "status": 400, "body": '{"code": "x", "message": "not now"}', "times": -1}


def at(town: Town, moment: datetime, count: int = 1) -> list[str]:
    """Orders placed at that time; the shop's clock runs on afterwards. Their ids."""
    town.ask(town.shop, "clock", now=moment.isoformat())
    ids = [str(town.order()["id"]) for _ in range(count)]
    town.ask(town.shop, "clock")
    return ids


def since(town: Town, watermark: datetime) -> SyncCursor:
    return SyncCursor.objects.create(flow=town.orders, watermark=watermark)


def queued(town: Town) -> list[str]:
    return list(SyncJob.objects.filter(flow=town.orders).order_by("id").values_list("source_id", flat=True))


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.platforms.woocommerce.paging.PER_PAGE", 2)


def test_what_changed_is_found_and_booked(town: Town) -> None:
    (order,) = at(town, NOON)
    since(town, NOON - timedelta(minutes=1))
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=1)) == 1
    (job,) = SyncJob.objects.all()
    assert (job.source_id, job.trigger, job.priority) == (order, "poll", 2)
    town.work()
    assert town.invoice({"number": order})["paid"] == "20.23"


def test_windows_overlap_and_end_a_little_before_now(town: Town) -> None:
    long_before, just_before, inside, newest = (at(town, NOON + timedelta(seconds=seconds))[0] for seconds in (-240, -120, 30, 58))
    cursor = since(town, NOON)
    assert poll_flow(town.orders.pk, NOON + timedelta(seconds=60)) == 2
    assert queued(town) == [just_before, inside]
    cursor.refresh_from_db()
    assert (cursor.watermark, cursor.window_until, cursor.page) == (NOON + timedelta(seconds=55), None, "")
    assert poll_flow(town.orders.pk, NOON + timedelta(seconds=120)) == 1
    assert queued(town) == [just_before, inside, newest]
    assert long_before not in queued(town)


def test_what_was_seen_is_not_queued_again(town: Town) -> None:
    ids = at(town, NOON, 3)
    since(town, NOON - timedelta(minutes=1))
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=1)) == 3
    town.work()
    for minutes in (2, 2.5, 3):
        assert poll_flow(town.orders.pk, NOON + timedelta(minutes=minutes)) == 0
    assert len(queued(town)) == 3
    town.ask(town.shop, "clock", now=(NOON + timedelta(minutes=3)).isoformat())
    town.change({"id": ids[1]}, customer_note="Changed")
    town.ask(town.shop, "clock")
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=4)) == 1
    assert queued(town)[-1] == ids[1]


def test_trashed_orders_are_found_too(town: Town) -> None:
    (order,) = at(town, NOON)
    since(town, NOON - timedelta(minutes=1))
    poll_flow(town.orders.pk, NOON + timedelta(minutes=1))
    town.work()
    town.ask(town.shop, "clock", now=(NOON + timedelta(minutes=2)).isoformat())
    town.ask(town.shop, "trash", id=order)
    town.ask(town.shop, "clock")
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=3)) == 1
    town.work()
    assert town.invoice({"number": order})["vis_state"] == 1


def test_a_broken_walk_goes_on_from_its_page(town: Town, small_pages: None) -> None:
    ids = at(town, NOON, 5)
    cursor = since(town, NOON - timedelta(minutes=1))
    town.ask(town.shop, "faults", faults=[{**BROKEN, "skip": 1}])
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=1)) == 2
    cursor.refresh_from_db()
    until = NOON + timedelta(minutes=1) - polling.LAG
    assert (cursor.watermark, cursor.window_until, cursor.page) == (NOON - timedelta(minutes=1), until, "any:2:5")
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=2)) == 0
    town.ask(town.shop, "faults", faults=[])
    town.shop.sandbox.command("forget", {})
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=3)) == 3
    assert queued(town) == ids
    cursor.refresh_from_db()
    assert (cursor.watermark, cursor.window_until, cursor.page, cursor.found) == (until, None, "", 5)
    pages = [entry["query"] for entry in town.ask(town.shop, "requests")]
    assert not [query for query in pages if re.search(r"\bpage=1\b", str(query)) and "status=any" in str(query)]


def test_a_page_whose_jobs_cannot_be_stored_is_read_again(town: Town, small_pages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = at(town, NOON, 4)
    cursor = since(town, NOON - timedelta(minutes=1))
    stored, calls = polling.enqueue, []

    def failing(*args: Any) -> int:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("the database went away")
        return stored(*args)

    monkeypatch.setattr(polling, "enqueue", failing)
    with pytest.raises(RuntimeError):
        poll_flow(town.orders.pk, NOON + timedelta(minutes=1))
    cursor.refresh_from_db()
    assert (queued(town), cursor.page, cursor.watermark) == (ids[:2], "any:2:4", NOON - timedelta(minutes=1))
    assert set(SyncRecord.objects.values_list("source_id", flat=True)) == set(ids[:2])  # the versions went with the jobs
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=2)) == 2
    assert queued(town) == ids


def test_nobody_polls_twice_at_once_nor_what_is_switched_off(town: Town) -> None:
    at(town, NOON)
    since(town, NOON - timedelta(minutes=1))
    town.shop.sandbox.command("forget", {})
    with periodic(f"poll {town.orders.pk}", 60) as ours:
        assert ours
        assert poll_flow(town.orders.pk, NOON + timedelta(minutes=1)) == 0
    town.orders.enabled = False
    town.orders.save()
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=1)) == 0
    town.orders.enabled = True
    town.orders.save()
    town.orders.source.status = "paused"
    town.orders.source.save()
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=1)) == 0
    assert town.calls(town.shop) == {}


def test_refused_keys_stop_the_polling_and_tell_a_person(town: Town) -> None:
    since(town, NOON)
    town.ask(town.shop, "faults", faults=[{**BROKEN, "status": 401, "body": '{"code": "woocommerce_rest_cannot_view", "message": "no"}'}])
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=1)) == 0
    town.orders.source.refresh_from_db()
    assert town.orders.source.status == "reauthorise"
    town.shop.sandbox.command("forget", {})
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=2)) == 0
    assert town.calls(town.shop) == {}


# ---- backfill ----------------------------------------------------------------------------------------------


def test_a_dry_run_prints_the_plans_and_writes_nothing(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    at(town, NOON, 2)
    with town.untouched(town.shop, town.books):
        call_command("backfill", "orders", "--since", "2026-11-05", "--until", "2026-11-06", "--dry-run")
    out = capsys.readouterr().out
    assert out.count("Record payment of 20.23 CAD") == 2
    assert out.endswith("2 record(s), 10 change(s); nothing was written.\n")
    assert (SyncJob.objects.count(), Backfill.objects.count(), SyncRecord.objects.count()) == (0, 0, 0)
    assert town.ledger()["invoices"] == []


def test_a_backfill_queues_the_period_behind_everything_else(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    at(town, NOON - timedelta(days=2))
    ids = at(town, NOON, 3)
    call_command("backfill", "orders", "--since", "2026-11-05", "--until", "2026-11-06")
    assert queued(town) == ids
    assert set(SyncJob.objects.values_list("priority", "trigger")) == {(3, "backfill")}
    assert "3 record(s) found, 3 job(s) queued" in capsys.readouterr().out
    assert Backfill.objects.get().finished_at is not None
    town.work()
    assert len(town.ledger()["invoices"]) == 3


def test_an_interrupted_backfill_goes_on_with_the_same_command(town: Town, small_pages: None, capsys: pytest.CaptureFixture[str]) -> None:
    ids = at(town, NOON, 5)
    town.ask(town.shop, "faults", faults=[{**BROKEN, "skip": 1}])
    command = ("backfill", "orders", "--since", "2026-11-05", "--until", "2026-11-06")
    with pytest.raises(CommandError, match="again to go on from here"):
        call_command(*command)
    backfill = Backfill.objects.get()
    assert (backfill.page, backfill.found, backfill.finished_at, queued(town)) == ("any:2:5", 2, None, ids[:2])
    town.work()
    town.ask(town.shop, "faults", faults=[])
    call_command(*command)
    assert "5 record(s) found, 3 job(s) queued now" in capsys.readouterr().out
    assert queued(town) == ids
    assert Backfill.objects.get().finished_at is not None


def test_a_backfill_needs_a_period(town: Town) -> None:
    with pytest.raises(CommandError, match="before"):
        call_command("backfill", "orders", "--since", "2026-11-06", "--until", "2026-11-05")
    with pytest.raises(CommandError, match="no flow"):
        call_command("backfill", "nothing", "--since", "2026-11-06")
    assert Backfill.objects.count() == 0


def test_what_changes_between_switching_on_and_a_late_first_poll_is_read(town: Town) -> None:
    """The workers may be down, or the shop not answer, for hours after a flow was switched on."""
    switch(town.orders, on=True)
    town.order()
    assert poll_flow(town.orders.pk, timezone.now() + timedelta(hours=5)) == 1


def test_switching_on_again_reads_on_where_reading_stopped(town: Town) -> None:
    stopped = since(town, timezone.now() - timedelta(days=9)).watermark
    switch(town.orders, on=True)
    assert SyncCursor.objects.get().watermark == stopped
