"""Stored payloads through today's mappings: what would differ is shown, nothing is written outside, and chosen rows are repaired."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from flows import preview
from flows.bulk import looking
from flows.bulk.looking import start_look, walk_look
from flows.bulk.passing_on import pass_on
from flows.bulk.starting import start
from flows.models import BulkItem, BulkRun, InboundEvent, ItemMapping, SyncJob, SyncRecord
from tests.flows.conftest import Town


def delivered(town: Town, order: dict[str, Any]) -> None:
    """The event that the shop sent when the order was like this."""
    body = town.raw(order)
    version = body["date_modified_gmt"]
    InboundEvent.objects.create(
        connection=town.orders.source, dedupe_key=f"{order['id']}:{version}", topic="order.updated",
        body=json.dumps(body).encode(), received_at=timezone.now(), state="expanded",
        object_type="order", source_id=str(order["id"]),
        notices=[{"object_type": "order", "source_id": str(order["id"]), "version": version}],
    )  # fmt: skip


def look(town: Town) -> BulkRun:
    now = timezone.now()
    run = start_look(town.orders, now - timedelta(hours=1), now + timedelta(seconds=1), "bo")
    with town.untouched(town.shop, town.books):
        walk_look(run)
    run.refresh_from_db()
    return run


def test_nothing_differs_while_the_mappings_are_the_same(town: Town) -> None:
    order = town.order()
    delivered(town, order)
    town.book(order)
    run = look(town)
    item = run.items.get()
    assert (run.total, item.state, item.changes) == (1, "same", [])
    assert item.note.startswith(f"Made from what {town.orders.source} sent at ")
    assert run.finished_at is not None


def test_what_todays_mappings_would_change_is_shown_without_writing_and_then_repaired(town: Town) -> None:
    order, other = town.order(), town.order(line_items=[{"sku": "TEA-EG-100", "quantity": 1}])
    for one in (order, other):
        delivered(town, one)
        town.book(one)
    town.orders.options = {"invoice_prefix": "W-"}
    town.orders.save()
    jobs = SyncJob.objects.count()
    run = look(town)
    assert SyncJob.objects.count() == jobs
    items = sorted(run.items.all(), key=lambda item: int(item.source_id))
    assert [item.state for item in items] == ["differs", "differs"]
    rows = {row[0]: row[1:] for change in items[0].changes for row in change["rows"]}
    assert rows["Number"] == [order["number"], f"W-{order['number']}"]
    assert town.invoice(order)["number"] == order["number"]
    start(BulkRun.Kind.REPLAY, run.items.filter(pk=items[0].pk), "repair", "bo")
    pass_on()
    town.work()
    assert town.invoice(order)["number"] == f"W-{order['number']}"
    assert town.invoice(other)["number"] == other["number"]


def test_the_source_is_not_read_where_the_payload_is_stored(town: Town) -> None:
    order = town.order()
    delivered(town, order)
    town.book(order)
    town.shop.sandbox.command("forget", {})
    look(town)
    assert town.calls(town.shop) == {}


def test_a_payload_that_is_older_than_the_order_is_not_taken_for_it(town: Town) -> None:
    order = town.order()
    delivered(town, order)
    town.book(order)
    SyncRecord.objects.filter(source_id=order["id"]).update(version="2099-01-01T00:00:00")
    item = look(town).items.get()
    assert item.note == f"Read from {town.orders.source} now: it changed after what it sent last."


def test_an_order_with_refunds_is_read_because_its_payload_lacks_their_lines(town: Town) -> None:
    order = town.order()
    town.refund(order, amount="5.00")
    delivered(town, order)
    town.book(order)
    item = look(town).items.get()
    assert (item.state, item.note) == ("same", f"Read from {town.orders.source} now: nothing that it sent shows all of it.")


def test_what_would_stop_says_why(town: Town) -> None:
    order = town.order()
    delivered(town, order)
    town.book(order)
    ItemMapping.objects.all().delete()
    town.orders.options = {"currencies": ["USD"]}
    town.orders.save()
    item = look(town).items.get()
    assert item.state == BulkItem.State.STOPPED
    assert "but the books take USD only" in item.note


def test_a_defect_met_in_one_order_does_not_keep_the_others_waiting(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    odd, fine = town.order(), town.order()
    for order in (odd, fine):
        town.book(order)

    def preview_on(bench: Any, source_id: str, stored: Any) -> Any:
        if source_id == str(odd["id"]):
            raise ValueError("a defect")
        return preview.preview_on(bench, source_id, stored)

    monkeypatch.setattr(looking, "preview_on", preview_on)
    run = look(town)
    run.refresh_from_db()
    assert {item.source_id: item.state for item in run.items.all()} == {str(odd["id"]): "stopped", str(fine["id"]): "same"}
    assert "Tillbridge itself failed on this: a defect" in run.items.get(state="stopped").note
    assert run.finished_at is not None


def test_orders_of_other_days_and_of_other_flows_are_left_out(town: Town) -> None:
    order = town.order()
    town.book(order)
    SyncRecord.objects.update(updated_at=timezone.now() - timedelta(days=3))
    assert look(town).total == 0


def test_a_stopped_look_looks_no_further(town: Town) -> None:
    order = town.order()
    delivered(town, order)
    town.book(order)
    run = start_look(town.orders, timezone.now() - timedelta(hours=1), timezone.now() + timedelta(seconds=1), "bo")
    BulkRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
    town.shop.sandbox.command("forget", {})
    town.books.sandbox.command("forget", {})
    assert walk_look(run) == 0
    assert town.calls(town.books) == {}


def test_what_a_person_decided_to_leave_alone_is_not_offered_for_repair(town: Town) -> None:
    order = town.order()
    delivered(town, order)
    town.book(order)
    SyncRecord.objects.update(hold="skip", hold_by="ann", hold_reason="Booked by hand.")
    town.orders.options = {"invoice_prefix": "W-"}
    town.orders.save()
    item = look(town).items.get()
    assert (item.state, item.note) == ("left", 'ann chose to leave it alone ("Booked by hand.").')
