"""From stored events to jobs: every flow that reads the object, coalesced, with what came late marked and audited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditRecord
from credentials.models import Connection
from flows.inbox.expand import expand_events
from flows.inbox.receive import find_sender
from flows.jobs.claim import claim
from flows.models import Flow, InboundEvent, Subscription, SyncJob, SyncRecord
from tests.flows.conftest import MakeFlow
from tests.flows.inbox_caller import Door, from_books, from_shop, open_door, order_body, post

SECRET = "expand-5d1c"
LATE = "This event came after a newer one. The present state was read from the source instead."


@pytest.fixture
def door(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr("flows.inbox.views.ring", lambda: None)
    return open_door(flow.source, SECRET, "order.updated")


def tell(door: Door, order_id: Any, modified: str, topic: str = "order.updated") -> None:
    body = {"id": order_id} if topic.endswith("deleted") else order_body(order_id, modified)
    assert post(door.path, from_shop(SECRET, body, topic)).status_code == 200


def expand() -> int:
    return expand_events(timezone.now())


def jobs() -> list[tuple[str, str]]:
    return sorted(SyncJob.objects.values_list("flow__label", "source_id"))


def second_flow(flow: Flow, label: str = "second", **fields: Any) -> Flow:
    """Another flow that reads the same orders, into other books."""
    books = Connection.objects.create(
        organization=flow.organization, platform=flow.destination.platform, label=f"books of {label}", status="active", currency="CAD"
    )
    return Flow.objects.create(
        organization=flow.organization, label=label, source=flow.source, destination=books, recipe=flow.recipe, **fields
    )


def test_an_event_becomes_one_job_for_each_enabled_flow(door: Door, flow: Flow) -> None:
    second_flow(flow)
    second_flow(flow, "off", enabled=False)
    tell(door, 7, "2026-11-02T12:00:00")
    assert expand() == 1
    assert jobs() == [("orders", "7"), ("second", "7")]
    event = InboundEvent.objects.get()
    assert event.state == "expanded"
    assert set(SyncJob.objects.values_list("trigger", "event_id")) == {("webhook", event.pk)}
    assert expand() == 0
    assert len(jobs()) == 2


def test_both_flows_jobs_of_one_object_run_independently(door: Door, flow: Flow) -> None:
    second_flow(flow)
    tell(door, 7, "2026-11-02T12:00:00")
    expand()
    leases = [claim(timezone.now()), claim(timezone.now())]
    assert None not in leases
    assert claim(timezone.now()) is None
    assert set(SyncJob.objects.values_list("state", flat=True)) == {"running"}
    tell(door, 7, "2026-11-02T12:00:01")
    expand()
    assert sorted(SyncJob.objects.values_list("flow__label", "state")) == [
        ("orders", "running"), ("orders", "waiting"), ("second", "running"), ("second", "waiting"),
    ]  # fmt: skip
    assert claim(timezone.now()) is None


def test_a_burst_about_one_object_is_one_job_caused_by_the_newest(door: Door) -> None:
    for second in range(30):
        tell(door, 7, f"2026-11-02T12:00:{second:02}")
    assert expand() == 30
    assert jobs() == [("orders", "7")]
    assert SyncJob.objects.get().event_id == InboundEvent.objects.latest("id").pk
    assert not InboundEvent.objects.filter(out_of_order=True).exists()


def test_a_repeat_is_one_event_and_wakes_nothing_later(door: Door) -> None:
    for _ in range(3):
        tell(door, 7, "2026-11-02T12:00:00")
    assert expand() == 1
    SyncJob.objects.all().delete()
    tell(door, 7, "2026-11-02T12:00:00")
    assert (expand(), jobs()) == (0, [])


def test_equal_repeats_without_event_id_are_several_events_and_one_job(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.inbox.views.ring", lambda: None)
    Flow.objects.create(
        organization=flow.organization, label="payments", source=flow.destination, destination=flow.source,
        recipe="payment_to_order_status",
    )  # fmt: skip
    door = open_door(flow.destination, SECRET, "payment")
    for _ in range(4):
        assert post(door.path, from_books(SECRET, "payment.update", "7")).status_code == 200
    assert (expand(), jobs()) == (4, [("payments", "7")])


def late() -> list[str]:
    return [event.notices[0]["version"] for event in InboundEvent.objects.filter(out_of_order=True).order_by("id")]


def test_an_older_event_is_marked_and_audited_and_still_read(door: Door, flow: Flow) -> None:
    tell(door, 7, "2026-11-02T12:00:05")
    expand()
    SyncJob.objects.all().delete()
    tell(door, 7, "2026-11-02T12:00:01")
    tell(door, 8, "2026-11-02T11:00:00")
    expand()
    assert late() == ["2026-11-02T12:00:01"]
    record = AuditRecord.objects.get(action="receive order.updated")
    assert (record.message, record.outcome, record.source_id, record.actor) == (LATE, "noted", "7", "inbox")
    assert (record.organization_id, record.connection_id) == (flow.organization_id, flow.source_id)
    assert record.event_id == InboundEvent.objects.get(out_of_order=True).pk
    assert jobs() == [("orders", "7"), ("orders", "8")]
    assert SyncRecord.objects.get(source_id="7").version == "2026-11-02T12:00:05"


def test_disorder_within_one_batch_is_seen_too(door: Door) -> None:
    for second in (3, 1, 4, 1, 5, 2):
        tell(door, 7, f"2026-11-02T12:00:0{second}")
    expand()
    assert late() == ["2026-11-02T12:00:01", "2026-11-02T12:00:02"]  # the second :01 was a repeat
    assert AuditRecord.objects.filter(message=LATE).count() == 2
    assert SyncRecord.objects.get().version == "2026-11-02T12:00:05"
    assert jobs() == [("orders", "7")]


def test_disorder_is_told_once_however_many_flows_read_it(door: Door, flow: Flow) -> None:
    second_flow(flow)
    tell(door, 7, "2026-11-02T12:00:05")
    tell(door, 7, "2026-11-02T12:00:01")
    expand()
    assert AuditRecord.objects.filter(message=LATE).count() == 1
    assert SyncRecord.objects.filter(version="2026-11-02T12:00:05").count() == 2


def test_events_without_a_time_are_never_late(door: Door) -> None:
    tell(door, 7, "2026-11-02T12:00:05")
    tell(door, 7, "", "order.deleted")
    expand()
    assert late() == []
    assert SyncRecord.objects.get().version == "2026-11-02T12:00:05"


def test_what_no_flow_reads_is_ignored_with_a_note(door: Door, flow: Flow) -> None:
    tell(door, 7, "2026-11-02T12:00:00", "customer.updated")
    assert expand() == 1
    event = InboundEvent.objects.get()
    assert (event.state, event.note, jobs()) == ("ignored", "No enabled flow reads such objects.", [])
    assert SyncRecord.objects.count() == 0


def test_a_switched_off_flow_gets_nothing(door: Door, flow: Flow) -> None:
    Flow.objects.update(enabled=False)
    tell(door, 7, "2026-11-02T12:00:00")
    expand()
    assert (InboundEvent.objects.get().state, jobs()) == ("ignored", [])


def test_batches_take_each_event_once_and_in_order(door: Door) -> None:
    for number in range(7):
        tell(door, number + 1, "2026-11-02T12:00:00")
    assert [expand_events(timezone.now(), batch=3) for _ in range(4)] == [3, 3, 1, 0]
    assert jobs() == [("orders", str(n)) for n in range(1, 8)]


def test_events_of_two_connections_do_not_mix(door: Door, make_flow: MakeFlow) -> None:
    other = make_flow("other")
    theirs = open_door(other.source, SECRET, "order.updated")
    tell(door, 7, "2026-11-02T12:00:05")
    tell(theirs, 7, "2026-11-02T12:00:01")
    expand()
    assert (late(), jobs()) == ([], [("orders", "7"), ("other", "7")])


def test_the_subscription_shows_its_last_sign_of_life(door: Door) -> None:
    tell(door, 7, "2026-11-02T12:00:00")
    expand()
    first = Subscription.objects.get()
    assert first.delivered_at == InboundEvent.objects.get().received_at
    Subscription.objects.update(delivered_at=timezone.now() - timedelta(hours=1))
    tell(door, 8, "2026-11-02T12:00:00")
    expand()
    assert Subscription.objects.get().delivered_at == InboundEvent.objects.latest("id").received_at


def test_ids_of_no_use_do_not_block_the_events_behind_them(door: Door) -> None:
    for wrong in ("9" * 500, "\x00", "7\x00", "\ud800"):
        tell(door, wrong, "2026-11-02T12:00:00")
    tell(door, 8, "8" * 300)
    assert expand() == 1
    assert jobs() == [("orders", "8")]
    assert InboundEvent.objects.filter(state="ignored").count() == 4
    assert find_sender("woocommerce", door.connection.inbox_token) is not None
