"""Many records at once: chosen in one statement, passed on in slices, stopped by a click, and never twice after a crash."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import AuditRecord
from flows.bulk import passing_on
from flows.bulk.passing_on import pass_on
from flows.bulk.progress import progress_of
from flows.bulk.starting import cancel, start
from flows.jobs.queue import enqueue
from flows.models import BulkItem, BulkRun, SyncJob, SyncRecord
from flows.models.job import Priority
from tests import factories as make

pytestmark = pytest.mark.django_db
REPLAY, RETRY = BulkRun.Kind.REPLAY, BulkRun.Kind.RETRY


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing_on, "ring", lambda: None)
    monkeypatch.setattr(passing_on, "SLICE", 3)
    monkeypatch.setattr(passing_on, "SLICES", 2)


def records(number: int, **fields: Any) -> Any:
    flow = make.FlowFactory()
    for n in range(number):
        make.RecordFactory(flow=flow, source_id=f"o{n}", **fields)
    return flow


def waiting() -> list[str]:
    return sorted(SyncJob.objects.filter(state="waiting").values_list("source_id", flat=True))


def test_what_was_chosen_is_passed_on_slice_by_slice_and_counted() -> None:
    flow = records(8)
    (run,) = start(REPLAY, SyncRecord.objects.filter(flow=flow), "all 8", "sue")
    assert (run.total, run.organization_id, run.items.count(), waiting()) == (8, flow.organization_id, 8, [])
    assert pass_on() == 6
    assert len(waiting()) == 6
    assert pass_on() == 2
    assert waiting() == [f"o{n}" for n in range(8)]
    run.refresh_from_db()
    assert run.finished_at is not None
    job = SyncJob.objects.filter(state="waiting").first()
    assert job is not None
    assert (job.priority, job.asked_by, job.force) == (Priority.BACKFILL, "sue", True)
    assert pass_on() == 0
    actions = list(AuditRecord.objects.filter(object_type="bulkrun").order_by("id").values_list("actor", "action"))
    assert actions == [("sue", "start replay of many"), ("worker", "finish replay of many")]


def test_jobs_of_one_object_are_one_item() -> None:
    flow = make.FlowFactory()
    for _ in range(3):
        make.JobFactory(flow=flow, source_id="727", state="superseded")
    (run,) = start(REPLAY, SyncJob.objects.filter(flow=flow), "three jobs", "sue")
    assert run.total == 1


def test_a_retry_takes_only_what_is_still_stopped() -> None:
    flow = make.FlowFactory()
    for source_id in ("1", "2"):
        make.JobFactory(flow=flow, source_id=source_id, state="attention", reason_code="sku_unmapped")
    (run,) = start(RETRY, SyncJob.objects.filter(flow=flow, state="attention"), "two", "sue")
    SyncJob.objects.filter(source_id="2").update(state="superseded")
    pass_on()
    assert waiting() == ["1"]
    assert BulkItem.objects.get(run=run, source_id="2").note == "It is no longer stopped."


def test_what_somebody_skipped_is_left_alone() -> None:
    flow = records(2)
    SyncRecord.objects.filter(source_id="o1").update(hold="skip", hold_by="bo", hold_reason="Twice.")
    (run,) = start(REPLAY, SyncRecord.objects.filter(flow=flow), "all", "sue")
    pass_on()
    assert waiting() == ["o0"]
    assert BulkItem.objects.get(run=run, state="left").note == 'bo chose to leave it alone ("Twice.").'
    assert SyncRecord.objects.get(source_id="o1").hold == "skip"


def test_a_stopped_run_queues_nothing_further() -> None:
    flow = records(8)
    (run,) = start(REPLAY, SyncRecord.objects.filter(flow=flow), "all", "sue")
    pass_on()
    assert cancel(run, "mia")
    assert pass_on() == 0
    assert len(waiting()) == 6
    assert progress_of(run).states == {"queued": 6, "left": 2}
    assert not cancel(run, "mia")
    record = AuditRecord.objects.get(action="cancel replay of many")
    assert (record.actor, record.message) == ("mia", "2 of 8 records were not touched.")


def test_the_queue_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing_on, "AHEAD", 3)
    flow = records(8)
    start(REPLAY, SyncRecord.objects.filter(flow=flow), "all", "sue")
    assert pass_on() == 3
    assert pass_on() == 0
    SyncJob.objects.filter(state="waiting").update(state="done")
    assert pass_on() == 3


def test_a_crash_in_the_middle_of_a_slice_loses_and_doubles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = records(4)
    (run,) = start(REPLAY, SyncRecord.objects.filter(flow=flow), "all", "sue")

    def die(*wanted: Any) -> int:
        enqueue(*wanted)
        raise MemoryError

    monkeypatch.setattr(passing_on, "enqueue", die)
    with pytest.raises(MemoryError):
        pass_on()
    assert waiting() == []
    assert run.items.filter(state="waiting").count() == 4
    monkeypatch.setattr(passing_on, "enqueue", enqueue)
    pass_on()
    assert waiting() == ["o0", "o1", "o2", "o3"]
    assert SyncJob.objects.count() == 4


def test_progress_counts_what_became_of_them() -> None:
    flow = records(3)
    (run,) = start(REPLAY, SyncRecord.objects.filter(flow=flow), "all", "sue")
    pass_on()
    assert progress_of(run).looked_at == 0
    queued_at = BulkItem.objects.filter(run=run)[0].queued_at
    SyncRecord.objects.filter(source_id__in=["o0", "o1"]).update(updated_at=queued_at)
    SyncRecord.objects.filter(source_id="o1").update(outcome="attention")
    progress = progress_of(run)
    assert (progress.outcomes, progress.looked_at, progress.is_live) == ((("attention", 1), ("done", 1)), 2, True)


def test_each_organization_has_its_own_run() -> None:
    records(2)
    records(3)
    runs = start(REPLAY, SyncRecord.objects.all(), "all", "root")
    assert sorted(run.total for run in runs) == [2, 3]
    assert len({run.organization_id for run in runs}) == 2
