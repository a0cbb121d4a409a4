"""Many rows of a list at once, all that match too: asked first, shown with its progress, stopped by a click; and what a look back found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditRecord
from flows.bulk.passing_on import pass_on
from flows.models import BulkItem, BulkRun, SyncJob, SyncRecord
from tests import factories as make
from tests.admin.console_world import World, address


@pytest.fixture(autouse=True)
def _quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.bulk.passing_on.ring", lambda: None)
    monkeypatch.setattr("flows.admin.flow.ask_for_walk", lambda: True)


def test_all_that_match_are_taken_and_not_only_the_page(world: World) -> None:
    flow = world.rows["flow"]
    for n in range(60):
        make.JobFactory(flow=flow, source_id=f"s{n}", state="attention", reason_code="no_email")
        make.JobFactory(flow=flow, source_id=f"d{n}", state="done")
    client, url = world.client("support"), f"{address(SyncJob, 'changelist')}?reason_code=no_email"
    picked = SyncJob.objects.filter(reason_code="no_email").latest("pk").pk
    posted = {"action": "retry", "index": "0", "select_across": "1", "_selected_action": [picked]}
    asked = client.post(url, posted)
    text = asked.content.decode()
    assert "Retry 60 jobs" in text
    assert "all 60 that match reason code no_email" in text
    assert not BulkRun.objects.filter(asked_by="support").exists()
    answered = client.post(url, {**posted, "sure": "yes"})
    run = BulkRun.objects.get(asked_by="support")
    assert answered["Location"] == address(run, "change", run.pk)
    assert (run.total, run.kind) == (60, "retry")
    assert SyncJob.objects.filter(state="waiting").count() == 0
    pass_on()
    assert SyncJob.objects.filter(state="waiting").count() == 60
    page = client.get(answered["Location"]).content.decode()
    assert "0 of 60 records are through" in page
    assert "data-live" in page
    SyncRecord.objects.bulk_create(
        [
            SyncRecord(flow=flow, object_type="order", source_id=f"s{n}", outcome="done", updated_at=timezone.now() + timedelta(seconds=1))
            for n in range(60)
        ]
    )
    page = client.get(answered["Location"]).content.decode()
    assert "60 of 60 records are through" in page
    assert "data-live" not in page


def test_a_run_is_stopped_and_says_by_whom(world: World) -> None:
    run = world.rows["bulkrun"]
    BulkItem.objects.create(run=run, flow=world.rows["flow"], object_type="order", source_id="1")
    page = world.client("support").post(address(run, "press", run.pk, "cancel"), follow=True).content.decode()
    assert "stopped by support" in page
    assert AuditRecord.objects.get(action="cancel replay of many").actor == "support"
    assert pass_on() == 0


@pytest.mark.parametrize("person", ["bookkeeper", "neighbour", "stranger"])
def test_who_may_not_replay_starts_no_run(world: World, person: str) -> None:
    job, before = world.rows["syncjob"], BulkRun.objects.count()
    world.client(person).post(
        address(SyncJob, "changelist"), {"action": "replay", "index": "0", "_selected_action": [job.pk], "sure": "yes"}
    )
    assert BulkRun.objects.count() == before
    assert not SyncJob.objects.filter(state="waiting").exists()


def test_a_neighbours_rows_are_never_among_all_that_match(world: World) -> None:
    posted = {"action": "replay", "index": "0", "select_across": "1", "_selected_action": [world.theirs["syncrecord"].pk], "sure": "yes"}
    world.client("support").post(address(SyncRecord, "changelist"), posted)
    run = BulkRun.objects.get(asked_by="support")
    assert list(run.items.values_list("flow", flat=True)) == [world.rows["flow"].pk]


def test_time_travel_is_asked_for_and_its_rows_are_repaired(world: World) -> None:
    flow, client = world.rows["flow"], world.client("bookkeeper")
    today = timezone.localdate()
    SyncRecord.objects.filter(flow=flow).update(updated_at=timezone.now() - timedelta(hours=1))
    answer = client.post(address(flow, "travel", flow.pk), {"since": today - timedelta(days=1), "until": today})
    run = BulkRun.objects.get(kind="look")
    assert answer["Location"] == address(run, "change", run.pk)
    assert run.total == 1
    changes = [{"title": "Update invoice 1001 to 12.50 CAD", "rows": [["Number", "1001", "W-1001"]]}]
    run.items.update(state="differs", changes=changes, note="Made from the payload.")
    page = client.get(answer["Location"]).content.decode()
    for part in ("Update invoice 1001 to 12.50 CAD", "W-1001", "Made from the payload.", "1 would differ from what was posted"):
        assert part in page
    assert "Tick those" in client.post(address(run, "repair", run.pk), follow=True).content.decode()
    assert not BulkRun.objects.filter(kind="replay", asked_by="bookkeeper").exists()
    client.post(address(run, "repair", run.pk), {"item": [run.items.get().pk]})
    repair = BulkRun.objects.get(kind="replay", asked_by="bookkeeper")
    assert (repair.total, repair.about) == (1, f"repair of what run {run.pk} found")
    assert world.client("neighbour").post(address(run, "repair", run.pk), {"all": "yes"}).status_code == 404
    assert world.client("bookkeeper").get(address(run, "repair", run.pk)).status_code == 405


@pytest.mark.django_db
def test_a_runs_page_asks_as_much_for_a_thousand_rows_as_for_ten() -> None:
    flow = make.FlowFactory()
    run = BulkRun.objects.create(organization=flow.organization, kind="look", asked_by="sue", total=1000)
    client = Client()
    client.force_login(make.person("root", is_superuser=True))

    def grow(first: int, last: int) -> None:
        rows = [BulkItem(run=run, flow=flow, object_type="order", source_id=str(n), state="differs") for n in range(first, last)]
        BulkItem.objects.bulk_create(rows)

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address(run, "change", run.pk)).status_code == 200
        return len(captured.captured_queries)

    grow(0, 10)
    count()
    few = count()
    grow(10, 1000)
    assert count() == few
    assert few <= 30
